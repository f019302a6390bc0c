/* storage/azure_url.h: the address of a container, and keys in it. */
#ifndef DL_STORAGE_AZURE_URL_H
#define DL_STORAGE_AZURE_URL_H

#include <stdbool.h>

#include <devlog/error.h>

#include "base/buf.h"

/* Taken from https://ACCOUNT.blob.core.windows.net/CONTAINER[/PREFIX] (any other
 * suffix too: sovereign clouds), or from the emulator's form
 * http://127.0.0.1:10000/ACCOUNT/CONTAINER[/PREFIX]: a host that is an IP address,
 * "localhost" or has no dot puts the account first in the path. */
typedef struct dl__azure_url {
  char *endpoint; /* scheme://host[:port], and /ACCOUNT in the emulator's form; no trailing slash */
  char *account;
  char *container; /* "$root" is allowed */
  char *prefix;    /* "" or "some/folder/": put before every key, decoded */
  bool path_style; /* the emulator's form */
} dl__azure_url;

/* DL_ERR_CONFIG: not of this form; container and account names are checked by the
 * service's rules ("Naming and Referencing Containers, Blobs, and Metadata"). */
dl_status dl__azure_url_parse(const char *url, dl__azure_url *out, dl_error *err);
void dl__azure_url_clear(dl__azure_url *url);

/* Appends prefix and key, percent-encoded: every byte but A-Z a-z 0-9 - _ . ~ and
 * the separating '/' becomes %XX. Invertible: no two names give the same text. A
 * part that ends in a dot or is all dots has its last dot encoded too, because
 * servers and clients on the way resolve or strip those. False: no memory. */
bool dl__azure_url_add_key(dl__buf *buf, const char *prefix, const char *key);

/* The same for a value in a query: '/' is encoded too. */
bool dl__azure_url_add_value(dl__buf *buf, const char *value);

#endif
