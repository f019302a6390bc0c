/* storage/azure_token.c: takes an identity, gives its token to any number of threads
 * with as few requests as can be. While a new token is asked for, an old one that has
 * not ended is good enough. */
#include "storage/azure_token.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/secret.h"

#define MARGIN_S       300 /* before its end a token is replaced */
#define UNKNOWN_LIFE_S 60  /* if the reply does not say it: the service will say 401 */
#define AGAIN_S        30  /* after a failure, if the old token is still good */
#define NEW_S          10  /* so long a token is taken for newer than one that was refused */

struct dl__azure_token {
  dl__azure_identity *identity;
  dl__http *http;
  struct {
    pthread_mutex_t mutex;
    pthread_cond_t asked; /* a request has ended */
    bool asking;
    uint64_t requests; /* that ended */
    dl_status status;  /* of the last one */
    dl_error error;
    dl__secret text; /* the token */
    int64_t end_s;
    int64_t replace_s; /* from then on a new one is asked for */
    int64_t came_s;
    int64_t used_s; /* last */
  } locked;
};

dl_status dl__azure_token_new(dl__azure_identity *identity, dl__http *http, dl__azure_token **out,
                              dl_error *err) {
  *out = NULL;
  dl__azure_token *t = calloc(1, sizeof *t);
  if (t == NULL || pthread_mutex_init(&t->locked.mutex, NULL) != 0) {
    free(t);
    dl__azure_identity_free(identity);
    return dl__fail_no_memory(err);
  }
  if (pthread_cond_init(&t->locked.asked, NULL) != 0) {
    (void)pthread_mutex_destroy(&t->locked.mutex);
    free(t);
    dl__azure_identity_free(identity);
    return dl__fail_no_memory(err);
  }
  t->identity = identity;
  t->http = http;
  *out = t;
  return DL_OK;
}

void dl__azure_token_free(dl__azure_token *t) {
  if (t == NULL) return;
  dl__secret_clear(&t->locked.text);
  (void)pthread_cond_destroy(&t->locked.asked);
  (void)pthread_mutex_destroy(&t->locked.mutex);
  dl__azure_identity_free(t->identity);
  free(t);
}

/* With the lock held. Takes the token over. */
static void keep(dl__azure_token *t, dl__secret *text, int64_t lifetime_s, int64_t now_s) {
  if (lifetime_s <= 0) lifetime_s = UNKNOWN_LIFE_S;
  int64_t margin = lifetime_s > 2 * MARGIN_S ? MARGIN_S : lifetime_s / 2;
  dl__secret_clear(&t->locked.text);
  t->locked.text = *text;
  *text = (dl__secret){0};
  t->locked.end_s = now_s + lifetime_s;
  t->locked.replace_s = t->locked.end_s - margin;
  t->locked.came_s = now_s;
}

/* With the lock held, which it gives up during the request. */
static void ask(dl__azure_token *t, int64_t now_s) {
  dl__secret text = {0};
  int64_t lifetime_s = 0;
  dl_error error = DL_ERROR_INIT;
  t->locked.asking = true;
  (void)pthread_mutex_unlock(&t->locked.mutex);
  dl_status status =
      dl__azure_identity_ask(t->identity, t->http, now_s, &text, &lifetime_s, &error);
  (void)pthread_mutex_lock(&t->locked.mutex);
  if (status == DL_OK) {
    keep(t, &text, lifetime_s, now_s);
  } else {
    t->locked.replace_s = now_s + AGAIN_S;
  }
  t->locked.status = status;
  t->locked.error = error;
  t->locked.asking = false;
  t->locked.requests++;
  (void)pthread_cond_broadcast(&t->locked.asked);
}

static bool is_good(const dl__azure_token *t, int64_t now_s) {
  return t->locked.text.data != NULL && now_s < t->locked.end_s;
}

static void await(dl__azure_token *t) {
  uint64_t before = t->locked.requests;
  while (t->locked.requests == before) {
    (void)pthread_cond_wait(&t->locked.asked, &t->locked.mutex);
  }
}

/* With the lock held: sees to it that there is a token. Whoever waited for a request that
 * failed gets its error: to send one for each of many threads would help nobody. Ends,
 * because a request that succeeds gives a token that is good for the one who asked. */
static dl_status provide(dl__azure_token *t, int64_t now_s, dl_error *err) {
  for (;;) {
    bool due = now_s >= t->locked.replace_s && !t->locked.asking;
    if (is_good(t, now_s) && !due) return DL_OK;
    if (t->locked.asking) {
      await(t);
    } else {
      ask(t, now_s);
    }
    if (t->locked.status != DL_OK && !is_good(t, now_s)) {
      dl__error_copy(err, &t->locked.error);
      return t->locked.status;
    }
  }
}

dl_status dl__azure_token_add(dl__azure_token *t, int64_t now_s, dl__buf *headers, dl_error *err) {
  (void)pthread_mutex_lock(&t->locked.mutex);
  dl_status status = provide(t, now_s, err);
  t->locked.used_s = now_s;
  if (status == DL_OK) {
    bool done = dl__buf_add_text(headers, "Authorization: Bearer ") &&
                dl__buf_add(headers, t->locked.text.data, t->locked.text.size) &&
                dl__buf_add_text(headers, "\n");
    if (!done) status = dl__fail_no_memory(err);
  }
  (void)pthread_mutex_unlock(&t->locked.mutex);
  return status;
}

void dl__azure_token_forget(dl__azure_token *t) {
  (void)pthread_mutex_lock(&t->locked.mutex);
  bool fresh = t->locked.used_s - t->locked.came_s < NEW_S;
  if (!t->locked.asking && !fresh) dl__secret_clear(&t->locked.text);
  (void)pthread_mutex_unlock(&t->locked.mutex);
}
