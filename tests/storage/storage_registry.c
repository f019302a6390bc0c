/* Which factory makes the storage for a URL. Each test has a process of its own,
 * and so a registry that holds nothing yet. */
#include <stdio.h>
#include <string.h>

#include "mock.h"

static dl_config *config_with(const char *name, const char *value) {
  dl_error err = DL_ERROR_INIT;
  dl_config *config;
  ASSERT_OK(dl_config_new(&config, &err), err);
  if (name != NULL) ASSERT_OK(dl_config_set(config, name, value, &err), err);
  return config;
}

/* What dl_storage_create says of a URL. */
static dl_status create(const char *url, const dl_storage **out, dl_error *err) {
  dl_config *config = config_with("remote.url", url);
  dl_status status = dl_storage_create(config, out, err);
  dl_config_free(config);
  return status;
}

static void register_mock(const char *scheme, mock *m) {
  dl_error err = DL_ERROR_INIT;
  mock_init(m);
  ASSERT_OK(dl_storage_register(scheme, mock_factory, m, &err), err);
}

static void assert_made_by(const char *url, const mock *m) {
  const dl_storage *made = NULL;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(create(url, &made, &err), err);
  ck_assert_ptr_eq(made, &m->storage);
  unsigned closed = m->closed;
  dl_storage_close(made);
  ck_assert_uint_eq(m->closed, closed + 1);
}

START_TEST(unknown_scheme) {
  dl_error err;
  const dl_storage *made = NULL;
  ASSERT_FAILS(create("mock://a", &made, &err), DL_ERR_CONFIG, err);
  ck_assert_ptr_null(made);
  ck_assert(!dl__storage_known("mock"));
  ck_assert(dl__storage_known("file"));
  ck_assert(dl__storage_known("memory"));
}
END_TEST

START_TEST(registered_scheme) {
  mock m;
  register_mock("mock", &m);
  ck_assert(dl__storage_known("mock"));
  assert_made_by("mock://a", &m);
  dl_error err;
  const dl_storage *made = NULL;
  ASSERT_FAILS(create("mocks://a", &made, &err), DL_ERR_CONFIG, err);
  ASSERT_FAILS(create("moc://a", &made, &err), DL_ERR_CONFIG, err);
}
END_TEST

static const char *const good_schemes[] = {"a", "s3", "a+b-c.d", "z9",
                                           "abcdefghijklmnopqrstuvwxyz01234"};

START_TEST(good_scheme) {
  mock m;
  char url[64];
  register_mock(good_schemes[_i], &m);
  (void)snprintf(url, sizeof url, "%s://a", good_schemes[_i]);
  assert_made_by(url, &m);
}
END_TEST

static const char *const bad_schemes[] = {
    NULL,
    "",
    "A",
    "Mock",
    "1a",
    "+a",
    "-",
    ".",
    "a_b",
    "a/b",
    "a:",
    "a://",
    "a b",
    " a",
    "a\n",
    "\xc3\xa4",
    "a\xc3\xa4",
    "mock://",
    "abcdefghijklmnopqrstuvwxyz012345", /* 32 */
};

START_TEST(bad_scheme) {
  mock m;
  mock_init(&m);
  dl_error err;
  ASSERT_FAILS(dl_storage_register(bad_schemes[_i], mock_factory, &m, &err), DL_ERR_ARGUMENT, err);
  ck_assert_int_eq(dl_storage_register(bad_schemes[_i], mock_factory, &m, NULL), DL_ERR_ARGUMENT);
  if (bad_schemes[_i] != NULL) ck_assert(!dl__storage_known(bad_schemes[_i]));
}
END_TEST

START_TEST(no_factory) {
  dl_error err;
  ASSERT_FAILS(dl_storage_register("mock", NULL, NULL, &err), DL_ERR_ARGUMENT, err);
  ck_assert(!dl__storage_known("mock"));
}
END_TEST

static const char *const built_in[] = {"file", "memory"};

START_TEST(built_in_not_replaced) {
  mock m;
  mock_init(&m);
  dl_error err;
  ASSERT_FAILS(dl_storage_register(built_in[_i], mock_factory, &m, &err), DL_ERR_ARGUMENT, err);
  const dl_storage *made = NULL;
  err = (dl_error)DL_ERROR_INIT;
  ASSERT_OK(create(_i == 0 ? "file:///tmp/devlog-none" : "memory://a", &made, &err), err);
  ck_assert_ptr_ne(made, &m.storage);
  dl_storage_close(made);
  ck_assert_uint_eq(m.closed, 0);
}
END_TEST

/* "Adds a storage for URLs that start with SCHEME://": what is not refused is used. */
START_TEST(accepted_is_used) {
  static const char *const schemes[] = {"http", "https", "azure", "s3", "ftp"};
  mock m;
  mock_init(&m);
  dl_status status = dl_storage_register(schemes[_i], mock_factory, &m, NULL);
  if (status == DL_ERR_ARGUMENT) return; /* built in, some day */
  ck_assert_int_eq(status, DL_OK);
  char url[64];
  (void)snprintf(url, sizeof url, "%s://localhost/a", schemes[_i]);
  assert_made_by(url, &m);
}
END_TEST

/* For storages that are made afterwards; one that was made before stays what it is. */
START_TEST(replaced) {
  mock first;
  mock second;
  register_mock("mock", &first);
  const dl_storage *before = NULL;
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(create("mock://a", &before, &err), err);
  register_mock("mock", &second);
  assert_made_by("mock://a", &second);
  ck_assert_ptr_eq(before, &first.storage);
  dl_storage_close(before);
  ck_assert_uint_eq(first.closed, 1);
}
END_TEST

START_TEST(scheme_is_copied) {
  mock m;
  char scheme[] = "mock";
  register_mock(scheme, &m);
  memset(scheme, 'x', sizeof scheme - 1);
  ck_assert(!dl__storage_known("xxxx"));
  assert_made_by("mock://a", &m);
}
END_TEST

START_TEST(thirty_two_schemes) {
  mock mocks[33];
  char scheme[16];
  for (int i = 0; i < 32; i++) {
    (void)snprintf(scheme, sizeof scheme, "mock%d", i);
    register_mock(scheme, &mocks[i]);
  }
  dl_error err;
  ASSERT_FAILS(dl_storage_register("mock32", mock_factory, &mocks[32], &err), DL_ERR_ARGUMENT, err);
  ck_assert(!dl__storage_known("mock32"));
  register_mock("mock7", &mocks[32]); /* to replace takes no room */
  for (int i = 0; i < 32; i++) {
    char url[32];
    (void)snprintf(url, sizeof url, "mock%d://a", i);
    assert_made_by(url, i == 7 ? &mocks[32] : &mocks[i]);
  }
}
END_TEST

START_TEST(factory_fails) {
  mock m;
  register_mock("mock", &m);
  m.answer = DL_ERR_CONFIG;
  dl_error err;
  const dl_storage *made = NULL;
  ASSERT_FAILS(create("mock://a", &made, &err), DL_ERR_CONFIG, err);
  ck_assert_ptr_null(made);
  ck_assert_str_eq(err.path, "mock");
  m.answer = DL_ERR_NO_MEMORY;
  ASSERT_FAILS(create("mock://a", &made, &err), DL_ERR_NO_MEMORY, err);
  ck_assert_uint_eq(m.closed, 0);
}
END_TEST

static dl_status make_nothing(const dl_config *config, void *user, const dl_storage **out,
                              dl_error *err) {
  (void)config;
  (void)user;
  (void)out;
  (void)err;
  return DL_OK;
}

START_TEST(factory_makes_nothing) {
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl_storage_register("mock", make_nothing, NULL, &err), err);
  const dl_storage *made = NULL;
  ck_assert_int_ne(create("mock://a", &made, &err), DL_OK);
  ck_assert_str_ne(err.message, "");
  ck_assert_ptr_null(made);
}
END_TEST

/* What cannot be used is closed again. */
START_TEST(factory_makes_too_little) {
  mock m;
  register_mock("mock", &m);
  m.storage.put = NULL;
  dl_config *config = config_with("remote.url", "mock://a");
  dl__storage opened;
  dl_error err;
  ASSERT_FAILS(dl__storage_open(config, &opened, &err), DL_ERR_STORAGE, err);
  ck_assert_uint_eq(m.closed, 1);
  dl__storage_close(&opened);
  ck_assert_uint_eq(m.closed, 1);
  dl_config_free(config);
}
END_TEST

static dl_status take_url(const dl_config *config, void *user, const dl_storage **out,
                          dl_error *err) {
  char *url = user;
  (void)out;
  (void)snprintf(url, 64, "%s", dl_config_get(config, "remote.url"));
  return dl_error_set(err, DL_ERR_CONFIG, NULL, "seen");
}

START_TEST(factory_sees_the_url) {
  char url[64] = "";
  dl_error err = DL_ERROR_INIT;
  ASSERT_OK(dl_storage_register("mock", take_url, url, &err), err);
  const dl_storage *made = NULL;
  ASSERT_FAILS(create("mock://Host/Path?a=b", &made, &err), DL_ERR_CONFIG, err);
  ck_assert_str_eq(url, "mock://Host/Path?a=b");
}
END_TEST

START_TEST(nothing_to_open) {
  dl_error err;
  const dl_storage *made = NULL;
  dl_config *config = config_with(NULL, NULL);
  ASSERT_FAILS(dl_storage_create(config, &made, &err), DL_ERR_CONFIG, err);
  ASSERT_FAILS(dl_storage_create(config, NULL, &err), DL_ERR_ARGUMENT, err);
  ASSERT_FAILS(dl_storage_create(NULL, &made, &err), DL_ERR_ARGUMENT, err);
  ck_assert_ptr_null(made);
  dl_config_free(config);
}
END_TEST

/* "All strings ... never hold a secret." */
START_TEST(secret_is_not_told) {
  static const char *const urls[] = {"mock://user:hush@host/a", "mock://host/a?sig=hush"};
  dl_error err = DL_ERROR_INIT;
  dl_config *config = config_with(NULL, NULL);
  dl_status status = dl_config_set(config, "remote.url", urls[_i], &err);
  const dl_storage *made = NULL;
  if (status == DL_OK) status = dl_storage_create(config, &made, &err);
  ck_assert_int_eq(status, DL_ERR_CONFIG);
  ck_assert_msg(strstr(err.message, "hush") == NULL, "%s", err.message);
  ck_assert_msg(strstr(err.path, "hush") == NULL, "%s", err.path);
  dl_config_free(config);
}
END_TEST

START_TEST(close_nothing) {
  dl_storage_close(NULL);
  dl__storage closed = {0};
  dl__storage_close(&closed);
}
END_TEST

void storage_registry(Suite *suite) {
  TCase *tc = tcase_create("registry");
  tcase_add_test(tc, unknown_scheme);
  tcase_add_test(tc, registered_scheme);
  tcase_add_loop_test(tc, good_scheme, 0, COUNT(good_schemes));
  tcase_add_loop_test(tc, bad_scheme, 0, COUNT(bad_schemes));
  tcase_add_test(tc, no_factory);
  tcase_add_loop_test(tc, built_in_not_replaced, 0, COUNT(built_in));
  tcase_add_loop_test(tc, accepted_is_used, 0, 5);
  tcase_add_test(tc, replaced);
  tcase_add_test(tc, scheme_is_copied);
  tcase_add_test(tc, thirty_two_schemes);
  tcase_add_test(tc, factory_fails);
  tcase_add_test(tc, factory_makes_nothing);
  tcase_add_test(tc, factory_makes_too_little);
  tcase_add_test(tc, factory_sees_the_url);
  tcase_add_test(tc, nothing_to_open);
  tcase_add_loop_test(tc, secret_is_not_told, 0, 2);
  tcase_add_test(tc, close_nothing);
  suite_add_tcase(suite, tc);
}
