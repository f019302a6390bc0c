/* fuzz_refusal.c: any bytes as a "no" of the service, to every kind of request and login. It
 * becomes an error that says what to do, and shows neither the secret nor the body. */
#define _GNU_SOURCE
#include <unistd.h>

#include "base/url.h"
#include "reply.h"
#include "storage/azure.h"

#define CANARY "c4n4ryS3cr3t"

static dl__azure_auth *login(const dl__azure_url *url, char *variable) {
  char *only[] = {variable, NULL};
  char **before = environ;
  dl_config *config = NULL;
  dl__azure_auth *auth = NULL;
  environ = only;
  require(dl_config_new(&config, NULL) == DL_OK);
  require(dl__azure_auth_new(config, url, NULL, &auth, NULL) == DL_OK);
  environ = before;
  dl_config_free(config);
  return auth;
}

static void check(const dl__azure *azure, const dl__azure_request *request,
                  const dl__http_reply *reply) {
  dl_error err = DL_ERROR_INIT;
  int64_t right_s;
  dl_status status = dl__azure_fail(azure, request, reply, 0, &err);
  require(status != DL_OK && (dl_status)err.status == status && err.http_status == reply->status);
  require(memchr(err.message, '\0', sizeof err.message) != NULL);
  require(memchr(err.provider_code, '\0', sizeof err.provider_code) != NULL);
  require(memchr(err.request_id, '\0', sizeof err.request_id) != NULL);
  bool echo = strstr(err.provider_code, CANARY) != NULL; /* of the header: no place for a secret */
  require(err.message[0] != '\0' && (echo || strstr(err.message, CANARY) == NULL));
  require(!dl__text_has_control(err.message) && !dl__text_has_control(err.provider_code));
  require(!dl__text_has_control(err.request_id));
  require(err.retry_after_ms == 0 || err.retryable != 0);
  require(dl__azure_fail(azure, request, reply, 3600, NULL) == status);
  (void)dl__azure_clock_wrong(reply, 0, &right_s);
  require(!dl__azure_has_code(reply, "BlobNotFound") || err.provider_code[0] == 'B');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char account[] = "acct";
  static char container[] = "logs";
  static char key[] = "AZURE_STORAGE_KEY=a2V5IG9mIHRoZSB0ZXN0cw==";
  static char sas[] = "AZURE_STORAGE_SAS_TOKEN=se=2020-01-01&sig=" CANARY;
  static char nothing[] = "NOTHING=";
  static char *const variables[] = {key, sas, nothing};
  static dl__azure_auth *logins[3]; /* kept: three, once */
  static const char *const query[] = {"comp", "block", NULL};
  static const dl__azure_request requests[] = {{.method = "GET"},
                                               {.method = "PUT", .key = "a.jsonl", .query = query}};
  dl__azure azure = {.url = {.account = account, .container = container}};
  dl__http_reply reply;
  reply_from(data, size, &reply);
  for (size_t i = 0; i < 3; i++) {
    if (logins[i] == NULL) logins[i] = login(&azure.url, variables[i]);
    azure.auth = logins[i];
    azure.create = i == 0;
    for (size_t j = 0; j < 2; j++) check(&azure, &requests[j], &reply);
  }
  (void)dl__http_lengths_differ(&reply);
  (void)dl__http_length_unknown(&reply);
  dl__http_reply_clear(&reply);
  return 0;
}
