/* cli/init_text.c: takes the URL of a remote, writes a config file that explains itself. The
 * defaults are asked of the library. */
#include "init_text.h"

#include <string.h>

/* One setting that stands there as a comment. */
typedef struct setting {
  const char *name;    /* with its section */
  const char *example; /* where there is no default; else NULL */
  const char *text;    /* lines of at most 78 bytes */
} setting;

static const setting settings[] = {
    {"remote.provider", "",
     "# The storage to use. Without this line, the one that the URL means.\n"},
    {"remote.create", NULL,
     "# yes: the first push makes the container (Azure) if it is not there.\n"},
    {"remote.account_key_file", "~/.config/devlog/account.key",
     "# A file with a key of the account (Azure) and nothing else, for your eyes only\n"
     "# (chmod 600). Other logins are taken from the environment: AZURE_STORAGE_KEY,\n"
     "# AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_CONNECTION_STRING, or an identity.\n"},
    {"remote.ca_file", "/etc/ssl/certs/ca-certificates.crt",
     "# PEM certificates to trust instead of the system's.\n"},
    {"sync.include", NULL,
     "# The files to push: patterns with * and ?, with spaces or commas in between. One\n"
     "# without a / is about names, one with a / about the whole path below the folder.\n"},
    {"sync.exclude", "drafts/* *.old.md", "# Files and folders to leave out.\n"},
    {"sync.append_only", NULL,
     "# Files that only ever grow at their end: what was pushed is not read again.\n"},
    {"sync.jobs", NULL, "# Files sent at the same time, 1 to 256.\n"},
    {"sync.memory", NULL, "# Memory for sending, in MiB, 16 to 4096.\n"},
    {"sync.content_md5", NULL,
     "# yes: give the remote also the MD5 of each file, which other tools look at.\n"},
    {"sync.timeout", NULL, "# Seconds that a request may stand still, 1 to 3600.\n"},
    {"sync.retries", NULL, "# Tries after the first one, of what may pass, 0 to 100.\n"},
};

/* The provider that the library would choose. */
static void print_provider(FILE *out, const char *url) {
  int length = (int)strcspn(url, ":");
  if (strncmp(url, "http", 4) == 0) {
    (void)fputs("azure", out);
  } else {
    (void)fprintf(out, "%.*s", length, url);
  }
}

static void print_setting(FILE *out, const dl_config *config, const char *url, const setting *s) {
  const char *value = dl_config_get(config, s->name);
  bool in_force =
      strcmp(s->name, "remote.create") == 0 && value != NULL && strcmp(value, "yes") == 0;
  (void)fprintf(out, "\n%s%s%s = ", s->text, in_force ? "" : "#", strchr(s->name, '.') + 1);
  if (strcmp(s->name, "remote.provider") == 0) {
    print_provider(out, url);
  } else {
    (void)fputs(s->example != NULL ? s->example : value, out);
  }
  (void)fputc('\n', out);
}

bool init_text_write(FILE *out, const dl_config *config, const char *url) {
  bool plain = strpbrk(url, " ;#'\"") == NULL;
  const char *quote = plain ? "" : "\"";
  (void)fprintf(out,
                "# The settings of devlog for this folder.\n"
                "# A line that starts with # is a comment. Those with a setting show its default,\n"
                "# or an example if there is none; take the # away to change it. No password and\n"
                "# no key belongs in this file.\n"
                "\n"
                "[remote]\n"
                "# Where to push to: file:///FOLDER, or\n"
                "# https://ACCOUNT.blob.core.windows.net/CONTAINER[/PREFIX] (Azure).\n"
                "url = %s%s%s\n",
                quote, url, quote);
  const char *section = "remote.";
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    if (strncmp(settings[i].name, section, strlen(section)) != 0) {
      section = "sync.";
      (void)fputs("\n[sync]", out);
    }
    print_setting(out, config, url, &settings[i]);
  }
  return fflush(out) == 0 && ferror(out) == 0;
}
