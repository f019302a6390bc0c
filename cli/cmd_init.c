/* cli/cmd_init.c: `devlog init`: takes the URL of a remote, makes the folder and its config file,
 * tries the remote, and says what comes next. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <devlog/devlog.h>

#include "cmd.h"
#include "exits.h"
#include "init_file.h"
#include "term.h"
#include "text.h"
#include "usage.h"
#include "where.h"

#define URL_SIZE  PATH_MAX
#define TIMEOUT_S "20" /* for the trial; a person is waiting */

const char cmd_init_help[] =
    "Usage: devlog init [URL] [OPTION]...\n"
    "\n"
    "Makes the folder and writes a config file that explains itself, tries the\n"
    "remote, and says what to do next. A config file that is there is never\n"
    "overwritten.\n"
    "\n"
    "  URL            the remote, file:///mnt/backup/devlog or\n"
    "                 https://ACCOUNT.blob.core.windows.net/CONTAINER. No password\n"
    "                 belongs in it. Without it, a terminal is asked; else it is a\n"
    "                 folder below $XDG_DATA_HOME/devlog (~/.local/share/devlog):\n"
    "                 remote, or of another folder than ~/.devlog, remotes/DIR.\n"
    "  --dir DIR      the folder; else $DEVLOG_HOME, else ~/.devlog\n"
    "  --config FILE  the config file; else $DEVLOG_CONFIG, else DIR/config.ini\n"
    "  --create       have the first push make the container if it is not there yet\n"
    "  --help         this\n"
    "\n"
    "The login of Azure is taken from the environment, such as AZURE_STORAGE_KEY, or\n"
    "from a file that account_key_file in the config file names.\n"
    "\n"
    "Exit codes: 0 if all went well; 3 if the config file is there already, no folder\n"
    "is known (HOME, --dir), or something is wrong with the URL, of which a missing\n"
    "container is told when the file was written; 4 or 5 if it was written, but the\n"
    "remote did not let us in or did not answer.\n"
    "\n"
    "Example:\n"
    "  devlog init file:///mnt/backup/devlog\n";

typedef struct init_options {
  where at; /* at.to: the URL */
  bool create;
} init_options;

enum { OPT_CONFIG = 256, OPT_CREATE, OPT_DIR };

static bool take(init_options *o, int value) {
  switch (value) {
  case OPT_CONFIG:
    return where_take(&o->at.config, "init", "config", optarg);
  case OPT_CREATE:
    o->create = true;
    return true;
  case OPT_DIR:
    return where_take(&o->at.dir, "init", "dir", optarg);
  default:
    return false;
  }
}

static bool read_options(init_options *o, int argc, char **argv, int *code) {
  static const struct option longs[] = {{"config", required_argument, NULL, OPT_CONFIG},
                                        {"create", no_argument, NULL, OPT_CREATE},
                                        {"dir", required_argument, NULL, OPT_DIR},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  *o = (init_options){.create = false};
  optind = 0; /* begins afresh after the options before the command */
  int value;
  *code = EXIT_USAGE;
  while ((value = usage_next(argc, argv, "init", ":h", longs)) != USAGE_END) {
    if (value == 'h') {
      *code = usage_help("init");
      return false;
    }
    if (value == USAGE_WRONG || !take(o, value)) return false;
  }
  if (usage_stray(argc, argv, "init", 1)) return false;
  if (optind >= argc) return true;
  o->at.to = argv[optind];
  if (o->at.to[0] != '\0') return true;
  (void)usage_error("init", "the URL is empty");
  return false;
}

/* An environment variable; one that is empty counts as not set. */
static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The environment is read as dl_config_load would; that one would want the file to be there. */
static dl_status configure(const init_options *o, dl_config **config, dl_error *err) {
  where at = {.dir = o->at.dir, .config = o->at.config};
  if (at.dir == NULL) at.dir = variable("DEVLOG_HOME");
  if (at.config == NULL) at.config = variable("DEVLOG_CONFIG");
  dl_status status = where_set(&at, config, err);
  if (status != DL_OK || dl_config_get(*config, "base") != NULL) return status;
  return dl_error_set(err, DL_ERR_CONFIG, NULL,
                      "the folder is not known, since HOME does not hold a whole path: name it "
                      "with --dir");
}

/* Appends text to a URL; what could mean something else there as %XX. */
static bool add_path(char *url, const char *text) {
  size_t length = strlen(url);
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    bool plain = c > 0x20 && c != 0x7f && strchr("%?#;'\"\\", c) == NULL;
    if (length + 4 > URL_SIZE) return false;
    int added = snprintf(url + length, 4, plain ? "%c" : "%%%02X", c);
    if (added < 0) return false;
    length += (size_t)added;
  }
  return true;
}

/* True for a path without . and .. in it. */
static bool is_straight(const char *path) {
  while (*path != '\0') {
    size_t length = strcspn(path, "/");
    if (length <= 2 && length > 0 && strspn(path, ".") == length) return false;
    path += length;
    path += *path == '/';
  }
  return true;
}

/* The whole path of the folder, which need not be there; false: not to be told. */
static bool whole_path(const char *base, char out[PATH_MAX]) {
  if (realpath(base, out) != NULL) return true;
  if (errno != ENOENT || !is_straight(base)) return false;
  if (base[0] == '/') return snprintf(out, PATH_MAX, "%s", base) < PATH_MAX;
  if (getcwd(out, PATH_MAX) == NULL) return false;
  size_t length = strlen(out);
  return snprintf(out + length, PATH_MAX - length, "/%s", base) < (int)(PATH_MAX - length);
}

/* True for the folder that is pushed when nobody names one. */
static bool is_usual(const char *base) {
  dl_config *fresh = NULL;
  const char *usual = dl_config_new(&fresh, NULL) == DL_OK ? dl_config_get(fresh, "base") : NULL;
  bool same = usual != NULL && strcmp(usual, base) == 0;
  dl_config_free(fresh);
  return same;
}

/* The embedded remote: a folder of this user, and each folder to push has its own. */
static bool default_folder(const dl_config *config, char out[PATH_MAX]) {
  const char *data = variable("XDG_DATA_HOME"), *home = variable("HOME");
  const char *base = dl_config_get(config, "base");
  char path[PATH_MAX] = "";
  bool usual = is_usual(base);
  bool own = data != NULL && data[0] == '/';
  if (!own && (home == NULL || home[0] != '/')) return false;
  if (!usual && !whole_path(base, path)) return false;
  int length = snprintf(out, PATH_MAX, "%s%s/devlog/remote%s%s", own ? data : home,
                        own ? "" : "/.local/share", usual ? "" : "s", path);
  return length > 0 && length < PATH_MAX;
}

static void cut_blanks(char *text) {
  size_t before = strspn(text, " \t");
  size_t length = strlen(text);
  while (length > before && strchr(" \t\r\n", text[length - 1]) != NULL) length--;
  memmove(text, text + before, length - before);
  text[length - before] = '\0';
}

/* Asks a person; an answer that is empty is the default. */
static dl_status ask(const char *usual, char answer[URL_SIZE], dl_error *err) {
  (void)fputs("Remote URL [", stderr);
  text_print(stderr, usual, term_is_utf8());
  (void)fputs("]: ", stderr);
  (void)fflush(stderr);
  if (fgets(answer, URL_SIZE, stdin) == NULL) {
    (void)fputc('\n', stderr);
    return dl_error_set(err, DL_ERR_CANCELLED, NULL, "no answer: nothing was written");
  }
  cut_blanks(answer);
  return DL_OK;
}

/* Gives the remote: as it was given, as a person answers, or the default.
 * folder: of the default, which has to be made; else "". */
static dl_status choose_url(const char *given, const dl_config *config, char url[URL_SIZE],
                            char folder[PATH_MAX], dl_error *err) {
  char answer[URL_SIZE] = "";
  char usual[URL_SIZE] = "file://";
  bool has_default = default_folder(config, folder) && add_path(usual, folder);
  if (given == NULL && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1) {
    dl_status status = ask(has_default ? usual : "", answer, err);
    if (status != DL_OK) return status;
    if (answer[0] != '\0') given = answer;
  }
  if (given != NULL) folder[0] = '\0';
  if (given == NULL && has_default) given = usual;
  int length = given != NULL ? snprintf(url, URL_SIZE, "%s", given) : -1;
  if (length >= 0 && length < URL_SIZE) return DL_OK;
  return dl_error_set(err, DL_ERR_CONFIG, NULL,
                      given != NULL ? "the URL is too long"
                                    : "no remote can be chosen for this folder: name one, as in "
                                      "devlog init file:///mnt/backup/devlog");
}

/* What its storage refuses without asking the remote is wrong in the URL or beside it; a login
 * may still come. */
static dl_status check_remote(const dl_config *config, dl_error *err) {
  const dl_storage *storage = NULL;
  dl_error why = DL_ERROR_INIT;
  dl_status status = where_check(config, &why);
  if (status == DL_OK) status = dl_storage_create(config, &storage, &why);
  dl_storage_close(storage);
  if (status != DL_ERR_CONFIG) return DL_OK;
  return dl_error_set(err, status, NULL, why.message);
}

/* Everything up to the config file, which then is there, or nothing is. */
static dl_status make(const init_options *o, dl_config **config, char url[URL_SIZE],
                      dl_error *err) {
  char remote[PATH_MAX];
  dl_status status = configure(o, config, err);
  if (status == DL_OK) status = init_file_absent(dl_config_get(*config, "config"), err);
  if (status == DL_OK) status = choose_url(o->at.to, *config, url, remote, err);
  if (status == DL_OK) status = dl_config_set(*config, "remote.url", url, err);
  if (status == DL_OK && o->create) status = dl_config_set(*config, "remote.create", "yes", err);
  if (status == DL_OK) status = dl_config_validate(*config, err);
  if (status == DL_OK) status = check_remote(*config, err);
  if (status == DL_OK) status = init_file_folders(dl_config_get(*config, "base"), err);
  if (status == DL_OK && remote[0] != '\0') status = init_file_folder(remote, err);
  return status == DL_OK ? init_file_write(*config, url, err) : status;
}

static int on_object(const dl_object *object, void *user) {
  (void)object;
  *(bool *)user = true;
  return 1; /* one is enough */
}

/* Asks the remote for its first object, once. */
static dl_status try_remote(dl_config *config, bool *any, dl_error *err) {
  const dl_storage *storage = NULL;
  *any = false;
  dl_status status = dl_config_set(config, "sync.timeout", TIMEOUT_S, err);
  if (status == DL_OK) status = dl_storage_create(config, &storage, err);
  if (status == DL_OK) status = storage->list(storage->self, "", on_object, any, err);
  dl_storage_close(storage);
  return *any ? DL_OK : status;
}

static void print_value(const char *name, const char *value, const char *after) {
  (void)printf("%-13s", name);
  text_print(stdout, value, term_is_utf8());
  (void)printf("%s\n", after);
}

static void explain(const dl_config *config, dl_status status, const dl_error *err) {
  const char *file = dl_config_get(config, "config");
  complain("the remote cannot be used yet: %s", err->message);
  if (status == DL_ERR_AUTH && strncmp(dl_config_get(config, "remote.url"), "http", 4) == 0) {
    complain("the login is taken from AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or "
             "AZURE_STORAGE_CONNECTION_STRING, or from the file that account_key_file in %s names",
             file);
  }
  if (status == DL_ERR_CONFIG && strcmp(err->provider_code, "ContainerNotFound") == 0) {
    complain("to have it made: set create = yes in %s, or push once with --create", file);
  }
  complain("%s is kept: mend what is wrong there or at the remote, then try 'devlog status "
           "--remote'",
           file);
}

int cmd_init(int argc, char **argv) {
  init_options options;
  int code;
  if (!read_options(&options, argc, argv, &code)) return code;
  const dl_push_result none = DL_PUSH_RESULT_INIT;
  dl_error err = DL_ERROR_INIT;
  dl_config *config = NULL;
  char url[URL_SIZE];
  dl_status status = make(&options, &config, url, &err);
  if (status != DL_OK) {
    complain("%s", err.message);
    dl_config_free(config);
    return exit_code(status, &none, 0);
  }
  print_value("Folder:", dl_config_get(config, "base"), "");
  print_value("Config file:", dl_config_get(config, "config"), " (new)");
  print_value("Remote:", dl_config_get(config, "remote.url"), "");
  (void)fflush(stdout); /* a failure stays in stdout's error flag, seen at the end */
  bool any;
  status = try_remote(config, &any, &err);
  if (status != DL_OK) {
    explain(config, status, &err);
  } else {
    print_value("",
                any ? "answers; it has files already, which a push compares"
                    : "answers; nothing is there yet",
                "");
    (void)printf("%-13sdevlog new writes an entry, devlog push sends what is there", "Next:");
    options.at.to = NULL; /* it stands in the file now */
    where_print_same(&options.at);
  }
  dl_config_free(config);
  return exit_code(status, &none, 0);
}
