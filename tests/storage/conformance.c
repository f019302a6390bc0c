/* tests/storage/conformance.c: what devlog/storage.h promises of a storage, for
 * the provider that this program is linked with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote.h"

remote here;
dl__storage storage;

bool tested_sum(const char *digest) {
  return tested_can(CAN_SUM) && strncmp(digest, "md5:", 4) == 0;
}

bool tested_can(unsigned flags) {
  return (tested.can & flags) == flags;
}

bool tested_has(uint32_t caps) {
  return (tested.caps & caps) == caps;
}

static void setup(void) {
  tested.make(&here);
  storage = open_url(here.url);
}

static void teardown(void) {
  dl__storage_close(&storage);
  tested.unmake(&here);
}

TCase *case_new(Suite *suite, const char *name) {
  TCase *tc = tcase_create(name);
  tcase_add_checked_fixture(tc, setup, teardown);
  tcase_set_timeout(tc, 60);
  suite_add_tcase(suite, tc);
  return tc;
}

int main(void) {
  const char *missing = tested.missing != NULL ? tested.missing() : NULL;
  if (missing != NULL) {
    printf("1..0 # SKIP %s\n", missing);
    return EXIT_SUCCESS;
  }
  Suite *suite = suite_create(tested.name);
  cases_put(suite);
  cases_get(suite);
  cases_about(suite);
  cases_condition(suite);
  cases_list(suite);
  cases_absent(suite);
  cases_keys(suite);
  cases_read(suite);
  cases_threads(suite);
  cases_handles(suite);
  cases_parts(suite);
  cases_parts_fail(suite);
  return kit_main(suite);
}
