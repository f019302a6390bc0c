/* What a block list of the service says about the inside of a blob, and what it does not. */
#define _GNU_SOURCE
#include "azure_kit.h"
#include "support/support.h"

/* One that has 45 bytes and is not ours; one of another length. */
#define OTHER_ID "Arp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAAA"
#define SHORT_ID "AAAA"
/* "abc" with the ordinal 0x01020304 */
#define ORDINAL_ID "Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMBAgME"
/* 45 bytes and 3 more characters of padding */
#define PADDED_ID "Abp4Fr+PAc/qQUFA3l2uIiOwA2Gjlhd6nLQQ/2HyABWtAAAAAAAAAAMAAAA="
#define TEN       "AAAAAAAAAA"
#define LONG_ID   TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

#define BLOCK(name, size) "<Block><Name>" name "</Name><Size>" size "</Size></Block>"
#define ABC               BLOCK(ABC_ID, "3")
#define AAA               BLOCK(AAA_ID, "1000000")
#define LIST(committed, staged)                                                                    \
  "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList>\n  "                        \
  "<CommittedBlocks>" committed "</CommittedBlocks>\n  <UncommittedBlocks>" staged                 \
  "</UncommittedBlocks></BlockList>"

#define SIZE(bytes) "x-ms-blob-content-length: " bytes "\r\n"
#define ETAG        "ETag: \"0x1\"\r\n"
#define GONE                                                                                       \
  { "404 Not Found", REFUSED("BlobNotFound"), "", 0 }
#define NO_MORE                                                                                    \
  { NULL, NULL, NULL, 0 }

/* What the slot told: "ba:3" for a segment of "abc", "s/" before a staged one. */
static char told[1024];

static int tell(const dl_segment *segment, void *user) {
  const char *stop_at = user;
  char text[64];
  bool abc = memcmp(segment->sha256, ABC_SHA, 32) == 0;
  ck_assert(abc || memcmp(segment->sha256, AAA_SHA, 32) == 0);
  ck_assert_uint_eq(segment->struct_size, sizeof *segment);
  (void)snprintf(text, sizeof text, "%s%s%s:%llu", told[0] != '\0' ? " " : "",
                 segment->staged != 0 ? "s/" : "", abc ? "ba" : "cd",
                 (unsigned long long)segment->size_bytes);
  ck_assert_uint_lt(strlen(told) + strlen(text), sizeof told);
  (void)strcat(told, text);
  return stop_at != NULL && strstr(told, stop_at) != NULL;
}

static dl_status layout(dl_layout *out, const char *stop_at) {
  *out = (dl_layout)DL_LAYOUT_INIT;
  memset(out->etag, 'x', sizeof out->etag - 1);
  out->blocked = 7;
  out->size_bytes = 7;
  told[0] = '\0';
  char stop[16];
  (void)snprintf(stop, sizeof stop, "%s", stop_at != NULL ? stop_at : "");
  return storage->layout(storage->self, "a.jsonl", tell, stop_at != NULL ? stop : NULL, out, &err);
}

/* ---- lists that are good ---- */

typedef struct reading {
  answer list, head; /* NO_MORE: nobody asks */
  const char *told;
  unsigned size_bytes;
  const char *etag;
  unsigned blocked;
} reading;

#define GOOD(headers, committed, staged)                                                           \
  { "200 OK", headers, LIST(committed, staged), 0 }

static const reading readings[] = {
    /* all ours */
    {GOOD(ETAG SIZE("1000003"), ABC AAA, ""), NO_MORE, "ba:3 cd:1000000", 1000003, "0x1", 0},
    {GOOD(ETAG SIZE("1000006"), ABC AAA ABC, ""), NO_MORE, "ba:3 cd:1000000 ba:3", 1000006, "0x1",
     0},
    {GOOD(ETAG SIZE("3"), ABC, AAA ABC), NO_MORE, "ba:3 s/cd:1000000 s/ba:3", 3, "0x1", 0},
    /* put whole */
    {GOOD(ETAG SIZE("7"), "", ""), NO_MORE, "", 7, "0x1", 0},
    {GOOD(ETAG SIZE("7"), "", AAA), NO_MORE, "s/cd:1000000", 7, "0x1", 0},
    {GOOD(ETAG SIZE("0"), "", ""), NO_MORE, "", 0, "0x1", 0},
    /* not all ours, or not what the id says */
    {GOOD(ETAG SIZE("6"), ABC BLOCK(OTHER_ID, "3"), AAA), NO_MORE, "s/cd:1000000", 6, "0x1", 0},
    {GOOD(ETAG SIZE("6"), BLOCK(SHORT_ID, "3") ABC, AAA), NO_MORE, "s/cd:1000000", 6, "0x1", 0},
    {GOOD(ETAG SIZE("7"), ABC BLOCK(ABC_ID, "4"), ""), NO_MORE, "", 7, "0x1", 0},
    {GOOD(ETAG SIZE("6"), ABC BLOCK(ORDINAL_ID, "3"), ""), NO_MORE, "", 6, "0x1", 0},
    {GOOD(ETAG SIZE("6"), ABC BLOCK(LONG_ID, "3"), ""), NO_MORE, "", 6, "0x1", 0},
    {GOOD(ETAG SIZE("6"), ABC BLOCK("", "3"), ""), NO_MORE, "", 6, "0x1", 0},
    {GOOD(ETAG SIZE("6"), ABC, ""), NO_MORE, "", 6, "0x1", 0}, /* half of it */
    {GOOD(ETAG SIZE("3"), ABC ABC, ""), NO_MORE, "", 3, "0x1", 0},
    /* staged ones of others */
    {GOOD(ETAG SIZE("3"), ABC, BLOCK(OTHER_ID, "3") AAA), NO_MORE, "ba:3 s/cd:1000000", 3, "0x1",
     0},
    {GOOD(ETAG SIZE("3"), ABC, BLOCK(ABC_ID, "4") BLOCK(ORDINAL_ID, "3")), NO_MORE, "ba:3", 3,
     "0x1", 0},
    {GOOD(ETAG SIZE("3"), ABC, AAA BLOCK(SHORT_ID, "3")), NO_MORE, "ba:3 s/cd:1000000", 3, "0x1",
     1},
    {GOOD(ETAG SIZE("3"), ABC, BLOCK(LONG_ID, "3")), NO_MORE, "ba:3", 3, "0x1", 1},
    {GOOD(ETAG SIZE("3"), ABC, BLOCK(PADDED_ID, "3")), NO_MORE, "ba:3", 3, "0x1", 1},
    {GOOD(ETAG SIZE("3"), ABC, BLOCK("", "3")), NO_MORE, "ba:3", 3, "0x1", 1},
    /* nothing but staged ones, as the service says it, and as the emulator does */
    {GOOD(SIZE("0"), "", AAA ABC), NO_MORE, "s/cd:1000000 s/ba:3", 0, "", 0},
    {GOOD(NULL, "", ABC), NO_MORE, "s/ba:3", 0, "", 0},
    {GOOD(SIZE("0"), "", BLOCK(SHORT_ID, "3")), NO_MORE, "", 0, "", 1},
    {GOOD(ETAG SIZE("0"), "", ABC), GONE, "s/ba:3", 0, "", 0},
    {GOOD(ETAG SIZE("0"), "", ABC), {"200 OK", ETAG, "", 0}, "s/ba:3", 0, "0x1", 0},
    /* what the list does not say is looked up; that may be another blob by then */
    {GOOD(SIZE("3"), "", ABC), {"200 OK", ETAG, "abc", 0}, "s/ba:3", 3, "0x1", 0},
    {GOOD(SIZE("3"), ABC, AAA), {"200 OK", ETAG, "abc", 0}, "s/cd:1000000", 3, "0x1", 0},
    {GOOD(ETAG, ABC, ""), {"200 OK", "ETag: \"0x2\"\r\n", "abc", 0}, "", 3, "0x2", 0},
    {GOOD("ETag: \"\"\r\n" SIZE("3"), ABC, ""), {"200 OK", ETAG, "abc", 0}, "", 3, "0x1", 0},
};

START_TEST(what_a_list_tells) {
  const reading *r = &readings[_i];
  dl_layout out;
  plan(r->list);
  if (r->head.status != NULL) plan(r->head);
  dl_status status = layout(&out, NULL);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_str_eq(told, r->told);
  ck_assert_uint_eq(out.size_bytes, r->size_bytes);
  ck_assert_str_eq(out.etag, r->etag);
  ck_assert_uint_eq(out.blocked, r->blocked);
  ck_assert_int_eq(requests(NULL), r->head.status != NULL ? 2 : 1);
  ck_assert_int_eq(requests("GET /devstoreaccount1/logs/a.jsonl?comp=blocklist&blocklisttype=all "),
                   1);
  ck_assert_int_eq(requests("HEAD /devstoreaccount1/logs/a.jsonl "),
                   r->head.status != NULL ? 1 : 0);
}
END_TEST

/* ---- those that are not ---- */

typedef struct failure {
  answer list, head;
  dl_status status;
} failure;

#define BAD(body)                                                                                  \
  { {"200 OK", ETAG SIZE("3"), "<BlockList>" body, 0}, NO_MORE, DL_ERR_STORAGE }

/* 100 of them */
#define BLANKS                                                                                     \
  "                                                                                              " \
  "  "                                                                                             \
  "    "

static const failure failures[] = {
    BAD(""),
    BAD("<CommittedBlocks>" ABC),
    BAD("<CommittedBlocks>" ABC "</CommittedBlocks>"),
    BAD("<CommittedBlocks>" ABC "</CommittedBlocks></Block"),
    BAD("<CommittedBlocks>" ABC "<Block><Name>" ABC_ID "</Name></Block></CommittedBlocks>"
        "</BlockList>"),
    BAD("<CommittedBlocks>" ABC "<Block><Size>3</Size></Block></CommittedBlocks></BlockList>"),
    BAD("<CommittedBlocks>" BLOCK(ABC_ID, "3x") "</CommittedBlocks></BlockList>"),
    BAD("<CommittedBlocks>" BLOCK(ABC_ID, "-3") "</CommittedBlocks></BlockList>"),
    BAD("<CommittedBlocks>" BLOCK(ABC_ID, "") "</CommittedBlocks></BlockList>"),
    {{"200 OK", ETAG SIZE("3"), "", 0}, NO_MORE, DL_ERR_STORAGE},
    {{"200 OK", ETAG SIZE("3"), "<html></html>", 0}, NO_MORE, DL_ERR_STORAGE},
    {{"202 Accepted", ETAG SIZE("3"), LIST(ABC, ""), 0}, NO_MORE, DL_ERR_STORAGE},
    /* longer than any answer that is taken: 20 MB */
    {{"200 OK", ETAG SIZE("3"), BLANKS BLANKS BLANKS BLANKS, 50000}, NO_MORE, DL_ERR_UNSUPPORTED},
    {GONE, NO_MORE, DL_ERR_NOT_FOUND},
    {{"404 Not Found", REFUSED("ContainerNotFound"), "", 0}, NO_MORE, DL_ERR_CONFIG},
    {{"409 Conflict", REFUSED("InvalidBlobType"), "", 0}, NO_MORE, DL_ERR_STORAGE},
    {{"503 Busy", REFUSED("ServerBusy"), "", 0}, NO_MORE, DL_ERR_NETWORK},
    {GOOD(NULL, "", ""), GONE, DL_ERR_NOT_FOUND},
    {GOOD(SIZE("3"), ABC, ""), GONE, DL_ERR_NOT_FOUND},
    {GOOD(SIZE("3"), ABC, ""), {"200 OK", NULL, "abc", 0}, DL_ERR_STORAGE},
    {GOOD(ETAG SIZE("0"), "", ABC), {"503 Busy", NULL, "", 0}, DL_ERR_NETWORK},
};

START_TEST(what_is_no_list) {
  const failure *f = &failures[_i];
  dl_layout out;
  plan(f->list);
  if (f->head.status != NULL) plan(f->head);
  ck_assert_int_eq(layout(&out, NULL), f->status);
  ck_assert_int_eq(err.status, f->status);
  ck_assert_str_ne(err.message, "");
  ck_assert_uint_eq(err.retryable, f->status == DL_ERR_NETWORK ? 1 : 0);
  ck_assert_str_eq(told, "");
  ck_assert_int_eq(requests(NULL), f->head.status != NULL ? 2 : 1);
}
END_TEST

START_TEST(a_list_ends_when_the_caller_says_so) {
  static const char *const stops[] = {"ba:3", "s/cd"};
  static const char *const tolds[] = {"ba:3", "ba:3 ba:3 s/cd:1000000"};
  dl_layout out;
  plan((answer)GOOD(ETAG SIZE("6"), ABC ABC, AAA ABC));
  ck_assert_int_eq(layout(&out, stops[_i]), DL_ERR_CANCELLED);
  ck_assert_str_eq(told, tolds[_i]);
  ck_assert_int_eq(err.status, DL_ERR_CANCELLED);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("azure_layout");
  TCase *tcase = tcase_create("azure_layout");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_set_timeout(tcase, 30);
  tcase_add_loop_test(tcase, what_a_list_tells, 0, COUNT(readings));
  tcase_add_loop_test(tcase, what_is_no_list, 0, COUNT(failures));
  tcase_add_loop_test(tcase, a_list_ends_when_the_caller_says_so, 0, 2);
  return support_main(suite);
}
