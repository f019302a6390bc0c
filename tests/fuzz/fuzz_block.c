/* fuzz_block.c: any bytes as the id of a block, as a block, and as Base64. What is read gives the
 * same text when it is written again, and the other way round. */
#include "base/hash.h"
#include "fuzz.h"
#include "storage/azure_block.h"

static void check_base64(const uint8_t *data, size_t size, const char *text) {
  size_t length = strlen(text);
  size_t count = 0;
  dl__buf again = {0};
  uint8_t *raw = malloc(DL__BASE64_ROOM(length) + 1);
  require(raw != NULL);
  if (dl__base64_decode(text, length, raw, &count)) {
    require(count <= DL__BASE64_ROOM(length) && dl__base64_add(&again, raw, count));
    require(length == again.length && (length == 0 || memcmp(text, again.data, length) == 0));
  }
  free(raw);
  dl__buf_cut(&again, 0);
  require(dl__base64_add(&again, data, size));
  raw = malloc(DL__BASE64_ROOM(again.length) + 1);
  require(raw != NULL);
  require(dl__base64_decode(again.data, again.length, raw, &count) && count == size);
  require(size == 0 || memcmp(raw, data, size) == 0);
  free(raw);
  dl__buf_clear(&again);
}

static void check_id(const char *id) {
  dl__azure_block block;
  dl__buf again = {0};
  if (dl__azure_block_read_id(id, &block)) {
    require(block.size_bytes > 0 && dl__azure_block_can_stand_beside(id));
    require(dl__azure_block_add_id(&again, &block) && strcmp(again.data, id) == 0);
  }
  dl__buf_cut(&again, 0);
  if (dl__azure_block_add_chance_id(&again, id)) {
    require(again.length == strlen(id) && again.length < DL__AZURE_BLOCK_ID_SIZE);
    require(!dl__azure_block_read_id(again.data, &block));
    require(dl__azure_block_can_stand_beside(again.data) == dl__azure_block_can_stand_beside(id));
  } else {
    require(again.length == 0);
  }
  dl__buf_clear(&again);
}

static void check_block(const uint8_t *data, size_t size) {
  dl__azure_block block = {.ordinal = size > 40 ? data[40] : 0};
  dl__azure_block back = {0};
  dl__buf id = {0};
  if (size < 40) return;
  memcpy(block.sha256, data, 32);
  memcpy(&block.size_bytes, data + 32, 8);
  require(dl__azure_block_add_id(&id, &block) && id.length == DL__AZURE_BLOCK_ID_CHARACTERS);
  require(dl__azure_block_read_id(id.data, &back) == (block.size_bytes > 0));
  require(memcmp(&block, &back, sizeof block) == 0);
  check_id(id.data);
  dl__buf_clear(&id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = text_of(data, size);
  check_base64(data, size, text);
  check_id(text);
  check_block(data, size);
  free(text);
  return 0;
}
