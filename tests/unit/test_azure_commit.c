/* Blobs in blocks: what is sent, byte for byte, and what of the answers counts as stored. */
#define _GNU_SOURCE
#include "azure_kit.h"
#include "support/support.h"

#define DIGEST     "sha256-segments:" SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define SIXTEEN    "0123456789abcdef"
#define DIGEST_TOO "sha256:" SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define CREATED    "201 Created"
#define ETAG       "ETag: \"0x1\"\r\n"
#define NOT_MET                                                                                    \
  { "412 Precondition Failed", REFUSED("ConditionNotMet"), "", 0 }

/* MD5 of the content: the bytes 0 to 15 */
#define MD5_BASE64 "AAECAwQFBgcICQoLDA0ODw=="
static const uint8_t md5[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* ---- the client ---- */

static dl_upload_request begun;
static dl_upload *upload;

static void begin(const char *if_match, uint32_t if_absent, uint64_t size_bytes) {
  begun = (dl_upload_request)DL_UPLOAD_REQUEST_INIT;
  begun.key = "a.jsonl";
  begun.size_bytes = size_bytes;
  begun.if_match = if_match;
  begun.if_absent = if_absent;
  ck_assert_int_eq(storage->upload_begin(storage->self, &begun, &upload, &err), DL_OK);
  ck_assert_ptr_nonnull(upload);
}

static void end(void) {
  storage->upload_end(storage->self, upload);
}

static dl_status read_abc(void *user, uint64_t offset, void *buf, size_t size, size_t *got,
                          dl_error *e) {
  (void)user;
  (void)e;
  *got = size > 0 ? 1 : 0;
  memcpy(buf, &"abc"[offset], *got);
  return DL_OK;
}

static dl_status put_abc(void) {
  dl_part part = DL_PART_INIT;
  part.size_bytes = 3;
  part.crc64 = UINT64_C(0xae8b14860a799888);
  memcpy(part.sha256, ABC_SHA, 32);
  part.read = read_abc;
  return storage->put_part(storage->self, upload, &part, &err);
}

static dl_segment abc = DL_SEGMENT_INIT;
static dl_segment aaa = DL_SEGMENT_INIT;
static dl_put_result result;

/* "abc", a million times "a", "abc"; or only the first of them. */
static dl_status commit(size_t count, const char *digest, int64_t mtime_ns, const uint8_t *sum) {
  const dl_segment *segments[] = {&abc, &aaa, &abc};
  dl_commit_request request = DL_COMMIT_REQUEST_INIT;
  abc.size_bytes = 3;
  memcpy(abc.sha256, ABC_SHA, 32);
  aaa.size_bytes = 1000000;
  memcpy(aaa.sha256, AAA_SHA, 32);
  request.segments = segments;
  request.segment_count = count;
  request.digest = digest;
  request.mtime_ns = mtime_ns;
  request.md5 = sum;
  result = (dl_put_result)DL_PUT_RESULT_INIT;
  return storage->commit(storage->self, upload, &request, &result, &err);
}

/* The value of a header in the first request that has it. */
static void sent_header(const char *name, char *value, size_t size) {
  const char *at = strcasestr(fake.heads, name);
  ck_assert_ptr_nonnull(at);
  at += strlen(name);
  (void)snprintf(value, size, "%.*s", (int)strcspn(at, "\r\n"), at);
}

/* The lines of the first request but those that are the same or others in all. */
static void sent_lines(char *out, size_t size) {
  static const char *const left_out[] = {
      "Host:", "User-Agent:", "x-ms-date:", "Authorization:", "x-ms-meta-devlogpush:"};
  out[0] = '\0';
  for (const char *at = fake.heads; *at != '\r' && *at != '\0'; at = strchr(at, '\n') + 1) {
    bool told = true;
    for (int i = 0; i < COUNT(left_out); i++) {
      if (strncasecmp(at, left_out[i], strlen(left_out[i])) == 0) told = false;
    }
    size_t length = strlen(out);
    if (told) (void)snprintf(out + length, size - length, "%.*s\n", (int)strcspn(at, "\r\n"), at);
  }
}

/* ---- what is sent ---- */

START_TEST(a_block) {
  char lines[2048];
  begin(NULL, 0, 3);
  plan((answer){CREATED, "x-ms-content-crc64: iJh5CoYUi64=\r\n", "", 0});
  ck_assert_msg(put_abc() == DL_OK, "%s", err.message);
  sent_lines(lines, sizeof lines);
  ck_assert_str_eq(lines, "PUT /devstoreaccount1/logs/a.jsonl?comp=block&blockid=Abp4Fr%2BPAc%2FqQU"
                          "FA3l2uIiOwA2Gjlhd6nLQQ%2F2HyABWtAAAAAAAAAAMAAAAA HTTP/1.1\n"
                          "x-ms-content-crc64: iJh5CoYUi64=\n"
                          "x-ms-version: 2021-12-02\n"
                          "Content-Length: 3\n");
  ck_assert_str_eq(fake.body, "abc");
  end();
}
END_TEST

START_TEST(a_block_that_is_too_large) {
  dl_part part = DL_PART_INIT;
  part.size_bytes = UINT64_C(4000) * 1024 * 1024 + 1;
  part.read = read_abc;
  begin(NULL, 0, part.size_bytes);
  ck_assert_int_eq(storage->put_part(storage->self, upload, &part, &err), DL_ERR_UNSUPPORTED);
  ck_assert_int_eq(requests(NULL), 0);
  end();
}
END_TEST

#define XML(ids)   "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>" ids "</BlockList>"
#define LATEST(id) "<Latest>" id "</Latest>"
#define HEAD       "PUT /devstoreaccount1/logs/a.jsonl?comp=blocklist HTTP/1.1\n"

START_TEST(a_list) {
  char lines[2048];
  char push[64];
  begin("0x8D", 0, 1000006);
  plan((answer){CREATED, ETAG, "", 0});
  dl_status status = commit(3, DIGEST, 1700000000123456789, md5);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_str_eq(result.etag, "0x1");
  sent_lines(lines, sizeof lines);
  ck_assert_str_eq(lines, HEAD "Content-MD5: lQQLu5mNJGaAkZEQFihmbA==\n"
                               "x-ms-blob-content-type: application/x-ndjson\n"
                               "x-ms-blob-content-md5: " MD5_BASE64 "\n"
                               "x-ms-meta-devlogmd5: " MD5_BASE64 "\n"
                               "x-ms-meta-devlogdigest: " DIGEST "\n"
                               "x-ms-meta-devlogmtime: 1700000000123456789\n"
                               "If-Match: \"0x8D\"\n"
                               "x-ms-version: 2021-12-02\n"
                               "Content-Length: 292\n");
  ck_assert_str_eq(fake.body, XML(LATEST(ABC_ID) LATEST(AAA_ID) LATEST(ABC_ID)));
  sent_header("x-ms-meta-devlogpush: ", push, sizeof push);
  ck_assert_uint_eq(strspn(push, "0123456789abcdef"), 16);
  ck_assert_uint_eq(strlen(push), 16);
  end();
}
END_TEST

/* What is not known is not said: the service then keeps nothing in its place. */
START_TEST(a_list_with_nothing_more) {
  char lines[2048];
  begin(NULL, 1, 3);
  plan((answer){CREATED, ETAG, "", 0});
  ck_assert_int_eq(commit(1, NULL, 0, NULL), DL_OK);
  sent_lines(lines, sizeof lines);
  ck_assert_str_eq(lines, HEAD "Content-MD5: f7rL9DK/kqLcB/J6hvr2jQ==\n"
                               "x-ms-blob-content-type: application/x-ndjson\n"
                               "If-None-Match: *\n"
                               "x-ms-version: 2021-12-02\n"
                               "Content-Length: 138\n");
  ck_assert_str_eq(fake.body, XML(LATEST(ABC_ID)));
  end();
}
END_TEST

START_TEST(too_many_blocks) {
  dl_commit_request request = DL_COMMIT_REQUEST_INIT;
  const dl_segment **segments = calloc(50001, sizeof *segments);
  ck_assert_ptr_nonnull(segments);
  abc.size_bytes = 3;
  for (size_t i = 0; i < 50001; i++) segments[i] = &abc;
  request.segments = segments;
  request.segment_count = 50001;
  begin(NULL, 0, 150003);
  plan((answer){CREATED, ETAG, "", 0});
  ck_assert_int_eq(storage->commit(storage->self, upload, &request, &result, &err),
                   DL_ERR_UNSUPPORTED);
  ck_assert_int_eq(requests(NULL), 0);
  request.segment_count = 50000;
  dl_status status = storage->commit(storage->self, upload, &request, &result, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_int_eq(requests("Content-Length: 3850061\r\n"), 1); /* 61 and 77 a block */
  free(segments);
  end();
}
END_TEST

START_TEST(an_etag_that_is_none) {
  static const char *const etags[] = {"", "*", "1\"", "1\r\nX-Injected: 1"};
  begun = (dl_upload_request)DL_UPLOAD_REQUEST_INIT;
  begun.key = "a.jsonl";
  begun.if_match = etags[_i];
  ck_assert_int_eq(storage->upload_begin(storage->self, &begun, &upload, &err), DL_ERR_CONFLICT);
  ck_assert_ptr_null(upload);
  ck_assert_int_eq(requests(NULL), 0);
}
END_TEST

/* Each storage that is opened has a mark of its own, and one for all that it stores. */
START_TEST(the_mark_of_a_push) {
  char first[64];
  char second[64];
  char all[96];
  begin(NULL, 0, 3);
  plan((answer){CREATED, ETAG, "", 0});
  ck_assert_int_eq(commit(1, DIGEST, 0, NULL), DL_OK);
  ck_assert_int_eq(commit(1, DIGEST, 0, NULL), DL_OK);
  sent_header("x-ms-meta-devlogpush: ", first, sizeof first);
  (void)snprintf(all, sizeof all, "x-ms-meta-devlogpush: %s\r\n", first);
  ck_assert_int_eq(requests(all), 2);
  end();
  teardown();
  memset(fake.heads, 0, sizeof fake.heads);
  setup();
  begin(NULL, 0, 3);
  ck_assert_int_eq(commit(1, DIGEST, 0, NULL), DL_OK);
  sent_header("x-ms-meta-devlogpush: ", second, sizeof second);
  ck_assert_str_ne(first, second);
  end();
}
END_TEST

/* ---- what counts ---- */

typedef struct outcome {
  answer answer;
  dl_status status;
  uint32_t retryable;
} outcome;

#define ECHO(base64) "x-ms-content-crc64: " base64 "\r\n"
#define NO(code)                                                                                   \
  { "400 Bad Request", REFUSED(code), "", 0 }

static const outcome of_blocks[] = {
    {{CREATED, ECHO("iJh5CoYUi64="), "", 0}, DL_OK, 0},
    {{CREATED, NULL, "", 0}, DL_ERR_NETWORK, 1},
    {{CREATED, ECHO("AAAAAAAAAAA="), "", 0}, DL_ERR_NETWORK, 1},
    {{CREATED, ECHO("rosUhgp5mIg="), "", 0}, DL_ERR_NETWORK, 1}, /* high byte first */
    {{CREATED, ECHO("iJh5CoYU"), "", 0}, DL_ERR_NETWORK, 1},     /* the first 6 bytes */
    {{CREATED, ECHO("iJh5CoYUi64A"), "", 0}, DL_ERR_NETWORK, 1}, /* and one more */
    {{CREATED, ECHO("iJh5CoYUi64"), "", 0}, DL_ERR_NETWORK, 1},
    {{CREATED, ECHO("garbage"), "", 0}, DL_ERR_NETWORK, 1},
    {{CREATED, "Content-MD5: iJh5CoYUi64=\r\n", "", 0}, DL_ERR_NETWORK, 1},
    {{"200 OK", ECHO("iJh5CoYUi64="), "", 0}, DL_ERR_NETWORK, 1},
    {{"202 Accepted", ECHO("iJh5CoYUi64="), "", 0}, DL_ERR_NETWORK, 1},
    {{"500 Internal", ECHO("iJh5CoYUi64="), "", 0}, DL_ERR_NETWORK, 1},
    {NO("Crc64Mismatch"), DL_ERR_SOURCE_CHANGED, 0},
    {NO("Md5Mismatch"), DL_ERR_SOURCE_CHANGED, 0},
    {NO("InvalidBlobOrBlock"), DL_ERR_UNSUPPORTED, 0},
    {NO("InvalidBlockId"), DL_ERR_STORAGE, 0},
    {{"409 Conflict", REFUSED("BlockCountExceedsLimit"), "", 0}, DL_ERR_UNSUPPORTED, 0},
    {{"409 Conflict", REFUSED("InvalidBlobType"), "", 0}, DL_ERR_STORAGE, 0},
    {{"403 Forbidden", REFUSED("AuthenticationFailed"), "", 0}, DL_ERR_AUTH, 0},
};

START_TEST(answers_to_a_block) {
  const outcome *o = &of_blocks[_i];
  begin(NULL, 0, 3);
  plan(o->answer);
  ck_assert_int_eq(put_abc(), o->status);
  if (o->status != DL_OK) {
    ck_assert_int_eq(err.status, o->status);
    ck_assert_uint_eq(err.retryable, o->retryable);
    ck_assert_str_eq(err.path, "a.jsonl");
    ck_assert_ptr_null(strstr(err.message, "the service refused it")); /* it says what to do */
  }
  ck_assert_int_eq(requests(NULL), 1);
  end();
}
END_TEST

static const outcome of_lists[] = {
    {{CREATED, ETAG, "", 0}, DL_OK, 0},
    {{CREATED, NULL, "", 0}, DL_ERR_NETWORK, 1},
    {{CREATED, "ETag: \"\"\r\n", "", 0}, DL_ERR_NETWORK, 1},
    {{CREATED, "ETag: *\r\n", "", 0}, DL_ERR_NETWORK, 1},
    {{"200 OK", ETAG, "", 0}, DL_ERR_NETWORK, 1},
    {{"202 Accepted", ETAG, "", 0}, DL_ERR_NETWORK, 1},
    {NO("InvalidBlockList"), DL_ERR_NOT_FOUND, 0},
    {NO("BlockListTooLong"), DL_ERR_UNSUPPORTED, 0},
    {NO("Md5Mismatch"), DL_ERR_NETWORK, 1}, /* of the list: it was damaged on the way */
    {{"412 Precondition Failed", REFUSED("LeaseIdMissing"), "", 0}, DL_ERR_STORAGE, 0},
};

START_TEST(answers_to_a_list) {
  const outcome *o = &of_lists[_i];
  begin("0x8D", 0, 3);
  plan(o->answer);
  ck_assert_int_eq(commit(1, DIGEST, 0, md5), o->status);
  if (o->status != DL_OK) {
    ck_assert_int_eq(err.status, o->status);
    ck_assert_uint_eq(err.retryable, o->retryable);
    ck_assert_str_eq(err.path, "a.jsonl");
    ck_assert_str_eq(result.etag, "");
  }
  ck_assert_int_eq(requests(NULL), 1);
  end();
}
END_TEST

/* ---- a commit that meets itself ---- */

/* What is there when the condition failed. */
#define META(name, value) "x-ms-meta-devlog" name ": " value "\r\n"
#define SAME              META("digest", DIGEST)
#define SUM(base64)       "Content-MD5: " base64 "\r\n"
#define OWN               "own"

static const struct {
  const char *status, *headers;
  const char *push; /* its mark; OWN: that of this push; NULL: none */
  const char *body; /* as long as the blob */
  dl_status outcome;
} present[] = {
    {"200 OK", SAME ETAG, OWN, "abc", DL_OK},
    {"200 OK", SAME META("md5", MD5_BASE64) ETAG, OWN, "abc", DL_OK},
    {"200 OK", SAME ETAG, "0123456789abcdef", "abc", DL_ERR_CONFLICT},
    {"200 OK", SAME ETAG, "", "abc", DL_ERR_CONFLICT},
    {"200 OK", SAME ETAG, NULL, "abc", DL_ERR_CONFLICT},
    {"200 OK", META("digest", DIGEST_TOO) ETAG, OWN, "abc", DL_ERR_CONFLICT},
    {"200 OK", ETAG, OWN, "abc", DL_ERR_CONFLICT},
    {"200 OK", SAME ETAG, OWN, "abcd", DL_ERR_CONFLICT},
    {"200 OK", SAME, OWN, "abc", DL_ERR_CONFLICT},
    /* the same content by somebody else */
    {"200 OK", SAME META("md5", MD5_BASE64) SUM(MD5_BASE64) ETAG, NULL, "abc", DL_OK},
    {"200 OK", SAME META("md5", "x" MD5_BASE64) SUM(MD5_BASE64) ETAG, NULL, "abc", DL_ERR_CONFLICT},
    {"404 Not Found", REFUSED("BlobNotFound"), NULL, "", DL_ERR_CONFLICT},
    {"403 Forbidden", REFUSED("AuthorizationPermissionMismatch"), NULL, "", DL_ERR_CONFLICT},
    /* nobody knows yet */
    {"503 Busy", SAME ETAG, OWN, "abc", DL_ERR_NETWORK},
    {"500 Internal", REFUSED("OperationTimedOut"), NULL, "", DL_ERR_NETWORK},

};

static void check_meeting(int i, answer refusal, bool whole) {
  char push[64];
  char headers[512];
  begin(whole ? NULL : "0x8D", 0, 3);
  plan((answer){CREATED, ETAG, "", 0});
  ck_assert_int_eq(commit(1, DIGEST, 0, NULL), DL_OK);
  sent_header("x-ms-meta-devlogpush: ", push, sizeof push);
  if (present[i].push == NULL || strcmp(present[i].push, OWN) != 0) {
    (void)snprintf(push, sizeof push, "%s", present[i].push != NULL ? present[i].push : "");
  }
  (void)snprintf(headers, sizeof headers, "%s%s%s%s", present[i].headers,
                 present[i].push != NULL ? "x-ms-meta-devlogpush: " : "", push,
                 present[i].push != NULL ? "\r\n" : "");
  plan(refusal);
  plan((answer){present[i].status, headers, present[i].body, 0});
  dl_status status;
  if (whole) {
    dl_put_request request = DL_PUT_REQUEST_INIT;
    request.key = "a.jsonl";
    request.size_bytes = 3;
    request.digest = DIGEST;
    request.md5 = md5;
    request.if_match = "0x8D";
    request.read = read_abc;
    result = (dl_put_result)DL_PUT_RESULT_INIT;
    status = storage->put(storage->self, &request, &result, &err);
  } else {
    status = commit(1, DIGEST, 0, NULL);
  }
  ck_assert_int_eq(status, present[i].outcome);
  ck_assert_str_eq(result.etag, status == DL_OK ? "0x1" : "");
  ck_assert_int_eq(requests(NULL), 3);
  ck_assert_int_eq(requests("HEAD "), 1);
  if (status != DL_OK) {
    ck_assert_int_eq(err.status, status);
    ck_assert_uint_eq(err.retryable, status == DL_ERR_NETWORK ? 1 : 0);
  }
  if (status == DL_ERR_CONFLICT) {
    ck_assert_ptr_nonnull(strstr(err.message, "changed at the remote by somebody else"));
    ck_assert_ptr_nonnull(strstr(err.message, "nothing was overwritten"));
    ck_assert_ptr_nonnull(strstr(err.message, "Push again"));
  }
  end();
}

START_TEST(a_commit_meets_what_is_there) {
  check_meeting(_i, (answer)NOT_MET, false);
}
END_TEST

START_TEST(a_first_commit_meets_what_is_there) {
  check_meeting(_i, (answer){"409 Conflict", REFUSED("BlobAlreadyExists"), "", 0}, false);
}
END_TEST

START_TEST(a_put_meets_what_is_there) {
  check_meeting(_i, (answer)NOT_MET, true);
}
END_TEST

/* What could not be asked is asked again, and then found to be ours. */
START_TEST(a_commit_meets_itself_later) {
  char push[64];
  char headers[512];
  begin("0x8D", 0, 3);
  plan((answer){CREATED, ETAG, "", 0});
  ck_assert_int_eq(commit(1, DIGEST, 0, NULL), DL_OK);
  sent_header("x-ms-meta-devlogpush: ", push, sizeof push);
  (void)snprintf(headers, sizeof headers, SAME ETAG "x-ms-meta-devlogpush: %s\r\n", push);
  plan((answer)NOT_MET);
  plan((answer){"503 Busy", NULL, "", 0});
  plan((answer)NOT_MET);
  plan((answer){"200 OK", headers, "abc", 0});
  ck_assert_int_eq(commit(1, DIGEST, 0, NULL), DL_ERR_NETWORK);
  ck_assert_uint_eq(err.retryable, 1);
  ck_assert_int_eq(commit(1, DIGEST, 0, NULL), DL_OK);
  ck_assert_str_eq(result.etag, "0x1");
  end();
}
END_TEST

/* ---- a put where only staged blocks are ---- */

#define ABC_CRC "6/rBP7vK5QU=" /* of "abc" */

#define EXISTS                                                                                     \
  { "409 Conflict", REFUSED("BlobAlreadyExists"), "", 0 }
#define GONE                                                                                       \
  { "404 Not Found", REFUSED("BlobNotFound"), "", 0 }
#define STAGED(id)                                                                                 \
  "<BlockList><CommittedBlocks/><UncommittedBlocks><Block><Name>" id                               \
  "</Name><Size>9</Size></Block></UncommittedBlocks></BlockList>"
#define STAGED_ONLY(id)                                                                            \
  { "200 OK", "x-ms-blob-content-length: 0\r\n", STAGED(id), 0 }

static dl_status put_new(uint64_t size_bytes) {
  dl_put_request request = DL_PUT_REQUEST_INIT;
  request.key = "a.jsonl";
  request.size_bytes = size_bytes;
  request.digest = DIGEST_TOO;
  request.md5 = md5;
  request.if_absent = 1;
  request.read = read_abc;
  result = (dl_put_result)DL_PUT_RESULT_INIT;
  return storage->put(storage->self, &request, &result, &err);
}

/* One block, whose id is as long as theirs, and a list, on the same condition. */
START_TEST(a_put_beside_staged_blocks) {
  char body[256];
  plan((answer)EXISTS);
  plan((answer)GONE);
  plan((answer)STAGED_ONLY("MDAwMDAx"));
  plan((answer){CREATED, ECHO(ABC_CRC), "", 0});
  plan((answer){CREATED, ETAG, "", 0});
  dl_status status = put_new(3);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_str_eq(result.etag, "0x1");
  ck_assert_int_eq(requests(NULL), 5);
  ck_assert_int_eq(requests("x-ms-content-crc64: " ABC_CRC), 1);
  ck_assert_int_eq(requests("If-None-Match: *"), 2);
  ck_assert_int_eq(requests("x-ms-blob-content-md5: " MD5_BASE64), 1);
  ck_assert_int_eq(requests("x-ms-meta-devlogdigest: " DIGEST_TOO), 2);
  /* "/w" and 6 more characters: 6 bytes that begin with 0xff */
  (void)snprintf(body, sizeof body, "%.*s", (int)strcspn(fake.body, "/"), fake.body);
  ck_assert_str_eq(body, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><Uncommitted>");
  ck_assert_uint_eq(strlen(fake.body), strlen(body) + 8 + strlen("</Uncommitted></BlockList>"));
  ck_assert_int_eq(requests("comp=block&blockid=%2F"), 1);
}
END_TEST

START_TEST(an_empty_put_beside_staged_blocks) {
  plan((answer)EXISTS);
  plan((answer)GONE);
  plan((answer)STAGED_ONLY(ABC_ID));
  plan((answer){CREATED, ETAG, "", 0});
  dl_status status = put_new(0);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_str_eq(fake.body, XML(""));
  ck_assert_int_eq(requests(NULL), 4);
}
END_TEST

static const struct {
  answer answers[4]; /* after the refusal of the put and the 404 of the blob */
  dl_status status;
  int requests;
} besides[] = {
    {{GONE}, DL_ERR_CONFLICT, 3}, /* nothing staged, either */
    {{STAGED_ONLY("MDA=")}, DL_ERR_CONFLICT, 3},
    {{STAGED_ONLY("no id")}, DL_ERR_CONFLICT, 3},
    {{{"200 OK", ETAG "x-ms-blob-content-length: 9\r\n", STAGED(ABC_ID), 0}}, DL_ERR_CONFLICT, 3},
    {{{"403 Forbidden", NULL, "", 0}}, DL_ERR_CONFLICT, 3},
    {{{"503 Busy", NULL, "", 0}}, DL_ERR_NETWORK, 3},
    {{STAGED_ONLY(ABC_ID), {CREATED, NULL, "", 0}}, DL_ERR_NETWORK, 4},
    {{STAGED_ONLY(ABC_ID), {"503 Busy", NULL, "", 0}}, DL_ERR_NETWORK, 4},
    /* somebody was faster */
    {{STAGED_ONLY(ABC_ID), {CREATED, ECHO(ABC_CRC), "", 0}, NOT_MET}, DL_ERR_CONFLICT, 5},
    {{STAGED_ONLY(ABC_ID), {CREATED, ECHO(ABC_CRC), "", 0}, EXISTS}, DL_ERR_CONFLICT, 5},
    {{STAGED_ONLY(ABC_ID), {CREATED, ECHO(ABC_CRC), "", 0}, {CREATED, NULL, "", 0}},
     DL_ERR_NETWORK,
     5},
};

START_TEST(a_put_beside_staged_blocks_fails) {
  plan((answer)EXISTS);
  plan((answer)GONE);
  for (int i = 0; i < 4 && besides[_i].answers[i].status != NULL; i++) {
    plan(besides[_i].answers[i]);
  }
  ck_assert_int_eq(put_new(3), besides[_i].status);
  ck_assert_int_eq(err.status, besides[_i].status);
  ck_assert_uint_eq(err.retryable, besides[_i].status == DL_ERR_NETWORK ? 1 : 0);
  ck_assert_int_eq(requests(NULL), besides[_i].requests);
}
END_TEST

/* Without a digest nothing says that it is ours. */
START_TEST(a_commit_without_a_digest_meets_what_is_there) {
  begin("0x8D", 0, 3);
  plan((answer)NOT_MET);
  ck_assert_int_eq(commit(1, NULL, 0, NULL), DL_ERR_CONFLICT);
  ck_assert_int_eq(requests(NULL), 1);
  end();
}
END_TEST

int main(void) {
  Suite *suite = suite_create("azure_commit");
  TCase *tcase = tcase_create("azure_commit");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_test(tcase, a_block);
  tcase_add_test(tcase, a_block_that_is_too_large);
  tcase_add_test(tcase, a_list);
  tcase_add_test(tcase, a_list_with_nothing_more);
  tcase_add_test(tcase, too_many_blocks);
  tcase_add_loop_test(tcase, an_etag_that_is_none, 0, 4);
  tcase_add_test(tcase, the_mark_of_a_push);
  tcase_add_loop_test(tcase, answers_to_a_block, 0, COUNT(of_blocks));
  tcase_add_loop_test(tcase, answers_to_a_list, 0, COUNT(of_lists));
  tcase_add_loop_test(tcase, a_commit_meets_what_is_there, 0, COUNT(present));
  tcase_add_loop_test(tcase, a_first_commit_meets_what_is_there, 0, COUNT(present));
  tcase_add_loop_test(tcase, a_put_meets_what_is_there, 0, COUNT(present));
  tcase_add_test(tcase, a_commit_meets_itself_later);
  tcase_add_test(tcase, a_put_beside_staged_blocks);
  tcase_add_test(tcase, an_empty_put_beside_staged_blocks);
  tcase_add_loop_test(tcase, a_put_beside_staged_blocks_fails, 0, COUNT(besides));
  tcase_add_test(tcase, a_commit_without_a_digest_meets_what_is_there);
  return support_main(suite);
}
