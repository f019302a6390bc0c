/* The ids of blocks: fixed for ever, so checked against ids that other code made:
 *
 *   def block_id(data, form=1, ordinal=0, length=None):
 *       length = len(data) if length is None else length
 *       raw = bytes([form]) + hashlib.sha256(data).digest() + struct.pack(">QI", length, ordinal)
 *       return base64.b64encode(raw).decode()
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "storage/azure_block.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* of "abc" */
#define ABC_SHA "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_ID  "Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAAA"

static const struct {
  const char *sha256;
  uint64_t size_bytes;
  uint32_t ordinal;
  const char *id;
} vectors[] = {
    {ABC_SHA, 3, 0, ABC_ID},
    /* a million times "a" */
    {"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", 1000000, 0,
     "Ac3HblyZFPuSgaHH4oTXPmfxgJpIpJcgDgRtOczHESzQAAAAAAAPQkAAAAAA"},
    /* where each byte stands */
    {ABC_SHA, 0x0102030405060708, 0x01020304,
     "Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAQIDBAUGBwgBAgME"},
    {ABC_SHA, UINT64_MAX, UINT32_MAX,
     "Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWt////////////////"},
};

static dl__azure_block vector(int i) {
  dl__azure_block block = {.size_bytes = vectors[i].size_bytes, .ordinal = vectors[i].ordinal};
  for (size_t at = 0; at < sizeof block.sha256; at++) {
    char digits[3] = {vectors[i].sha256[2 * at], vectors[i].sha256[2 * at + 1], '\0'};
    block.sha256[at] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return block;
}

START_TEST(ids_are_those_of_the_form) {
  dl__azure_block block = vector(_i);
  dl__buf buf = {0};
  ck_assert(dl__buf_add_text(&buf, "before "));
  ck_assert(dl__azure_block_add_id(&buf, &block));
  ck_assert_int_eq(strncmp(buf.data, "before ", 7), 0);
  ck_assert_str_eq(buf.data + 7, vectors[_i].id);
  ck_assert_uint_eq(strlen(vectors[_i].id), DL__AZURE_BLOCK_ID_CHARACTERS);
  ck_assert(dl__azure_block_can_stand_beside(vectors[_i].id));
  dl__buf_clear(&buf);
}
END_TEST

START_TEST(ids_are_read) {
  dl__azure_block expected = vector(_i);
  dl__azure_block block;
  memset(&block, 0x5a, sizeof block);
  ck_assert(dl__azure_block_read_id(vectors[_i].id, &block));
  ck_assert_mem_eq(block.sha256, expected.sha256, sizeof block.sha256);
  ck_assert_uint_eq(block.size_bytes, expected.size_bytes);
  ck_assert_uint_eq(block.ordinal, expected.ordinal);
}
END_TEST

/* Every byte of an id is in the block that is read. */
START_TEST(ids_go_round) {
  dl__azure_block first = vector(0);
  for (size_t at = 0; at < sizeof first.sha256 + 12; at++) {
    dl__azure_block block = first;
    dl__azure_block again;
    dl__buf buf = {0};
    if (at < 32) block.sha256[at] ^= 0x81;
    if (at >= 32 && at < 40) block.size_bytes ^= UINT64_C(0x81) << (8 * (at - 32));
    if (at >= 40) block.ordinal ^= UINT32_C(0x81) << (8 * (at - 40));
    ck_assert(dl__azure_block_add_id(&buf, &block));
    ck_assert_str_ne(buf.data, ABC_ID);
    ck_assert(dl__azure_block_read_id(buf.data, &again));
    ck_assert_mem_eq(again.sha256, block.sha256, sizeof block.sha256);
    ck_assert_uint_eq(again.size_bytes, block.size_bytes);
    ck_assert_uint_eq(again.ordinal, block.ordinal);
    dl__buf_clear(&buf);
  }
}
END_TEST

static const struct {
  const char *id;
  bool beside;
} foreign[] = {
    {"", false},
    {"AAAA", false},
    {"Arp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAAA", true}, /* form 2 */
    {"ALp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAAA", true}, /* form 0 */
    {"Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAAAAAAA", true}, /* no length */
    /* 42, 44, 46 and 48 bytes */
    {"Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMA", false},
    {"Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAA=", false},
    {"Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAAAAA==", false},
    {"Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAAAAAAA", false},
    /* 43 bytes */
    {"Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAA==", false},
    /* not Base64, or another one */
    {"Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAA ", true},
    {"Abp4Fr-PAc_qQUFA3l2uIiOwA2Gjlhd6nLQQ_2HyABWtAAAAAAAAAAMAAAAA", true},
    {"\nbp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAAA", true},
};

START_TEST(foreign_ids_are_not_ours) {
  dl__azure_block block;
  ck_assert(!dl__azure_block_read_id(foreign[_i].id, &block));
  ck_assert_int_eq(dl__azure_block_can_stand_beside(foreign[_i].id), foreign[_i].beside);
}
END_TEST

/* As long as the other one, another one each time, and never one of ours. */
START_TEST(ids_by_chance) {
  static const char *const others[] = {ABC_ID, "MDAwMDAx", "MDAwMDA=", "MDAwMDAwMDA="};
  dl__azure_block block;
  dl__buf first = {0};
  dl__buf second = {0};
  ck_assert(dl__azure_block_add_chance_id(&first, others[_i]));
  ck_assert(dl__azure_block_add_chance_id(&second, others[_i]));
  ck_assert_uint_eq(first.length, strlen(others[_i]));
  ck_assert_uint_eq(strcspn(first.data, "="), strcspn(others[_i], "="));
  ck_assert_str_ne(first.data, second.data);
  ck_assert(!dl__azure_block_read_id(first.data, &block));
  dl__buf_clear(&first);
  dl__buf_clear(&second);
}
END_TEST

START_TEST(ids_that_chance_cannot_make) {
  static const char *const others[] = {"", "MA==", "MDA=", "no id", "MDAwMDAx\n"};
  char longest[200] = "";
  dl__buf id = {0};
  for (int i = 0; i < COUNT(others); i++) {
    ck_assert_msg(!dl__azure_block_add_chance_id(&id, others[i]), "%s", others[i]);
  }
  memset(longest, 'M', 128);
  ck_assert(!dl__azure_block_add_chance_id(&id, longest));
  ck_assert_uint_eq(id.length, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("azure_block");
  TCase *tcase = tcase_create("azure_block");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, ids_are_those_of_the_form, 0, COUNT(vectors));
  tcase_add_loop_test(tcase, ids_are_read, 0, COUNT(vectors));
  tcase_add_test(tcase, ids_go_round);
  tcase_add_loop_test(tcase, ids_by_chance, 0, 4);
  tcase_add_test(tcase, ids_that_chance_cannot_make);
  tcase_add_loop_test(tcase, foreign_ids_are_not_ours, 0, COUNT(foreign));
  return support_main(suite);
}
