/* storage/azure_find.h: looks for a secret that was given to us; for azure_auth.c. */
#ifndef DL_STORAGE_AZURE_FIND_H
#define DL_STORAGE_AZURE_FIND_H

#include <devlog/config.h>
#include <devlog/error.h>

#include "base/secret.h"
#include "storage/azure_auth.h"
#include "storage/azure_url.h"

/* The value of an environment variable; NULL if it is not set or empty. */
const char *dl__azure_variable(const char *name);

/* What was found. Set it up with {0}. */
typedef struct dl__azure_found {
  const char *where;        /* NULL: nothing. Else a variable, or "remote.account_key_file" */
  dl__azure_auth_kind kind; /* DL__AZURE_SHARED_KEY or DL__AZURE_SAS */
  dl__secret secret;        /* the bytes of the key, or the SAS without a leading '?' */
} dl__azure_found;

/* Looks at the connection string, the SAS, the keys and the key file, in this order; the
 * first that is there counts, and must be good. Found or not, *found is cleared by
 * dl__secret_clear on its secret. DL_ERR_CONFIG, DL_ERR_NO_MEMORY. */
dl_status dl__azure_find(const dl_config *config, const dl__azure_url *url, dl__azure_found *found,
                         dl_error *err);

#endif
