/* storage/azure_name.h: the name of the blob for a key, and back. */
#ifndef DL_STORAGE_AZURE_NAME_H
#define DL_STORAGE_AZURE_NAME_H

#include <stdbool.h>

#include "base/buf.h"

/* The service takes names that are Unicode text, and servers, proxies and listings
 * on the way do not keep control characters, backslashes and dots at the end of a
 * part ("Naming and Referencing Containers, Blobs, and Metadata"). A key is any
 * bytes. So these become %XX in the name: bytes that are not valid UTF-8, those below
 * 0x20, 0x7f, `\`, U+FFFE and U+FFFF, and the last dot of a part that ends in one.
 * A `%` that two hex digits follow becomes %25; any other stays as it is. Every other
 * name is its own key, so that what another program wrote is recognised.
 *
 * Appends the name. False: no memory. */
bool dl__azure_name_add(dl__buf *buf, const char *key);

/* Appends the key of a name; *ours is false if no key has that name. False: no memory. */
bool dl__azure_name_decode(dl__buf *buf, const char *name, bool *ours);

/* True if the service takes the name: at most 1,024 characters and 254 parts. */
bool dl__azure_name_fits(const char *name);

#endif
