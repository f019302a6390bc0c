/* tests/unit/azure_kit.h: an azure storage whose service is tests/support/answerer.h.
 * Needs _GNU_SOURCE. */
#ifndef DL_TESTS_AZURE_KIT_H
#define DL_TESTS_AZURE_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <devlog/devlog.h>

#include "support/answerer.h"

#define COUNT(array)  ((int)(sizeof(array) / sizeof((array)[0])))
#define REFUSED(code) "x-ms-error-code: " code "\r\n"

/* SHA-256 of "abc" and of a million times "a", and the ids of these blocks; see
 * test_azure_block.c */
#define ABC_ID "Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAAA"
#define AAA_ID "Ac3HblyZFPuSgaHH4oTXPmfxgJpIpJcgDgRtOczHESzQAAAAAAAPQkAAAAAA"
#define ABC_SHA                                                                                    \
  "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"                               \
  "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad"
#define AAA_SHA                                                                                    \
  "\xcd\xc7\x6e\x5c\x99\x14\xfb\x92\x81\xa1\xc7\xe2\x84\xd7\x3e\x67"                               \
  "\xf1\x80\x9a\x48\xa4\x97\x20\x0e\x04\x6d\x39\xcc\xc7\x11\x2c\xd0"

static const dl_storage *storage;
static dl_error err;

static inline void setup(void) {
  char url[96];
  dl_config *config;
  ck_assert_int_eq(setenv("AZURE_STORAGE_KEY", "a2V5IG9mIHRoZSB0ZXN0cw==", 1), 0);
  ck_assert_int_eq(unsetenv("http_proxy"), 0);
  ck_assert_int_eq(unsetenv("all_proxy"), 0);
  ck_assert_int_eq(unsetenv("ALL_PROXY"), 0);
  err = (dl_error)DL_ERROR_INIT;
  start_fake();
  (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/devstoreaccount1/logs", fake.port);
  ck_assert_int_eq(dl_config_new(&config, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "remote.url", url, NULL), DL_OK);
  ck_assert_int_eq(dl_config_set(config, "sync.timeout", "4", NULL), DL_OK);
  dl_status status = dl_storage_create(config, &storage, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  dl_config_free(config);
}

static inline void teardown(void) {
  dl_storage_close(storage);
  stop_fake();
}

#endif
