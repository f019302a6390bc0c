/* base/crc64.h: CRC-64/NVME, the checksum that Azure ("x-ms-content-crc64") and S3
 * ("x-amz-checksum-crc64nvme") verify. */
#ifndef DL_BASE_CRC64_H
#define DL_BASE_CRC64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Goes on with crc, which is 0 at the start, over size bytes more. Any thread. */
uint64_t dl__crc64(uint64_t crc, const void *data, size_t size);

/* From here on: for crc64*.c and the tests. */

#define DL__CRC64_POLYNOMIAL UINT64_C(0x9a6c9329ac4bc9b5) /* 0xad93d23594c93659, reflected */

/* The same by tables, on every machine. */
uint64_t dl__crc64_tables(uint64_t crc, const void *data, size_t size);

/* The same by the processor's carry-less multiplication, for DL__CRC64_FOLD_MIN bytes and
 * more; only where dl__crc64_can_fold. */
#define DL__CRC64_FOLD_MIN 128
bool dl__crc64_can_fold(void);
uint64_t dl__crc64_fold(uint64_t crc, const void *data, size_t size);

#endif
