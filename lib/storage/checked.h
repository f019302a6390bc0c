/* storage/checked.h: what the wrappers in storage.c and parts.c share: how they check
 * what goes into a slot and what comes out. */
#ifndef DL_STORAGE_CHECKED_H
#define DL_STORAGE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/storage.h"

/* Copies a field that the other side's struct_size reaches as a whole. */
#define DL__TAKE(to, from, field)                                                                  \
  do {                                                                                             \
    size_t end = (size_t)((const char *)(&(from)->field + 1) - (const char *)(from));              \
    if ((from)->struct_size >= end) (to)->field = (from)->field;                                   \
  } while (0)

/* Takes the slots for parts, which a storage has all or none of. to->caps is taken already. */
void dl__storage_take_parts(dl_storage *to, const dl_storage *owner);

/* DL_OK; DL_ERR_ARGUMENT: no object can have this key. */
dl_status dl__storage_check_key(const char *key, dl_error *err);

/* DL_ERR_UNSUPPORTED: there is a condition, and the storage has none. */
dl_status dl__storage_check_condition(const dl__storage *storage, const char *key, bool conditional,
                                      dl_error *err);

/* What a slot may answer by itself: anything else would mean something about the push, and
 * becomes DL_ERR_STORAGE. (put, put_part and get pass on what read and write answer.) */
dl_status dl__storage_checked(dl_status status, const char *key, dl_error *err);

/* An ETag without a NUL is none. */
void dl__storage_take_etag(const char from[DL_ETAG_SIZE], char to[DL_ETAG_SIZE]);

#endif
