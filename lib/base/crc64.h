/* base/crc64.h: CRC-64/NVME, the checksum that Azure ("x-ms-content-crc64") and S3
 * ("x-amz-checksum-crc64nvme") verify. */
#ifndef DL_BASE_CRC64_H
#define DL_BASE_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* Goes on with crc, which is 0 at the start, over size bytes more. Any thread. */
uint64_t dl__crc64(uint64_t crc, const void *data, size_t size);

#endif
