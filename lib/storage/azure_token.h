/* storage/azure_token.h: a token of an identity, kept until shortly before its end. */
#ifndef DL_STORAGE_AZURE_TOKEN_H
#define DL_STORAGE_AZURE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include <devlog/error.h>

#include "base/buf.h"
#include "net/http.h"
#include "storage/azure_identity.h"

typedef struct dl__azure_token dl__azure_token;

/* identity belongs to the token from then on, also on failure. http: borrowed. */
dl_status dl__azure_token_new(dl__azure_identity *identity, dl__http *http, dl__azure_token **out,
                              dl_error *err);
void dl__azure_token_free(dl__azure_token *token);

/* Appends "Authorization: Bearer ...\n". Asks for a token if there is none, or five minutes
 * before the one there is ends; one thread asks, and the others wait for what it gets.
 * now_s: seconds since 1970 UTC. As dl__azure_identity_ask. Any thread. */
dl_status dl__azure_token_add(dl__azure_token *token, int64_t now_s, dl__buf *headers,
                              dl_error *err);

/* The service said 401: forgets the token, unless it came within the last seconds and so is
 * newer than the one that was refused. Any thread. */
void dl__azure_token_forget(dl__azure_token *token);

#endif
