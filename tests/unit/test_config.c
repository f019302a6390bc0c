/* The configuration: ranks, the environment, every way a file can be wrong, and
 * which values make sense together. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <devlog/storage.h>

#include "push/config.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define CANARY       "c4n4ryS3cr3t"
#define URL_LINES    "[remote]\nurl = memory://box\n"

static char *home;
static dl_config *config;
static dl_error err;

static void setup(void) {
  home = support_tmpdir();
  ck_assert_int_eq(setenv("HOME", home, 1), 0);
  ck_assert_int_eq(unsetenv("DEVLOG_HOME"), 0);
  ck_assert_int_eq(unsetenv("DEVLOG_CONFIG"), 0);
  ck_assert_int_eq(unsetenv("XDG_STATE_HOME"), 0);
  err = (dl_error)DL_ERROR_INIT;
  ck_assert_int_eq(dl_config_new(&config, &err), DL_OK);
}

static void teardown(void) {
  dl_config_free(config);
  support_rmdir(home);
}

/* A new dl_config in the environment of now. */
static void renew(void) {
  dl_config_free(config);
  ck_assert_int_eq(dl_config_new(&config, &err), DL_OK);
}

static void set(const char *name, const char *value) {
  dl_status status = dl_config_set(config, name, value, &err);
  ck_assert_msg(status == DL_OK, "%s = %s: %s", name, value, err.message);
}

static void load(void) {
  dl_status status = dl_config_load(config, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
}

static void expect(const char *name, const char *value) {
  const char *got = dl_config_get(config, name);
  if (value == NULL) {
    ck_assert_msg(got == NULL, "%s is %s", name, got);
  } else {
    ck_assert_ptr_nonnull(got);
    ck_assert_str_eq(got, value);
  }
}

/* The value of name must be folder/rest. */
static void expect_path(const char *name, const char *folder, const char *rest) {
  char *path = support_path(folder, rest);
  expect(name, path);
  free(path);
}

/* The last call failed as a matter of configuration, and the message has all of the words. */
static void expect_message(dl_status status, const char *words) {
  ck_assert_int_eq(status, DL_ERR_CONFIG);
  ck_assert_int_eq(err.status, DL_ERR_CONFIG);
  ck_assert_msg(strstr(err.message, words) != NULL, "'%s' is not in: %s", words, err.message);
  ck_assert_msg(strstr(err.message, CANARY) == NULL, "secret in: %s", err.message);
  ck_assert_msg(strstr(err.path, CANARY) == NULL, "secret in: %s", err.path);
}

static void expect_message_at(dl_status status, int line, const char *words) {
  char start[1100];
  (void)snprintf(start, sizeof start, "%s/.devlog/config.ini:%d: ", home, line);
  expect_message(status, words);
  ck_assert_msg(strncmp(err.message, start, strlen(start)) == 0, "%s", err.message);
}

static void write_config(const char *text) {
  support_write(home, ".devlog/config.ini", text);
}

/* Names, defaults, ranks. */

START_TEST(defaults) {
  expect_path("base", home, ".devlog");
  expect_path("config", home, ".devlog/config.ini");
  expect_path("state_dir", home, ".local/state/devlog");
  expect("remote.url", NULL);
  expect("remote.provider", NULL);
  expect("sync.include", "*.jsonl *.toml *.md config.ini");
  expect("sync.exclude", NULL);
  expect("sync.append_only", "events/*.jsonl");
  expect("sync.memory", "64");
  expect("sync.content_md5", "yes");
  expect("sync.jobs", "64");
  ck_assert_uint_eq(dl__config_jobs(config), 64);
  ck_assert_ptr_null(dl_config_note(config, 0));
}
END_TEST

START_TEST(wrong_arguments) {
  ck_assert_int_eq(dl_config_new(NULL, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_config_set(NULL, "base", "/x", &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_config_set(config, NULL, "/x", &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_config_load(NULL, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl_config_validate(NULL, &err), DL_ERR_ARGUMENT);
  ck_assert_ptr_null(dl_config_get(NULL, "base"));
  ck_assert_ptr_null(dl_config_get(config, NULL));
  ck_assert_ptr_null(dl_config_get(config, "remote"));
  ck_assert_ptr_null(dl_config_note(NULL, 0));
  dl_config_free(NULL);
  ck_assert_int_eq(dl_config_set(config, "sync.jobs", "0", NULL), DL_ERR_CONFIG);
}
END_TEST

START_TEST(unknown_name_lists_the_names) {
  expect_message(dl_config_set(config, "sync.job", "1", &err), "sync.jobs");
  expect_message(dl_config_set(config, "", "1", &err), "remote.url");
  expect_message(dl_config_set(config, "x", "1", &err), "sync.append_only");
  expect_message(dl_config_set(config, "x", "1", &err), "sync.memory, sync.content_md5");
}
END_TEST

START_TEST(set_replaces_and_takes_back) {
  set("sync.jobs", "4");
  set("sync.jobs", "5");
  expect("sync.jobs", "5");
  set("sync.jobs", NULL);
  set("sync.jobs", NULL);
  expect("sync.jobs", "64");
}
END_TEST

START_TEST(failed_set_keeps_the_value) {
  set("sync.jobs", "4");
  ck_assert_int_eq(dl_config_set(config, "sync.jobs", "many", &err), DL_ERR_CONFIG);
  expect("sync.jobs", "4");
}
END_TEST

START_TEST(set_before_load_is_stronger_than_all) {
  ck_assert_int_eq(setenv("DEVLOG_HOME", "/from/environment", 1), 0);
  support_write(home, "own/config.ini", "[remote]\nurl = memory://file\n[sync]\njobs = 7\n");
  char *own = support_path(home, "own");
  set("base", own);
  set("remote.url", "memory://set");
  load();
  expect("base", own);
  expect("remote.url", "memory://set");
  expect("sync.jobs", "7");
  free(own);
}
END_TEST

START_TEST(set_after_load_is_stronger_than_all) {
  write_config(URL_LINES "[sync]\njobs = 7\n");
  load();
  expect("sync.jobs", "7");
  set("sync.jobs", "8");
  expect("sync.jobs", "8");
  set("sync.jobs", NULL);
  expect("sync.jobs", "7");
}
END_TEST

START_TEST(environment_is_stronger_than_default) {
  char *base = support_path(home, "other");
  ck_assert_int_eq(setenv("DEVLOG_HOME", base, 1), 0);
  expect_path("base", home, ".devlog"); /* only dl_config_load reads it */
  support_write(home, "other/config.ini", URL_LINES);
  load();
  expect("base", base);
  expect("remote.url", "memory://box");
  set("base", "/set");
  expect("base", "/set");
  expect("config", "/set/config.ini");
  set("base", NULL);
  expect("base", base);
  expect_path("config", base, "config.ini");
  free(base);
}
END_TEST

START_TEST(environment_names_the_config_file) {
  char *file = support_path(home, "x.ini");
  support_write(home, "x.ini", URL_LINES);
  ck_assert_int_eq(setenv("DEVLOG_CONFIG", file, 1), 0);
  load();
  expect("config", file);
  expect("remote.url", "memory://box");
  free(file);
}
END_TEST

START_TEST(empty_environment_is_not_set) {
  ck_assert_int_eq(setenv("DEVLOG_HOME", "", 1), 0);
  ck_assert_int_eq(setenv("DEVLOG_CONFIG", "", 1), 0);
  ck_assert_int_eq(setenv("XDG_STATE_HOME", "", 1), 0);
  write_config(URL_LINES);
  load();
  expect_path("base", home, ".devlog");
  expect_path("state_dir", home, ".local/state/devlog");
}
END_TEST

START_TEST(state_dir_follows_xdg) {
  ck_assert_int_eq(setenv("XDG_STATE_HOME", "/xdg/state", 1), 0);
  write_config(URL_LINES);
  load();
  expect("state_dir", "/xdg/state/devlog");
  set("state_dir", "/own//");
  expect("state_dir", "/own");
}
END_TEST

START_TEST(relative_xdg_is_ignored) {
  ck_assert_int_eq(setenv("XDG_STATE_HOME", "state", 1), 0);
  write_config(URL_LINES);
  load();
  expect_path("state_dir", home, ".local/state/devlog");
}
END_TEST

static const char *const no_homes[] = {NULL, "", "me", "./me"};

static void lose_home(int i) {
  if (no_homes[i] == NULL) {
    ck_assert_int_eq(unsetenv("HOME"), 0);
  } else {
    ck_assert_int_eq(setenv("HOME", no_homes[i], 1), 0);
  }
  renew();
}

START_TEST(no_home_matters_for_the_base) {
  lose_home(_i);
  expect("base", NULL);
  expect("config", NULL);
  set("remote.url", "memory://x");
  expect_message(dl_config_load(config, &err), "set DEVLOG_HOME or HOME");
}
END_TEST

START_TEST(no_home_matters_for_the_state) {
  lose_home(_i);
  set("remote.url", "memory://x");
  set("base", "/b");
  expect_message(dl_config_load(config, &err), "XDG_STATE_HOME");
}
END_TEST

START_TEST(no_home_matters_not_if_not_needed) {
  lose_home(_i);
  set("remote.url", "memory://x");
  set("base", "/b");
  set("state_dir", "/s");
  load();
}
END_TEST

START_TEST(no_home_matters_for_tilde) {
  lose_home(_i);
  expect_message(dl_config_set(config, "base", "~/x", &err), "set HOME");
  expect_message(dl_config_set(config, "remote.url", "file://~/x", &err), "set HOME");
}
END_TEST

START_TEST(home_is_read_again_by_load) {
  char *other = support_path(home, "other");
  support_write(home, "other/.devlog/config.ini", URL_LINES);
  ck_assert_int_eq(setenv("HOME", other, 1), 0);
  load();
  expect_path("base", other, ".devlog");
  free(other);
}
END_TEST

START_TEST(tilde_is_the_home_folder) {
  set("base", "~/logs");
  expect_path("base", home, "logs");
  expect_path("config", home, "logs/config.ini");
  set("base", "~");
  expect("base", home);
  set("config", "~/c.ini");
  expect_path("config", home, "c.ini");
  set("state_dir", "~/state/");
  expect_path("state_dir", home, "state");
  set("sync.include", "~/x");
  expect("sync.include", "~/x");
}
END_TEST

START_TEST(tilde_in_a_file_url) {
  set("remote.url", "file://~/backup");
  char expected[1100];
  (void)snprintf(expected, sizeof expected, "file://%s/backup", home);
  expect("remote.url", expected);
  ck_assert_int_eq(setenv("HOME", "/od%d ho?me", 1), 0);
  renew();
  set("remote.url", "file://~/a%20b");
  expect("remote.url", "file:///od%25d ho%3Fme/a%20b");
}
END_TEST

START_TEST(tilde_of_others_is_refused) {
  expect_message(dl_config_set(config, "base", "~bob/x", &err), "whole path");
  expect_message(dl_config_set(config, "remote.url", "file://~bob/x", &err), "whole path");
}
END_TEST

START_TEST(tilde_in_environment_and_file) {
  ck_assert_int_eq(setenv("DEVLOG_HOME", "~/logs", 1), 0);
  support_write(home, "logs/config.ini", "[remote]\nurl = \"file://~/backup\"\n");
  load();
  expect_path("base", home, "logs");
  ck_assert_ptr_nonnull(strstr(dl_config_get(config, "remote.url"), home));
}
END_TEST

START_TEST(base_slashes) {
  set("base", "/");
  expect("base", "/");
  expect("config", "/config.ini");
  set("base", "/x//");
  expect("base", "/x");
}
END_TEST

START_TEST(environment_is_named_in_errors) {
  ck_assert_int_eq(setenv("DEVLOG_HOME", "~bob", 1), 0);
  expect_message(dl_config_load(config, &err), "DEVLOG_HOME: ");
}
END_TEST

START_TEST(failed_load_changes_nothing) {
  write_config(URL_LINES "[sync]\njobs = 7\n");
  load();
  write_config("[sync]\njobs = 9\nlast_push_timestamp = 1\n[remote]\nurl = bad\n");
  ck_assert_int_eq(dl_config_load(config, &err), DL_ERR_CONFIG);
  expect("sync.jobs", "7");
  expect("remote.url", "memory://box");
  ck_assert_ptr_null(dl_config_note(config, 0));
}
END_TEST

START_TEST(second_load_forgets_the_first) {
  write_config(URL_LINES "[sync]\njobs = 7\nlast_push_timestamp = 1\n");
  load();
  write_config(URL_LINES "[sync]\nlast_push_timestamp = 1\n");
  load();
  expect("sync.jobs", "64");
  ck_assert_ptr_nonnull(dl_config_note(config, 0));
  ck_assert_ptr_null(dl_config_note(config, 1));
}
END_TEST

START_TEST(copy_shares_nothing) {
  write_config(URL_LINES "[sync]\njobs = 7\nlast_push_timestamp = 1\n");
  load();
  set("base", "/set");
  dl_config *copy;
  ck_assert_int_eq(dl__config_copy(config, &copy, &err), DL_OK);
  dl_config *original = config;
  config = copy;
  dl_config_free(original);
  expect("base", "/set");
  expect("config", "/set/config.ini");
  expect("sync.jobs", "7");
  ck_assert_ptr_nonnull(dl_config_note(config, 0));
  set("base", NULL);
  expect_path("base", home, ".devlog");
}
END_TEST

/* The file. */

static const struct {
  const char *text;
  const char *name, *value;
} good_files[] = {
    {URL_LINES, "remote.url", "memory://box"},
    {"[remote]\nurl = memory://box", "remote.url", "memory://box"}, /* no last newline */
    {"\xEF\xBB\xBF" URL_LINES, "remote.url", "memory://box"},
    {"[remote]\r\nurl = memory://box\r\n", "remote.url", "memory://box"},
    {"[remote]\r\nurl = memory://box\r\n\r\n[sync]\r\njobs = 3\r\n", "sync.jobs", "3"},
    {"# one\n; two\n\n  # three\n[remote] ; four\nurl = memory://box ; five\n", "remote.url",
     "memory://box"},
    {"  [remote]\n    url = memory://box\n\t[sync]\n\tjobs=3\n", "sync.jobs", "3"},
    {"[remote]\nurl: memory://box\n", "remote.url", "memory://box"},
    {"[remote]\nurl=\"memory://box\"\n", "remote.url", "memory://box"},
    {"[remote]\nurl = 'memory://box' ; why\n", "remote.url", "memory://box"},
    {"[remote]\nurl = memory://a=b;c#d\n", "remote.url", "memory://a=b;c#d"},
    {URL_LINES "[sync]\ninclude = \"*.md, *.txt\"\n", "sync.include", "*.md, *.txt"},
    {URL_LINES "[sync]\ninclude = *'s.md\n", "sync.include", "*'s.md"},
    {URL_LINES "[sync]\ninclude = \"*'s.md\"\n", "sync.include", "*'s.md"},
    {URL_LINES "[sync]\nexclude =\n", "sync.exclude", ""},
    {URL_LINES "[sync]\nexclude = \"\"\n", "sync.exclude", ""},
    {URL_LINES "[sync]\njobs = 256\n", "sync.jobs", "256"},
    {URL_LINES "[sync]\nappend_only = logs/*.txt, *.log\n", "sync.append_only",
     "logs/*.txt, *.log"},
    {URL_LINES "[sync]\nappend_only =\n", "sync.append_only", ""},
    {URL_LINES "[sync]\nmemory = 128\n", "sync.memory", "128"},
    {URL_LINES "[sync]\ncontent_md5 = no\n", "sync.content_md5", "no"},
    {"[sync]\njobs = 3\n[remote]\nurl = memory://box\n[sync]\nexclude = x\n", "sync.exclude", "x"},
    {"[remote]\nprovider = memory\nurl = memory://box\n", "remote.provider", "memory"},
    {URL_LINES "[sync]\nlast_push_timestamp = 2025-09-11T10:00:00Z\n", "sync.jobs", "64"},
    {URL_LINES "[remote]\n", "remote.url", "memory://box"},
};

START_TEST(good_file) {
  write_config(good_files[_i].text);
  load();
  expect(good_files[_i].name, good_files[_i].value);
}
END_TEST

static const struct {
  const char *text;
  int line;
  const char *words;
} bad_files[] = {
    {"[remote]\nurl\n", 2, "NAME = VALUE"},
    {"[remote\nurl = memory://x\n", 1, "[remote] or [sync]"},
    {"garbage\n", 1, "NAME = VALUE"},
    {"[remote]\n\n# c\nurl memory\n[sync]\njobs = x\n", 4, "NAME = VALUE"}, /* the first fault */
    {"[remote]\n= memory://x\n", 2, "url, provider"},
    {"url = memory://x\n", 1, "write [remote] or [sync] on a line above"},
    {"base = /x\n", 1, "without a section"},
    {"[remotes]\nurl = memory://x\n", 2, "the sections are [remote] and [sync]"},
    {"[Remote]\nurl = memory://x\n", 2, "the sections are [remote] and [sync]"},
    {"[rem]\nurl = memory://x\n", 2, "the sections are"},
    {"[]\nurl = memory://x\n", 2, "without a section"},
    {"[remote]\nulr = memory://x\n", 2, "does not know ulr: write one of url, provider"},
    {"[remote]\nURL = memory://x\n", 2, "write one of url, provider"},
    {"[sync]\njob = 3\n", 2, "include, exclude, append_only, jobs, memory, content_md5"},
    {"[sync]\nurl = memory://x\n", 2, "include, exclude, append_only, jobs, memory, content_md5"},
    {"[sync]\nbase = /x\n", 2, "include, exclude, append_only, jobs, memory, content_md5"},
    {"[sync]\nstate_dir = /x\n", 2, "include, exclude, append_only, jobs, memory, content_md5"},
    {URL_LINES "url = memory://y\n", 3, "on line 2 already"},
    {URL_LINES "[sync]\njobs = 2\n[remote]\nurl = memory://box\n", 6, "on line 2 already"},
    {"[remote] url = memory://x\n", 1, "behind the ]"},
    {"[remote]\nurl = \"memory://x\n", 2, "quote"},
    {"[remote]\nurl = memory://x\"\n", 2, "quote"},
    {"[remote]\nurl = \"memory://x'\n", 2, "quote"},
    {"[remote]\nurl = \"mem\"ory://x\"\n", 2, "quote"},
    {"[remote]\nurl = \"\n", 2, "quote"},
    {"[remote]\nurl = \"memory://x\" # c\n", 2, "quote"},
    {"[remote]\nurl = \"memory://x ; y\"\n", 2, "quote"},
    {"[remote]\nurl =\n", 2, "remote.url: is empty"},
    {"[remote]\nurl = \"\"\n", 2, "remote.url: is empty"},
    {"[remote]\nurl = /folder\n", 2, "file:///path/to/folder"},
    {"[remote]\nurl = file:///a\x01z\n", 2, "control character"},
    {"[remote]\rurl = memory://x\r", 1, "control character"},
    {"[remote]\nprovider =\n", 2, "remote.provider: is empty"},
    {"[remote]\nprovider = Fi le\n", 2, "remote.provider: is not the name"},
    {"[sync]\njobs = 0\n", 2, "sync.jobs: must be a whole number from 1 to 256"},
    {"[sync]\njobs = 4 # four\n", 2, "from 1 to 256"},
    {"[sync]\nmemory = 64M\n", 2, "sync.memory: must be a whole number from 16 to 4096"},
    {"[sync]\ncontent_md5 = maybe\n", 2, "sync.content_md5: must be yes or no"},
    {"[sync]\nappend_only = /abs\n", 2, "sync.append_only: a pattern that starts with /"},
    {"[sync]\nmemory = 64\nmemory = 64\n", 3, "sync.memory stands on line 2 already"},
    {"[sync]\ninclude = , ,\n", 2, "sync.include: is empty"},
    {"[sync]\ninclude = *.md # docs\n", 2, "a space and ;"},
    /* Found by dl_config_validate, told with the line all the same. */
    {"[remote]\nurl = http://example.com/x\n", 2, "remote.url: refused: plain http"},
    {"[remote]\nurl = gopher://x\n", 2, "remote.url: no storage is known"},
    {URL_LINES "provider = tape\n", 3, "remote.provider: no storage"},
    {URL_LINES "provider = file\n", 3, "remote.provider: does not fit"},
    {"[remote]\nurl = file://host/x\n", 2, "remote.url: not a file URL"},
    {"[remote]\nurl = file:///x%zz\n", 2, "remote.url: bad file URL"},
    {"[remote]\nurl = file://~/.devlog/x\n", 2, "remote.url: is inside the folder"},
    /* Secrets. */
    {"[remote]\naccount_key = " CANARY "\n", 2, "account_key looks like a secret"},
    {"[remote]\nAccountKey = " CANARY "\n", 2, "environment variable or a key file"},
    {"[remote]\nkey = " CANARY "\n", 2, "key looks like a secret"},
    {"[remote]\nsas = " CANARY "\n", 2, "sas looks like a secret"},
    {"[remote]\nsas_token = " CANARY "\n", 2, "sas_token looks like a secret"},
    {"[remote]\nsas-token = " CANARY "\n", 2, "sas-token looks like a secret"},
    {"[sync]\nconnection_string = " CANARY "\n", 2, "connection_string looks like a secret"},
    {"[azure]\npassword = " CANARY "\n", 2, "password looks like a secret"},
    {"secret = " CANARY "\n", 1, "secret looks like a secret"},
    {"[x]\ntoken = " CANARY "\n", 2, "token looks like a secret"},
    {"[x]\nsecret_access_key = " CANARY "\n", 2, "secret_access_key looks like a secret"},
    {"[remote]\n+/" CANARY "==\n", 2, "does not know this name"},
    {"[remote]\n" CANARY "\n", 2, "NAME = VALUE"},
    {"[remote]\nurl = https://me:" CANARY "@host/x\n", 2, "password or a signature"},
    {"[remote]\nurl = https://host/x?sv=1&sig=" CANARY "\n", 2, "password or a signature"},
    {"[remote]\nurl = https;AccountKey=" CANARY "\n", 2, "is not a URL"},
    {"[remote]\nurl = \"" CANARY "\n", 2, "quote"},
    {"[remote]\nprovider = " CANARY "\n", 2, "not the name of a provider"},
    {"[remote]\nurl = http://" CANARY ".com\n", 2, "plain http"},
    {"[remote]\nurl = memory://x\nurl = " CANARY "\n", 3, "on line 2 already"},
    {"[sync]\njobs = " CANARY "\n", 2, "from 1 to 256"},
};

START_TEST(bad_file) {
  write_config(bad_files[_i].text);
  expect_message_at(dl_config_load(config, &err), bad_files[_i].line, bad_files[_i].words);
}
END_TEST

START_TEST(empty_file_is_no_remote) {
  write_config("");
  expect_message(dl_config_load(config, &err), "url = file:///path/to/backup");
  set("remote.url", "memory://x");
  load();
}
END_TEST

START_TEST(missing_default_file) {
  expect_message(dl_config_load(config, &err), "/.devlog/config.ini");
  ck_assert_ptr_nonnull(strstr(err.message, "[remote]"));
  ck_assert_ptr_nonnull(strstr(err.message, "url = file:///path/to/backup"));
  set("remote.url", "memory://x");
  load();
}
END_TEST

START_TEST(missing_named_file) {
  set("remote.url", "memory://x");
  set("config", "/no/such/file.ini");
  expect_message(dl_config_load(config, &err), "/no/such/file.ini: ");
  ck_assert_int_eq(err.errno_value, ENOENT);
  set("config", NULL);
  load();
  ck_assert_int_eq(setenv("DEVLOG_CONFIG", "/no/such/file.ini", 1), 0);
  expect_message(dl_config_load(config, &err), "/no/such/file.ini: ");
}
END_TEST

START_TEST(nul_byte) {
  static const char text[] = "[remote]\nurl = memory://x\0y\n";
  support_write_bytes(home, ".devlog/config.ini", text, sizeof text - 1);
  expect_message_at(dl_config_load(config, &err), 2, "NUL");
}
END_TEST

/* A file of `size` bytes: a comment or a value that is one line. */
static void write_long(const char *start, size_t size) {
  char *text = malloc(size);
  ck_assert_ptr_nonnull(text);
  memset(text, 'x', size);
  memcpy(text, start, strlen(start));
  support_write_bytes(home, ".devlog/config.ini", text, size);
  free(text);
}

START_TEST(big_files_are_refused) {
  static const size_t sizes[] = {65537, 1 << 20, 10 << 20};
  write_long(URL_LINES "# ", sizes[_i]);
  expect_message(dl_config_load(config, &err), "larger than 65536 bytes");
}
END_TEST

START_TEST(biggest_file) {
  write_long(URL_LINES "; ", 65536); /* the long line is a comment */
  load();
  expect("remote.url", "memory://box");
}
END_TEST

START_TEST(long_line_is_not_cut) {
  write_long("# c\n[remote]\nurl = memory://", 60000);
  expect_message_at(dl_config_load(config, &err), 3, "too long");
}
END_TEST

START_TEST(longest_line) {
  char text[400];
  (void)snprintf(text, sizeof text, "[remote]\nurl = memory://%0183d", 0); /* 198 bytes */
  write_config(text);
  load();
  ck_assert_uint_eq(strlen(dl_config_get(config, "remote.url")), 9 + 183);
  (void)snprintf(text, sizeof text, "[remote]\nurl = memory://%0184d\n", 0);
  write_config(text);
  expect_message_at(dl_config_load(config, &err), 2, "too long");
}
END_TEST

START_TEST(directory_is_no_file) {
  support_write(home, ".devlog/config.ini/x", "");
  expect_message(dl_config_load(config, &err), "not a regular file");
}
END_TEST

START_TEST(fifo_does_not_hang) {
  support_write(home, ".devlog/x", "");
  char *path = support_path(home, ".devlog/config.ini");
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  expect_message(dl_config_load(config, &err), "not a regular file");
  free(path);
}
END_TEST

START_TEST(unreadable_file) {
  support_drop_root_powers();
  write_config(URL_LINES);
  char *path = support_path(home, ".devlog/config.ini");
  ck_assert_int_eq(chmod(path, 0), 0);
  expect_message(dl_config_load(config, &err), "cannot open");
  ck_assert_int_eq(err.errno_value, EACCES);
  free(path);
}
END_TEST

START_TEST(file_that_others_can_write) {
  write_config(URL_LINES);
  char *path = support_path(home, ".devlog/config.ini");
  ck_assert_int_eq(chmod(path, 0666), 0);
  expect_message(dl_config_load(config, &err), "chmod o-w");
  ck_assert_int_eq(chmod(path, 0644), 0);
  load();
  free(path);
}
END_TEST

START_TEST(file_of_another_user) {
  write_config(URL_LINES);
  char *path = support_path(home, ".devlog/config.ini");
  if (geteuid() == 0) { /* nobody else can give a file away */
    ck_assert_int_eq(chown(path, 12345, (gid_t)-1), 0);
    expect_message(dl_config_load(config, &err), "another user");
  }
  free(path);
}
END_TEST

START_TEST(retired_key_leaves_a_note) {
  write_config("[sync]\nlast_push_timestamp = " CANARY "\nlast_push_timestamp = 2\n" URL_LINES);
  load();
  const char *note = dl_config_note(config, 0);
  ck_assert_ptr_nonnull(note);
  ck_assert_ptr_nonnull(strstr(note, "config.ini:2: sync.last_push_timestamp"));
  ck_assert_ptr_null(strstr(note, CANARY));
  ck_assert_ptr_nonnull(dl_config_note(config, 1));
  ck_assert_ptr_null(dl_config_note(config, 2));
  write_config("[remote]\nlast_push_timestamp = 2\n");
  expect_message_at(dl_config_load(config, &err), 2, "does not know last_push_timestamp");
}
END_TEST

/* Single values. */

static const struct {
  const char *name, *value;
  const char *words; /* NULL: allowed */
} values[] = {
    {"sync.jobs", "1", NULL},
    {"sync.jobs", "256", NULL},
    {"sync.jobs", "08", NULL},
    {"sync.jobs", "257", "from 1 to 256"},
    {"sync.jobs", "000", "from 1 to 256"},
    {"sync.jobs", "", "from 1 to 256"},
    {"sync.jobs", "-1", "from 1 to 256"},
    {"sync.jobs", "+1", "from 1 to 256"},
    {"sync.jobs", " 1", "from 1 to 256"},
    {"sync.jobs", "1 ", "from 1 to 256"},
    {"sync.jobs", "0x8", "from 1 to 256"},
    {"sync.jobs", "1.5", "from 1 to 256"},
    {"sync.jobs", "99999999999999999999999", "from 1 to 256"},
    {"base", "", "base: is empty"},
    {"base", "relative/folder", NULL},
    {"base", "file:///x", "is a URL"},
    {"config", "", "config: is empty"},
    {"state_dir", "", "state_dir: is empty"},
    {"remote.url", "", "remote.url: is empty"},
    {"remote.url", "s3://bucket", NULL}, /* a program may register it later */
    {"remote.url", "bucket", "is not a URL"},
    {"remote.url", "://x", "is not a URL"},
    {"remote.url", "memory://a\rb", "control character"},
    {"remote.url", "memory://a\nb", "control character"},
    {"remote.url", "memory://a\tb", "control character"},
    {"remote.url", "memory://a\x7f", "control character"},
    {"remote.url", "https://u:" CANARY "@h", "password or a signature"},
    {"remote.url", "https://h/c?sig=" CANARY, "password or a signature"},
    {"remote.url", "https://h/c%3Fsig=" CANARY, "password or a signature"},
    {"remote.url", "https://h/c#" CANARY, "password or a signature"},
    {"remote.provider", "my-own+1.2", NULL},
    {"remote.provider", "", "remote.provider: is empty"},
    {"remote.provider", "File", "is not the name"},
    {"remote.provider", "aaaaaaaaaabbbbbbbbbbccccccccccdd", "is not the name"},
    {"sync.include", "", "sync.include: is empty"},
    {"sync.include", "/abs", "starts with /"},
    {"sync.include", "ok dir/", "ends with /"},
    {"sync.include", "a/b", NULL},
    {"sync.exclude", "build/", "ends with /"},
    {"sync.exclude", "#*#", NULL},
    {"sync.exclude", "", NULL},
    {"sync.exclude", " ,\t", NULL},
    {"sync.append_only", "", NULL},
    {"sync.append_only", " , ", NULL},
    {"sync.append_only", "*.log a/b", NULL},
    {"sync.append_only", "/a", "starts with /"},
    {"sync.append_only", "a/", "ends with /"},
    {"sync.memory", "16", NULL},
    {"sync.memory", "4096", NULL},
    {"sync.memory", "15", "from 16 to 4096"},
    {"sync.memory", "4097", "from 16 to 4096"},
    {"sync.memory", "", "from 16 to 4096"},
    {"sync.memory", "64 MiB", "from 16 to 4096"},
    {"sync.content_md5", "yes", NULL},
    {"sync.content_md5", "no", NULL},
    {"sync.content_md5", "", "must be yes or no"},
    {"sync.content_md5", "Yes", "must be yes or no"},
    {"sync.content_md5", "1", "must be yes or no"},
};

START_TEST(one_value) {
  dl_status status = dl_config_set(config, values[_i].name, values[_i].value, &err);
  if (values[_i].words == NULL) {
    ck_assert_int_eq(status, DL_OK);
    expect(values[_i].name, values[_i].value);
  } else {
    expect_message(status, values[_i].words);
    ck_assert(strncmp(err.message, values[_i].name, strlen(values[_i].name)) == 0);
  }
}
END_TEST

START_TEST(huge_value) {
  char *huge = malloc(20000);
  ck_assert_ptr_nonnull(huge);
  memset(huge, 'a', 19999);
  huge[19999] = '\0';
  expect_message(dl_config_set(config, "base", huge, &err), "longer than 16384 bytes");
  free(huge);
}
END_TEST

static const struct {
  const char *value;
  const char *items[4];
} pattern_lists[] = {
    {"*.md", {"*.md"}},
    {"*.md *.txt", {"*.md", "*.txt"}},
    {"*.md,*.txt", {"*.md", "*.txt"}},
    {" , *.md ,\t*.txt, a/*.c,", {"*.md", "*.txt", "a/*.c"}},
    {"a b c", {"a", "b", "c"}},
    {"", {NULL}},
    {NULL, {NULL}},
};

START_TEST(pattern_list) {
  set("sync.exclude", pattern_lists[_i].value);
  dl__patterns patterns = {0};
  ck_assert_int_eq(dl__config_patterns(config, "sync.exclude", &patterns, &err), DL_OK);
  size_t i = 0;
  for (; pattern_lists[_i].items[i] != NULL; i++) {
    ck_assert_str_eq(patterns.items[i], pattern_lists[_i].items[i]);
  }
  ck_assert_uint_eq(patterns.count, i);
  ck_assert_ptr_null(patterns.items[i]);
  dl__patterns_clear(&patterns);
  dl__patterns_clear(&patterns);
}
END_TEST

START_TEST(patterns_of_include) {
  dl__patterns patterns = {0};
  ck_assert_int_eq(dl__config_patterns(config, "sync.include", &patterns, &err), DL_OK);
  ck_assert_uint_eq(patterns.count, 4);
  ck_assert_str_eq(patterns.items[3], "config.ini");
  dl__patterns_clear(&patterns);
  ck_assert_int_eq(dl__config_patterns(config, "base", &patterns, &err), DL_ERR_ARGUMENT);
  ck_assert_int_eq(dl__config_patterns(config, "sync.memory", &patterns, &err), DL_ERR_ARGUMENT);
  dl__patterns_clear(NULL);
}
END_TEST

START_TEST(patterns_of_append_only) {
  dl__patterns patterns = {0};
  ck_assert_int_eq(dl__config_patterns(config, "sync.append_only", &patterns, &err), DL_OK);
  ck_assert_uint_eq(patterns.count, 1);
  ck_assert_str_eq(patterns.items[0], "events/*.jsonl");
  dl__patterns_clear(&patterns);
  set("sync.append_only", "");
  ck_assert_int_eq(dl__config_patterns(config, "sync.append_only", &patterns, &err), DL_OK);
  ck_assert_uint_eq(patterns.count, 0);
  dl__patterns_clear(&patterns);
}
END_TEST

/* Values together. BASE is /tmp/.../base, which exists, as does /tmp/.../base/sub. */

static const struct {
  const char *url;
  const char *below; /* if not NULL, the test's folder and this follow */
  const char *words;
} remotes[] = {
    {"file://", "/other", NULL},
    {"file://", "/new/deep/er", NULL},
    {"file://localhost", "/other", NULL},
    {"file://", "/base2", NULL},
    {"file://", "", NULL}, /* the folder may be inside the remote */
    {"file:///", NULL, NULL},
    {"file://", "/base/../other", NULL},
    {"file://", "/base", "is the folder that is pushed"},
    {"file://", "/base/", "is the folder that is pushed"},
    {"file://", "/base/.", "is the folder that is pushed"},
    {"file://", "/./base//sub/..", "is the folder that is pushed"},
    {"file://", "/b%61se", "is the folder that is pushed"},
    {"FILE://", "/base", "no storage is known"},
    {"file://", "/link", "is the folder that is pushed"},
    {"file://", "/base/sub", "is inside the folder"},
    {"file://", "/base/new/er", "is inside the folder"},
    {"file://", "/link/sub", "is inside the folder"},
    {"file://", "/link/new", "is inside the folder"},
    {"file://", "/new/../base/x", "is inside the folder"},
    {"file://", "/x?y", "remote.url: bad file URL"},
    {"file://elsewhere", "/x", "remote.url: not a file URL"},
    {"memory://x", NULL, NULL},
    {"http://example.com/x", NULL,
     "refused: plain http would show logs and keys to the network; use "
     "https"},
    {"HTTP://example.com/x", NULL, "plain http"},
    {"http://127.0.0.1.example.com/", NULL, "plain http"},
    {"http://localhost@example.com/", NULL, "plain http"},
    {"http://[::2]/x", NULL, "plain http"},
    {"http://localhost:10000/a/b", NULL, NULL},
    {"http://127.9.9.9/x", NULL, NULL},
    {"http://[::1]:1/x", NULL, NULL},
    {"https://example.com/x", NULL, NULL},
    {"s3://bucket", NULL, "no storage is known"},
};

static void make_base(void) {
  support_write(home, "base/sub/x", "");
  char *link = support_path(home, "link");
  ck_assert_int_eq(symlink("base", link), 0);
  free(link);
}

START_TEST(remote_and_base) {
  make_base();
  char *base = support_path(home, "base");
  set("base", base);
  char url[1100];
  const char *below = remotes[_i].below;
  (void)snprintf(url, sizeof url, "%s%s%s", remotes[_i].url, below != NULL ? home : "",
                 below != NULL ? below : "");
  set("remote.url", url);
  dl_status status = dl_config_validate(config, &err);
  if (remotes[_i].words == NULL) {
    ck_assert_msg(status == DL_OK, "%s: %s", url, err.message);
  } else {
    expect_message(status, remotes[_i].words);
  }
  free(base);
}
END_TEST

START_TEST(base_by_link_and_relative) {
  make_base();
  ck_assert_int_eq(chdir(home), 0);
  char url[1100];
  (void)snprintf(url, sizeof url, "file://%s/base/sub", home);
  set("remote.url", url);
  set("base", "link");
  expect_message(dl_config_validate(config, &err), "is inside");
  set("base", "./x/../base");
  expect_message(dl_config_validate(config, &err), "is inside");
  set("base", "base/sub/deeper");
  ck_assert_int_eq(dl_config_validate(config, &err), DL_OK);
  set("base", "/");
  expect_message(dl_config_validate(config, &err), "is inside");
}
END_TEST

static const struct {
  const char *provider, *url, *words;
} providers[] = {
    {"file", "file:///nowhere/x", NULL},
    {"memory", "memory://x", NULL},
    {"file", "memory://x", "remote.provider: does not fit"},
    {"memory", "file:///nowhere/x", "remote.provider: does not fit"},
    {"tape", "memory://x", "remote.provider: no storage of this name"},
    {"tape", "http://example.com", "plain http"},
};

START_TEST(provider_and_url) {
  set("remote.provider", providers[_i].provider);
  set("remote.url", providers[_i].url);
  dl_status status = dl_config_validate(config, &err);
  if (providers[_i].words == NULL) {
    ck_assert_msg(status == DL_OK, "%s", err.message);
  } else {
    expect_message(status, providers[_i].words);
  }
}
END_TEST

static dl_status no_storage(const dl_config *c, void *user, const dl_storage **out, dl_error *e) {
  (void)c;
  (void)user;
  *out = NULL;
  return dl_error_set(e, DL_ERR_CONFIG, NULL, "none");
}

START_TEST(registered_provider_is_known) {
  set("remote.url", "tape://one");
  expect_message(dl_config_validate(config, &err), "no storage is known");
  ck_assert_int_eq(dl_storage_register("tape", no_storage, NULL, &err), DL_OK);
  ck_assert_int_eq(dl_config_validate(config, &err), DL_OK);
  set("remote.provider", "tape");
  set("remote.url", "file:///x");
  ck_assert_int_eq(dl_config_validate(config, &err), DL_OK);
}
END_TEST

START_TEST(validate_without_remote) {
  expect_message(dl_config_validate(config, &err), "no remote is known");
}
END_TEST

static TCase *value_cases(void) {
  TCase *tc = tcase_create("values");
  tcase_add_test(tc, defaults);
  tcase_add_test(tc, wrong_arguments);
  tcase_add_test(tc, unknown_name_lists_the_names);
  tcase_add_test(tc, set_replaces_and_takes_back);
  tcase_add_test(tc, failed_set_keeps_the_value);
  tcase_add_test(tc, set_before_load_is_stronger_than_all);
  tcase_add_test(tc, set_after_load_is_stronger_than_all);
  tcase_add_test(tc, copy_shares_nothing);
  tcase_add_test(tc, base_slashes);
  tcase_add_loop_test(tc, one_value, 0, COUNT(values));
  tcase_add_test(tc, huge_value);
  tcase_add_loop_test(tc, pattern_list, 0, COUNT(pattern_lists));
  tcase_add_test(tc, patterns_of_include);
  tcase_add_test(tc, patterns_of_append_only);
  return tc;
}

static TCase *environment_cases(void) {
  TCase *tc = tcase_create("environment");
  tcase_add_test(tc, environment_is_stronger_than_default);
  tcase_add_test(tc, environment_names_the_config_file);
  tcase_add_test(tc, empty_environment_is_not_set);
  tcase_add_test(tc, state_dir_follows_xdg);
  tcase_add_test(tc, relative_xdg_is_ignored);
  tcase_add_loop_test(tc, no_home_matters_for_the_base, 0, COUNT(no_homes));
  tcase_add_loop_test(tc, no_home_matters_for_the_state, 0, COUNT(no_homes));
  tcase_add_loop_test(tc, no_home_matters_not_if_not_needed, 0, COUNT(no_homes));
  tcase_add_loop_test(tc, no_home_matters_for_tilde, 0, COUNT(no_homes));
  tcase_add_test(tc, home_is_read_again_by_load);
  tcase_add_test(tc, tilde_is_the_home_folder);
  tcase_add_test(tc, tilde_in_a_file_url);
  tcase_add_test(tc, tilde_of_others_is_refused);
  tcase_add_test(tc, tilde_in_environment_and_file);
  tcase_add_test(tc, environment_is_named_in_errors);
  return tc;
}

static TCase *file_cases(void) {
  TCase *tc = tcase_create("file");
  tcase_add_loop_test(tc, good_file, 0, COUNT(good_files));
  tcase_add_loop_test(tc, bad_file, 0, COUNT(bad_files));
  tcase_add_test(tc, failed_load_changes_nothing);
  tcase_add_test(tc, second_load_forgets_the_first);
  tcase_add_test(tc, empty_file_is_no_remote);
  tcase_add_test(tc, missing_default_file);
  tcase_add_test(tc, missing_named_file);
  tcase_add_test(tc, nul_byte);
  tcase_add_loop_test(tc, big_files_are_refused, 0, 3);
  tcase_add_test(tc, biggest_file);
  tcase_add_test(tc, long_line_is_not_cut);
  tcase_add_test(tc, longest_line);
  tcase_add_test(tc, directory_is_no_file);
  tcase_add_test(tc, fifo_does_not_hang);
  tcase_add_test(tc, unreadable_file);
  tcase_add_test(tc, file_that_others_can_write);
  tcase_add_test(tc, file_of_another_user);
  tcase_add_test(tc, retired_key_leaves_a_note);
  return tc;
}

static TCase *validate_cases(void) {
  TCase *tc = tcase_create("validate");
  tcase_add_loop_test(tc, remote_and_base, 0, COUNT(remotes));
  tcase_add_test(tc, base_by_link_and_relative);
  tcase_add_loop_test(tc, provider_and_url, 0, COUNT(providers));
  tcase_add_test(tc, registered_provider_is_known);
  tcase_add_test(tc, validate_without_remote);
  return tc;
}

int main(void) {
  TCase *cases[] = {value_cases(), environment_cases(), file_cases(), validate_cases()};
  Suite *suite = suite_create("config");
  for (int i = 0; i < COUNT(cases); i++) {
    tcase_add_checked_fixture(cases[i], setup, teardown);
    suite_add_tcase(suite, cases[i]);
  }
  return support_main(suite);
}
