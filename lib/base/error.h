/* base/error.h: filling a dl_error. Every write to one goes through here, which
 * keeps inside err->struct_size: a caller built against an older, smaller
 * dl_error is safe. err may always be NULL. */
#ifndef DL_BASE_ERROR_H
#define DL_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include <devlog/error.h>

/* Replaces err by status, path (may be NULL) and a printf message; returns status. */
dl_status dl__fail(dl_error *err, dl_status status, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a failed system call: the message gets ": " and the text of errnum. */
dl_status dl__fail_errno(dl_error *err, dl_status status, int errnum, const char *path,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));

/* DL_ERR_CONFLICT: the object was "changed" or "stored" between comparing and sending. */
dl_status dl__fail_conflict(dl_error *err, const char *key, const char *what);

/* DL_ERR_NO_MEMORY with its message. */
dl_status dl__fail_no_memory(dl_error *err);

/* Adds text to the message, which is cut rather than the text. */
void dl__error_append(dl_error *err, const char *text);

/* A copy for the caller to free; NULL: no memory for it. */
dl_error *dl__error_keep(const dl_error *err);

/* True for what would fail with every other file too. Any other failure is about one file, and
 * must not keep the others from their turn. */
bool dl__status_is_about_all(dl_status status);

/* Copies from into err, as far as err's size goes. */
void dl__error_copy(dl_error *err, const dl_error *from);

/* The full-sized form of an error that came from outside; NULL gives an empty one. */
void dl__error_import(dl_error *out, const dl_error *from);

#endif
