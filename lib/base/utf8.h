/* base/utf8.h: taking UTF-8 (RFC 3629) apart. */
#ifndef DL_BASE_UTF8_H
#define DL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at text, and its code; 0: it is not valid there. */
size_t dl__utf8_next(const char *text, uint32_t *code);

bool dl__utf8_is_valid(const char *text);

#endif
