/* Which credential is chosen, what is refused, and what is put on a request. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/azure_auth.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Good as Base64, too. */
#define CANARY "c4n4ryS3cr3t"

#define KEY                                                                                        \
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

#define ORDER                                                                                      \
  "; looked at, in this order: connection string, SAS, account key, key file, workload identity, " \
  "managed identity, anonymous"

#define CONNECTION "AZURE_STORAGE_CONNECTION_STRING"
#define NOON       1795348800 /* 2026-11-22T12:00:00Z */

static const char *const variables[] = {CONNECTION,
                                        "AZURE_STORAGE_SAS_TOKEN",
                                        "AZURE_ACCOUNT_SAS",
                                        "AZURE_STORAGE_KEY",
                                        "AZURE_STORAGE_ACCOUNT_KEY",
                                        "AZURE_STORAGE_ACCESS_KEY",
                                        "AZURE_ACCOUNT_KEY",
                                        "AZURE_TENANT_ID",
                                        "AZURE_CLIENT_ID",
                                        "AZURE_FEDERATED_TOKEN_FILE",
                                        "AZURE_AUTHORITY_HOST",
                                        "IDENTITY_ENDPOINT",
                                        "IDENTITY_HEADER",
                                        "AZURE_USE_MSI",
                                        "AZURE_POD_IDENTITY_AUTHORITY_HOST"};

static char *home;
static dl_config *config;
static dl__azure_url url;
static dl__azure_auth *auth;
static dl_error err;

static void set(const char *name, const char *value) {
  ck_assert_int_eq(setenv(name, value, 1), 0);
}

static void setup(void) {
  for (int i = 0; i < COUNT(variables); i++) ck_assert_int_eq(unsetenv(variables[i]), 0);
  home = support_tmpdir();
  set("HOME", home);
  err = (dl_error)DL_ERROR_INIT;
  ck_assert_int_eq(dl_config_new(&config, &err), DL_OK);
  ck_assert_int_eq(dl__azure_url_parse("https://acct.blob.core.windows.net/logs", &url, &err),
                   DL_OK);
}

static void teardown(void) {
  dl__azure_auth_free(auth);
  auth = NULL;
  dl__azure_url_clear(&url);
  dl_config_free(config);
  support_rmdir(home);
}

static void for_url(const char *text) {
  dl__azure_url_clear(&url);
  ck_assert_int_eq(dl__azure_url_parse(text, &url, &err), DL_OK);
}

/* The credential that is found now says of itself `words` and the order. */
static void expect(dl__azure_auth_kind kind, const char *words) {
  dl__azure_auth_free(auth);
  dl_status status = dl__azure_auth_new(config, &url, NULL, &auth, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_int_eq(dl__azure_auth_kind_of(auth), kind);
  const char *said = dl__azure_auth_describe(auth);
  ck_assert_msg(strncmp(said, words, strlen(words)) == 0, "%s", said);
  ck_assert_str_eq(said + strlen(words), ORDER);
  ck_assert_ptr_null(strstr(said, CANARY));
}

static void expect_refused(const char *words) {
  dl__azure_auth *none = (dl__azure_auth *)&err;
  ck_assert_msg(dl__azure_auth_new(config, &url, NULL, &none, &err) == DL_ERR_CONFIG, "%s", words);
  ck_assert_ptr_null(none);
  ck_assert_msg(strstr(err.message, words) != NULL, "'%s' is not in: %s", words, err.message);
  ck_assert_msg(strstr(err.message, CANARY) == NULL, "secret in: %s", err.message);
  ck_assert_msg(strstr(err.path, CANARY) == NULL, "secret in: %s", err.path);
  ck_assert_int_eq(dl__azure_auth_new(config, &url, NULL, &none, NULL), DL_ERR_CONFIG);
}

static void write_key(const char *text, mode_t mode) {
  support_write(home, "key", text);
  char *path = support_path(home, "key");
  ck_assert_int_eq(chmod(path, mode), 0);
  free(path);
}

static void use_key_file(void) {
  ck_assert_int_eq(dl_config_set(config, "remote.account_key_file", "~/key", &err), DL_OK);
}

/* What was applied. */
static dl__buf headers, query;

static dl_status apply(int64_t now_s) {
  static const char *const lines[] = {"x-ms-blob-type: BlockBlob", NULL};
  static const char *const pairs[] = {"comp", "block", NULL};
  dl__azure_call call = {"PUT", "/logs/a", pairs, lines, 3};
  dl__buf_clear(&headers);
  dl__buf_clear(&query);
  return dl__azure_auth_apply(auth, &call, now_s, &headers, &query, &err);
}

static void clear_applied(void) {
  dl__buf_clear(&headers);
  dl__buf_clear(&query);
}

#define DATE_LINES "x-ms-date: Sun, 22 Nov 2026 12:00:00 GMT\nx-ms-version: 2021-12-02\n"

/* ---- order ---- */

/* All there is, taken away one by one from the strongest on. */
START_TEST(strongest_first) {
  static const char sas[] = "sv=2021-12-02&sig=" CANARY;
  static const struct {
    const char *name;
    dl__azure_auth_kind kind;
    const char *words;
  } steps[] = {
      {CONNECTION, DL__AZURE_SHARED_KEY, "account key from " CONNECTION},
      {"AZURE_STORAGE_SAS_TOKEN", DL__AZURE_SAS, "SAS from AZURE_STORAGE_SAS_TOKEN"},
      {"AZURE_ACCOUNT_SAS", DL__AZURE_SAS, "SAS from AZURE_ACCOUNT_SAS"},
      {"AZURE_STORAGE_KEY", DL__AZURE_SHARED_KEY, "account key from AZURE_STORAGE_KEY"},
      {"AZURE_STORAGE_ACCOUNT_KEY", DL__AZURE_SHARED_KEY,
       "account key from AZURE_STORAGE_ACCOUNT_KEY"},
      {"AZURE_STORAGE_ACCESS_KEY", DL__AZURE_SHARED_KEY,
       "account key from AZURE_STORAGE_ACCESS_KEY"},
      {"AZURE_ACCOUNT_KEY", DL__AZURE_SHARED_KEY, "account key from AZURE_ACCOUNT_KEY"},
      {NULL, DL__AZURE_SHARED_KEY, "account key from remote.account_key_file"},
      {"AZURE_FEDERATED_TOKEN_FILE", DL__AZURE_TOKEN, "workload identity of AZURE_CLIENT_ID"},
      {"IDENTITY_HEADER", DL__AZURE_TOKEN, "managed identity from IDENTITY_ENDPOINT"},
      {"AZURE_USE_MSI", DL__AZURE_TOKEN, "managed identity of this machine (AZURE_USE_MSI)"},
  };
  set(CONNECTION, "AccountName=acct;AccountKey=" CANARY);
  set("AZURE_STORAGE_SAS_TOKEN", sas);
  set("AZURE_ACCOUNT_SAS", sas);
  set("AZURE_STORAGE_KEY", CANARY);
  set("AZURE_STORAGE_ACCOUNT_KEY", CANARY);
  set("AZURE_STORAGE_ACCESS_KEY", CANARY);
  set("AZURE_ACCOUNT_KEY", CANARY);
  write_key(CANARY, 0600);
  use_key_file();
  set("AZURE_TENANT_ID", "tenant.example.net");
  set("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000000");
  set("AZURE_FEDERATED_TOKEN_FILE", "/nowhere/" CANARY);
  set("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token");
  set("IDENTITY_HEADER", CANARY);
  set("AZURE_USE_MSI", "1");
  for (int i = 0; i < COUNT(steps); i++) {
    expect(steps[i].kind, steps[i].words);
    if (steps[i].name == NULL) {
      ck_assert_int_eq(dl_config_set(config, "remote.account_key_file", NULL, &err), DL_OK);
    } else {
      set(steps[i].name, ""); /* empty is not set */
    }
  }
  expect(DL__AZURE_ANONYMOUS, "anonymous: no credential was found");
}
END_TEST

/* Parts of an identity are none. */
START_TEST(parts_of_an_identity) {
  static const char *const parts[] = {"AZURE_TENANT_ID", "AZURE_CLIENT_ID",
                                      "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT",
                                      "IDENTITY_HEADER"};
  for (int i = 0; i < COUNT(parts); i++) {
    set(parts[i], "http://127.0.0.1/x");
    if (i != 1) expect(DL__AZURE_ANONYMOUS, "anonymous: no credential was found");
    ck_assert_int_eq(unsetenv(parts[i]), 0);
  }
  static const char *const no[] = {"0", "false", "no", "2"};
  for (int i = 0; i < COUNT(no); i++) {
    set("AZURE_USE_MSI", no[i]);
    expect(DL__AZURE_ANONYMOUS, "anonymous: no credential was found");
  }
  set("AZURE_USE_MSI", "True");
  expect(DL__AZURE_TOKEN, "managed identity of this machine (AZURE_USE_MSI)");
}
END_TEST

/* A strong one that is wrong is not passed over for a weaker one. */
START_TEST(wrong_one_is_not_passed_over) {
  set("AZURE_STORAGE_SAS_TOKEN", CANARY);
  set("AZURE_STORAGE_KEY", KEY);
  expect_refused("AZURE_STORAGE_SAS_TOKEN: is not a SAS");
}
END_TEST

/* ---- what is put on a request ---- */

/* python3: hmac over "PUT\n\n\n3\n\n\n\n\n\n\n\n\nx-ms-blob-type:BlockBlob\nx-ms-date:Sun, 22 Nov
 * 2026 12:00:00 GMT\nx-ms-version:2021-12-02\n/acct/logs/a\ncomp:block" with the Base64 of KEY. */
#define SIGNATURE "PjGfLVHuviiBybz+J+RIonzokH/dI+o5ZItUTj5VDTA="

START_TEST(key_signs) {
  set("AZURE_STORAGE_KEY", KEY);
  expect(DL__AZURE_SHARED_KEY, "account key from AZURE_STORAGE_KEY");
  ck_assert_int_eq(apply(NOON), DL_OK);
  ck_assert_str_eq(headers.data, DATE_LINES "Authorization: SharedKey acct:" SIGNATURE "\n");
  ck_assert_uint_eq(query.length, 0);
  ck_assert(!dl__azure_auth_refresh(auth));
  clear_applied();
}
END_TEST

START_TEST(call_without_headers) {
  set("AZURE_STORAGE_KEY", KEY);
  expect(DL__AZURE_SHARED_KEY, "account key from AZURE_STORAGE_KEY");
  dl__azure_call call = {"GET", "/logs", NULL, NULL, 0};
  ck_assert_int_eq(dl__azure_auth_apply(auth, &call, NOON, &headers, &query, &err), DL_OK);
  ck_assert_ptr_nonnull(strstr(headers.data, "Authorization: SharedKey acct:"));
  clear_applied();
}
END_TEST

START_TEST(sas_goes_into_the_query) {
  static const char *const values[] = {"sv=1&sp=rwl&sig=a%2Bb%3D", "?sv=1&sp=rwl&sig=a%2Bb%3D"};
  for (int i = 0; i < COUNT(values); i++) {
    set("AZURE_STORAGE_SAS_TOKEN", values[i]);
    expect(DL__AZURE_SAS, "SAS from AZURE_STORAGE_SAS_TOKEN");
    ck_assert_int_eq(apply(NOON), DL_OK);
    ck_assert_str_eq(headers.data, DATE_LINES);
    ck_assert_str_eq(query.data, "sv=1&sp=rwl&sig=a%2Bb%3D");
  }
  set("AZURE_STORAGE_SAS_TOKEN", "sig=abc");
  expect(DL__AZURE_SAS, "SAS from AZURE_STORAGE_SAS_TOKEN");
  ck_assert(!dl__azure_auth_refresh(auth));
  clear_applied();
}
END_TEST

START_TEST(anonymous_puts_nothing) {
  expect(DL__AZURE_ANONYMOUS, "anonymous: no credential was found");
  ck_assert_int_eq(apply(NOON), DL_OK);
  ck_assert_str_eq(headers.data, DATE_LINES);
  ck_assert_uint_eq(query.length, 0);
  ck_assert(!dl__azure_auth_refresh(auth));
  clear_applied();
}
END_TEST

START_TEST(dates) {
  static const struct {
    int64_t now_s;
    const char *date;
  } days[] = {
      {0, "x-ms-date: Thu, 01 Jan 1970 00:00:00 GMT\n"},
      {951827696, "x-ms-date: Tue, 29 Feb 2000 12:34:56 GMT\n"},
      {4291747199, "x-ms-date: Thu, 31 Dec 2105 23:59:59 GMT\n"},
      {-1, "x-ms-date: Wed, 31 Dec 1969 23:59:59 GMT\n"},
  };
  set("TZ", "Asia/Kolkata");
  expect(DL__AZURE_ANONYMOUS, "anonymous: no credential was found");
  for (int i = 0; i < COUNT(days); i++) {
    ck_assert_int_eq(apply(days[i].now_s), DL_OK);
    ck_assert_int_eq(strncmp(headers.data, days[i].date, strlen(days[i].date)), 0);
  }
  ck_assert_int_eq(apply(INT64_MAX), DL_ERR_AUTH);
  ck_assert_int_eq(apply(INT64_MIN), DL_ERR_AUTH);
  ck_assert_int_eq(apply(300000000000), DL_ERR_AUTH);
  ck_assert_ptr_nonnull(strstr(err.message, "clock"));
  clear_applied();
}
END_TEST

/* ---- SAS ---- */

START_TEST(end_of_a_sas) {
  static const struct {
    const char *se;
    const char *shown; /* NULL: not understood, so not shown and not used */
    bool ended;
  } cases[] = {
      {"2026-11-22T12%3A00%3A01Z", "2026-11-22T12:00:01Z", false},
      {"2026-11-22T12%3a00%3a00Z", "2026-11-22T12:00:00Z", false},
      {"2026-11-22T11:59:59Z", "2026-11-22T11:59:59Z", true},
      {"2026-11-22T11:59Z", "2026-11-22T11:59Z", true},
      {"2026-11-23", "2026-11-23", false},
      {"2026-11-22", "2026-11-22", true},
      {"2026-12-01T00:00:00.0000000Z", "2026-12-01T00:00:00.0000000Z", false},
      {"2020-01-01T00:00:00%2B01:00", NULL, false},
      {"2020-01-01T00:00:00.000000000000000000000Z", NULL, false},
      {CANARY, NULL, false},
      {"", NULL, false},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    char sas[128] = "sv=1&se=";
    char words[128] = "SAS from AZURE_STORAGE_SAS_TOKEN";
    strcat(strcat(sas, cases[i].se), "&sig=x");
    if (cases[i].shown != NULL) strcat(strcat(words, ", good until "), cases[i].shown);
    set("AZURE_STORAGE_SAS_TOKEN", sas);
    expect(DL__AZURE_SAS, words);
    /* It is sent all the same: our clock may be wrong. */
    ck_assert_msg(apply(NOON) == DL_OK, "%s", cases[i].se);
    const char *ended = dl__azure_auth_ended(auth, NOON);
    ck_assert_msg((ended != NULL) == cases[i].ended, "%s", cases[i].se);
    if (ended != NULL) ck_assert_str_eq(ended, cases[i].shown);
  }
  set("AZURE_STORAGE_SAS_TOKEN", "se=2020-01-01&sig=x");
  expect(DL__AZURE_SAS, "SAS from AZURE_STORAGE_SAS_TOKEN, good until 2020-01-01");
  set("AZURE_STORAGE_SAS_TOKEN", "xse=2020-01-01&sig=x");
  expect(DL__AZURE_SAS, "SAS from AZURE_STORAGE_SAS_TOKEN");
  clear_applied();
}
END_TEST

START_TEST(no_sas) {
  static const char *const values[] = {
      CANARY,
      "?",
      "sig=",
      "sv=1&sig=",
      "sv=1&xsig=" CANARY,
      "sv=1&sig=" CANARY "\r\nX: y",
      "sv=1&sig=" CANARY "\n",
      "sv=1&sig=" CANARY " ",
      "sv=1&sig=" CANARY "\x7f",
      "sv=1&sig=" CANARY "#",
      "sv=1&sig=" CANARY "\xc3\xa4",
      "\"sv=1&sig=" CANARY "\"",
      "https://acct.blob.core.windows.net/logs sv=1&sig=" CANARY,
  };
  for (int i = 0; i < COUNT(values); i++) {
    set("AZURE_ACCOUNT_SAS", values[i]);
    expect_refused("AZURE_ACCOUNT_SAS: is not a SAS");
  }
}
END_TEST

/* ---- keys ---- */

START_TEST(no_key) {
  static const char *const values[] = {
      CANARY "=",
      CANARY "\n",
      " " CANARY,
      CANARY "\r\nX-Y: z",
      CANARY "-_-_",
      CANARY "\x01",
      "AccountKey=" CANARY,
      "====",
      "Zh==",
      CANARY "\xff\xff\xff\xff",
  };
  for (int i = 0; i < COUNT(values); i++) {
    set("AZURE_STORAGE_ACCESS_KEY", values[i]);
    expect_refused("AZURE_STORAGE_ACCESS_KEY: is not an account key");
  }
  char *large = calloc(1, 8193);
  ck_assert_ptr_nonnull(large);
  memset(large, 'A', 8192);
  set("AZURE_STORAGE_ACCESS_KEY", large);
  expect_refused("AZURE_STORAGE_ACCESS_KEY: is too long");
  free(large);
}
END_TEST

START_TEST(key_file) {
  static const char *const texts[] = {KEY, KEY "\n", KEY "\r\n"};
  use_key_file();
  for (int i = 0; i < COUNT(texts); i++) {
    write_key(texts[i], i == 0 ? 0600 : 0400);
    expect(DL__AZURE_SHARED_KEY, "account key from remote.account_key_file");
    ck_assert_int_eq(apply(NOON), DL_OK);
    ck_assert_str_eq(headers.data, DATE_LINES "Authorization: SharedKey acct:" SIGNATURE "\n");
    char *path = support_path(home, "key");
    ck_assert_int_eq(unlink(path), 0);
    free(path);
  }
  clear_applied();
}
END_TEST

START_TEST(key_file_named_by_the_config_file) {
  ck_assert_int_eq(unsetenv("DEVLOG_HOME"), 0);
  ck_assert_int_eq(unsetenv("DEVLOG_CONFIG"), 0);
  support_write(home, ".devlog/config.ini",
                "[remote]\nurl = memory://box\naccount_key_file = ~/key\n");
  write_key(CANARY, 0600);
  dl_status status = dl_config_load(config, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  expect(DL__AZURE_SHARED_KEY, "account key from remote.account_key_file");
}
END_TEST

START_TEST(key_file_that_others_reach) {
  static const mode_t modes[] = {0640, 0604, 0644, 0666, 0620, 0602, 0610, 0601};
  use_key_file();
  for (int i = 0; i < COUNT(modes); i++) {
    write_key(CANARY, modes[i]);
    expect_refused("other users can get at the key file: chmod 600 ");
    ck_assert_ptr_nonnull(strstr(err.message, home));
    ck_assert_ptr_nonnull(strstr(err.path, home));
  }
}
END_TEST

START_TEST(key_file_of_another_user) {
  if (geteuid() != 0) return; /* only root can give a file away */
  write_key(CANARY, 0600);
  char *path = support_path(home, "key");
  ck_assert_int_eq(chown(path, 65534, 65534), 0);
  free(path);
  use_key_file();
  expect_refused("belongs to another user");
}
END_TEST

START_TEST(key_file_that_is_none) {
  static const char *const texts[] = {"",           "\n",       CANARY "\n\n",
                                      CANARY " \n", " " CANARY, "\xef\xbb\xbf" CANARY};
  use_key_file();
  expect_refused("cannot open the key file");
  for (int i = 0; i < COUNT(texts); i++) {
    write_key(texts[i], 0600);
    expect_refused("remote.account_key_file: is not an account key");
  }
  char *large = calloc(1, 4098);
  ck_assert_ptr_nonnull(large);
  memset(large, 'A', 4097);
  write_key(large, 0600);
  expect_refused("larger than 4096 bytes");
  large[4096] = '\0';
  write_key(large, 0600);
  expect(DL__AZURE_SHARED_KEY, "account key from remote.account_key_file");
  free(large);
}
END_TEST

START_TEST(key_file_of_another_type) {
  char *path = support_path(home, "key");
  use_key_file();
  ck_assert_int_eq(mkdir(path, 0700), 0);
  expect_refused("not a regular file");
  ck_assert_int_eq(rmdir(path), 0);
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  expect_refused("not a regular file");
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(symlink("missing", path), 0);
  expect_refused("cannot open the key file");
  free(path);
}
END_TEST

START_TEST(key_instead_of_the_file) {
  ck_assert_int_eq(dl_config_set(config, "remote.account_key_file", KEY, &err), DL_ERR_CONFIG);
  ck_assert_ptr_nonnull(strstr(err.message, "remote.account_key_file: looks like the key itself"));
  ck_assert_ptr_null(strstr(err.message, "Eby8"));
  ck_assert_int_eq(dl_config_set(config, "remote.account_key_file", "", &err), DL_ERR_CONFIG);
}
END_TEST

/* ---- connection strings ---- */

static const struct {
  const char *text;
  dl__azure_auth_kind kind;
} good_strings[] = {
    {"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=" KEY
     ";EndpointSuffix=core.windows.net",
     DL__AZURE_SHARED_KEY},
    {"AccountKey=" KEY ";AccountName=acct", DL__AZURE_SHARED_KEY},
    {";;accountname=acct;ACCOUNTKEY=" KEY ";;", DL__AZURE_SHARED_KEY},
    {"AccountName=acct;AccountKey=" KEY ";QueueEndpoint=https://acct.queue.core.windows.net/;"
     "Unknown=;TableEndpoint=x",
     DL__AZURE_SHARED_KEY},
    {"AccountName=acct;AccountKey=" KEY ";SharedAccessSignature=sig=x", DL__AZURE_SHARED_KEY},
    {"AccountName=acct;SharedAccessSignature=sv=1&sig=" CANARY, DL__AZURE_SAS},
    {"AccountName=acct;SharedAccessSignature=?sv=1&sig=" CANARY, DL__AZURE_SAS},
    {"BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=" CANARY,
     DL__AZURE_SAS},
    {"BlobEndpoint=https://acct.blob.core.windows.net;AccountKey=" KEY, DL__AZURE_SHARED_KEY},
    {"BlobEndpoint=http://127.0.0.1:10000/acct;AccountKey=" KEY, DL__AZURE_SHARED_KEY},
    {"BlobEndpoint=https://elsewhere.example.net/;AccountName=acct;AccountKey=" KEY,
     DL__AZURE_SHARED_KEY},
    {"UseDevelopmentStorage=false;AccountName=acct;AccountKey=" KEY, DL__AZURE_SHARED_KEY},
};

START_TEST(good_connection_string) {
  set(CONNECTION, good_strings[_i].text);
  expect(good_strings[_i].kind, good_strings[_i].kind == DL__AZURE_SAS
                                    ? "SAS from " CONNECTION
                                    : "account key from " CONNECTION);
  ck_assert_int_eq(apply(NOON), DL_OK);
  if (good_strings[_i].kind == DL__AZURE_SAS) {
    ck_assert_str_eq(query.data, "sv=1&sig=" CANARY);
  } else {
    ck_assert_ptr_nonnull(strstr(headers.data, SIGNATURE));
  }
  clear_applied();
}
END_TEST

static const struct {
  const char *text;
  const char *words;
} bad_strings[] = {
    {CANARY, "is not of the form"},
    {"AccountName=acct;" CANARY ";AccountKey=" KEY, "is not of the form"},
    {"AccountName=acct;AccountName=acct;AccountKey=" CANARY, "twice"},
    {"AccountName=acct;AccountKey=" CANARY ";accountkey=" CANARY, "twice"},
    {"AccountName=acct", "neither"},
    {"AccountName=acct;AccountKey=", "is not an account key"},
    {"AccountName=acct;AccountKey=" CANARY "=", "is not an account key"},
    {"AccountName=acct;AccountKey=" CANARY "\r\nX: y", "control character"},
    {"AccountName=acct\n;AccountKey=" CANARY, "control character"},
    {"AccountName=acct;SharedAccessSignature=" CANARY, "is not a SAS"},
    {"AccountName=acct;SharedAccessSignature=", "is not a SAS"},
    {"AccountKey=" CANARY, "names no account"},
    {";;", "names no account"},
    {"SharedAccessSignature=sig=" CANARY, "names no account"},
    {"BlobEndpoint=;AccountKey=" CANARY, "names no account"},
    {"BlobEndpoint=" CANARY ";AccountKey=" CANARY, "names no account"},
    {"BlobEndpoint=https://" CANARY "@acct.net;AccountKey=" CANARY, "names no account"},
    {"AccountName=other;AccountKey=" CANARY, "another account than remote.url, which names acct"},
    {"AccountName=;AccountKey=" CANARY, "another account"},
    {"AccountName=Acct;AccountKey=" CANARY, "another account"},
    {"AccountName=" CANARY ";AccountKey=" CANARY, "another account"},
    {"BlobEndpoint=https://other.blob.core.windows.net/;AccountKey=" CANARY, "another account"},
    {"BlobEndpoint=http://127.0.0.1:10000/other;AccountKey=" CANARY, "another account"},
    {"UseDevelopmentStorage=true", "another account"},
};

START_TEST(bad_connection_string) {
  set(CONNECTION, bad_strings[_i].text);
  expect_refused(bad_strings[_i].words);
  ck_assert_int_eq(strncmp(err.message, CONNECTION ": ", strlen(CONNECTION ": ")), 0);
}
END_TEST

START_TEST(emulator) {
  for_url("http://127.0.0.1:10000/devstoreaccount1/logs");
  set(CONNECTION, "UseDevelopmentStorage=true");
  expect(DL__AZURE_SHARED_KEY, "account key from " CONNECTION);
  set(CONNECTION, "usedevelopmentstorage=True;DevelopmentStorageProxyUri=http://x;");
  expect(DL__AZURE_SHARED_KEY, "account key from " CONNECTION);
}
END_TEST

/* ---- identities ---- */

START_TEST(bad_identity) {
  static const struct {
    const char *name, *value, *words;
  } cases[] = {
      {"AZURE_TENANT_ID", CANARY "/../x", "AZURE_TENANT_ID: is not an id"},
      {"AZURE_TENANT_ID", CANARY "\r\nX: y", "AZURE_TENANT_ID: is not an id"},
      {"AZURE_CLIENT_ID", CANARY "&a=b", "AZURE_CLIENT_ID: is not an id"},
      {"AZURE_CLIENT_ID", CANARY " ", "AZURE_CLIENT_ID: is not an id"},
      {"AZURE_AUTHORITY_HOST", CANARY, "AZURE_AUTHORITY_HOST: is not the URL"},
      {"AZURE_AUTHORITY_HOST", "https://", "AZURE_AUTHORITY_HOST: is not the URL"},
      {"AZURE_AUTHORITY_HOST", "https://me:" CANARY "@x.net", "AZURE_AUTHORITY_HOST: is not"},
      {"AZURE_AUTHORITY_HOST", "https://x.net/\n" CANARY, "AZURE_AUTHORITY_HOST: is not the URL"},
      {"AZURE_AUTHORITY_HOST", "http://login.example.net", "AZURE_AUTHORITY_HOST: plain http"},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    set("AZURE_TENANT_ID", "tenant");
    set("AZURE_CLIENT_ID", "client");
    set("AZURE_FEDERATED_TOKEN_FILE", "/nowhere");
    ck_assert_int_eq(unsetenv("AZURE_AUTHORITY_HOST"), 0);
    set(cases[i].name, cases[i].value);
    expect_refused(cases[i].words);
  }
}
END_TEST

START_TEST(bad_managed_identity) {
  set("IDENTITY_ENDPOINT", "ftp://" CANARY);
  set("IDENTITY_HEADER", "x");
  expect_refused("IDENTITY_ENDPOINT: is not the URL");
  set("IDENTITY_ENDPOINT", "http://127.0.0.1/");
  set("IDENTITY_HEADER", CANARY "\r\nX: y");
  expect_refused("IDENTITY_HEADER: cannot stand in a header");
  set("IDENTITY_HEADER", "");
  set("AZURE_USE_MSI", "1");
  set("AZURE_POD_IDENTITY_AUTHORITY_HOST", CANARY);
  expect_refused("AZURE_POD_IDENTITY_AUTHORITY_HOST: is not the URL");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("azure_auth");
  TCase *tcase = tcase_create("azure_auth");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, strongest_first);
  tcase_add_test(tcase, parts_of_an_identity);
  tcase_add_test(tcase, wrong_one_is_not_passed_over);
  tcase_add_test(tcase, key_signs);
  tcase_add_test(tcase, call_without_headers);
  tcase_add_test(tcase, sas_goes_into_the_query);
  tcase_add_test(tcase, anonymous_puts_nothing);
  tcase_add_test(tcase, dates);
  tcase_add_test(tcase, end_of_a_sas);
  tcase_add_test(tcase, no_sas);
  tcase_add_test(tcase, no_key);
  tcase_add_test(tcase, key_file);
  tcase_add_test(tcase, key_file_named_by_the_config_file);
  tcase_add_test(tcase, key_file_that_others_reach);
  tcase_add_test(tcase, key_file_of_another_user);
  tcase_add_test(tcase, key_file_that_is_none);
  tcase_add_test(tcase, key_file_of_another_type);
  tcase_add_test(tcase, key_instead_of_the_file);
  tcase_add_loop_test(tcase, good_connection_string, 0, COUNT(good_strings));
  tcase_add_loop_test(tcase, bad_connection_string, 0, COUNT(bad_strings));
  tcase_add_test(tcase, emulator);
  tcase_add_test(tcase, bad_identity);
  tcase_add_test(tcase, bad_managed_identity);
  return support_main(suite);
}
