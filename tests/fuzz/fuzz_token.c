/* fuzz_token.c: any bytes as the reply of a service that gives tokens. What is taken is fit to
 * stand in a header; and no message shows the secret that was sent, not even from an echo. */
#include "reply.h"
#include "storage/azure_identity.h"

#define CANARY   "c4n4ryS3cr3t"
#define DAY_S    86400
#define NOW_S    INT64_C(1700000000)
#define LETTERS  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define IS_TOKEN LETTERS "-._~+/="

dl_status __wrap_dl__http_send(dl__http *http, const dl__http_request *request,
                               dl__http_reply *reply, dl_error *err);

static const uint8_t *bytes;
static size_t count;

dl_status __wrap_dl__http_send(dl__http *http, const dl__http_request *request,
                               dl__http_reply *reply, dl_error *err) {
  (void)http;
  (void)request;
  (void)err;
  reply_from(bytes, count, reply);
  return DL_OK;
}

static void ask(dl__azure_identity *identity) {
  dl_error err = DL_ERROR_INIT;
  dl__secret token = {0};
  int64_t lifetime_s = -1;
  dl_status status = dl__azure_identity_ask(identity, NULL, NOW_S, &token, &lifetime_s, &err);
  require(status == DL_OK || status == DL_ERR_AUTH || status == DL_ERR_NETWORK);
  if (status == DL_OK) {
    require(token.size > 0 && token.size <= DL__AZURE_TOKEN_MAX);
    require(strspn(token.data, IS_TOKEN) == token.size && token.data[token.size] == '\0');
    require(lifetime_s >= 0 && lifetime_s <= DAY_S);
  } else {
    require(token.data == NULL && err.message[0] != '\0' && err.message[0] != ':');
    require(strstr(err.message, CANARY) == NULL && strstr(err.provider_code, CANARY) == NULL);
    require(strpbrk(err.message, "\r\n\x1b") == NULL);
  }
  dl__secret_clear(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char url[] = "http://127.0.0.1/token";
  static const char line[] = "X-IDENTITY-HEADER: " CANARY;
  dl__azure_identity identity = {.kind = DL__AZURE_APP_SERVICE, .url = url};
  bytes = data;
  count = size;
  require(dl__secret_copy(&identity.header, line, sizeof line - 1));
  ask(&identity);
  dl__secret_clear(&identity.header);
  return 0;
}
