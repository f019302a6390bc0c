/* storage/azure_block.h: the id of a block, which says what is in it.
 *
 * "Get Block List" tells nothing of a block but id and size, so the id is where its
 * content is known from: by any machine, after the state was lost, and after a push
 * that did not end. The form is fixed for ever. 45 raw bytes:
 *
 *   0       the form: 0x01
 *   1-32    SHA-256 of the block
 *   33-40   its length in bytes, high byte first; above 0
 *   41-44   an ordinal, high byte first: 0
 *
 * in Base64 (RFC 4648, 4): 60 characters, no padding. The service takes up to 64 raw
 * bytes, and wants ids of one length for all staged blocks of a blob ("Put Block").
 *
 * That a staged block holds what its id says rests on the service, which refuses a block whose
 * bytes have not the CRC-64 that came with them (and a put_part counts as failed unless it names
 * that CRC again). It is enough: the CRC was made of the very bytes that the SHA-256 was, so only
 * bytes that changed since can differ, by a fault and not by intent, and of those one in 2^64
 * passes; who may write to the container can forge a block, but can as well replace the blob.
 *
 * A block that stands in several places of a blob is listed several times under its one
 * id, which Put Block List allows. Other ordinals are kept for services that do not; a
 * block that has one is somebody else's to us.
 *
 * SHA-256 because it is nearly twice as fast as the others where CPUs have instructions for
 * it (x86 servers since AMD 2017 and Intel 2021, all 64-bit ARM servers), half as fast where
 * not, and sha256sum can check it. `openssl speed -evp X -bytes 65536` on one machine, in GB/s:
 *
 *                              SHA-256   SHA-512/256   BLAKE2b-512
 *   with SHA instructions        1.74        0.76          0.96
 *   with them masked             0.47        0.73          0.95
 *     (OPENSSL_ia32cap=:~0x20000000) */
#ifndef DL_STORAGE_AZURE_BLOCK_H
#define DL_STORAGE_AZURE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define DL__AZURE_BLOCK_ID_BYTES      45
#define DL__AZURE_BLOCK_ID_CHARACTERS 60

/* Enough for any id of anybody (64 bytes are 88 characters) and NUL. */
#define DL__AZURE_BLOCK_ID_SIZE 128

typedef struct dl__azure_block {
  uint8_t sha256[32];
  uint64_t size_bytes; /* above 0 */
  uint32_t ordinal;
} dl__azure_block;

/* Appends the id. False: no memory; buf is as it was. */
bool dl__azure_block_add_id(dl__buf *buf, const dl__azure_block *block);

/* Reads an id of this form, whatever its ordinal. False: it is not one. */
bool dl__azure_block_read_id(const char *id, dl__azure_block *block);

/* Appends an id by chance, as long as the one given, which is never one of our form. False: no
 * memory; or that one is no id, or of less than 3 bytes. */
bool dl__azure_block_add_chance_id(dl__buf *buf, const char *as_long_as);

/* True if the service takes our ids for blocks that are staged beside one with this id,
 * whoever made it: it has as many raw bytes. */
bool dl__azure_block_can_stand_beside(const char *id);

#endif
