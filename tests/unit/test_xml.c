/* XML of a server: a listing as Azure sends it, and everything that no honest
 * server would send. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/xml.h"
#include "support/support.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* "List Blobs", version 2021-12-02: on one line in life, but for the breaks here. */
static const char listing[] =
    "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>"
    "<EnumerationResults ServiceEndpoint=\"https://acct.blob.core.windows.net/\""
    " ContainerName=\"logs\"><Prefix>host1/</Prefix><MaxResults>5000</MaxResults>"
    "<Blobs>\r\n  <Blob><Name>host1/a &amp; b &lt;c&gt; &quot;d&quot; &apos;e&apos;.md</Name>"
    "<Properties><Etag>0x8DC5A4B0A1B2C3D</Etag><Content-Length>89</Content-Length>"
    "<Content-MD5>rL0Y20zC+Fzt72VPzMSk2A==</Content-MD5><BlobType>BlockBlob</BlobType>"
    "<LeaseStatus>unlocked</LeaseStatus></Properties>"
    "<Metadata Encrypted=\"false\"><devlogdigest>sha256:00</devlogdigest><empty/></Metadata>"
    "<OrMetadata /></Blob>\n  "
    "<Blob><Name Encoded=\"true\">host1/%EF%BF%BE%01.md</Name><Properties>"
    "<Content-Length>0</Content-Length></Properties></Blob>\n"
    "<Blob><Name><![CDATA[host1/<&>]]]]><![CDATA[>]]> \xc3\xa4&#xE4;&#228;\xf0\x9f\x93\x81"
    "</Name><!-- a remark --><?pi a?></Blob></Blobs>"
    "<NextMarker>2!92!MDAwMDE2IWhvc3QxL2IubWQ-</NextMarker></EnumerationResults>";

static const char listing_elements[] =
    "EnumerationResults/Prefix=host1/\n"
    "EnumerationResults/MaxResults=5000\n"
    "EnumerationResults/Blobs/Blob/Name=host1/a & b <c> \"d\" 'e'.md\n"
    "EnumerationResults/Blobs/Blob/Properties/Etag=0x8DC5A4B0A1B2C3D\n"
    "EnumerationResults/Blobs/Blob/Properties/Content-Length=89\n"
    "EnumerationResults/Blobs/Blob/Properties/Content-MD5=rL0Y20zC+Fzt72VPzMSk2A==\n"
    "EnumerationResults/Blobs/Blob/Properties/BlobType=BlockBlob\n"
    "EnumerationResults/Blobs/Blob/Properties/LeaseStatus=unlocked\n"
    "EnumerationResults/Blobs/Blob/Properties=\n"
    "EnumerationResults/Blobs/Blob/Metadata/devlogdigest=sha256:00\n"
    "EnumerationResults/Blobs/Blob/Metadata/empty=\n"
    "EnumerationResults/Blobs/Blob/Metadata=\n"
    "EnumerationResults/Blobs/Blob/OrMetadata=\n"
    "EnumerationResults/Blobs/Blob=\n"
    "EnumerationResults/Blobs/Blob/Name!=host1/%EF%BF%BE%01.md\n"
    "EnumerationResults/Blobs/Blob/Properties/Content-Length=0\n"
    "EnumerationResults/Blobs/Blob/Properties=\n"
    "EnumerationResults/Blobs/Blob=\n"
    "EnumerationResults/Blobs/Blob/Name=host1/<&>]]> \xc3\xa4\xc3\xa4\xc3\xa4\xf0\x9f\x93\x81\n"
    "EnumerationResults/Blobs/Blob=\n"
    "EnumerationResults/Blobs=\n"
    "EnumerationResults/NextMarker=2!92!MDAwMDE2IWhvc3QxL2IubWQ-\n"
    "EnumerationResults=\n";

/* Writes each element on a line: PATH=TEXT, and PATH!=TEXT for an encoded one. */
static dl_status note(const dl__xml_element *element, void *user, dl_error *err) {
  dl__buf *seen = user;
  (void)err;
  ck_assert_uint_eq(element->text_length, strlen(element->text));
  ck_assert(dl__buf_add_text(seen, element->path) &&
            dl__buf_add_text(seen, element->encoded ? "!=" : "=") &&
            dl__buf_add_text(seen, element->text) && dl__buf_add_text(seen, "\n"));
  return DL_OK;
}

/* Parses a copy of exactly this size, so that a byte read too many is noticed. */
static dl_status parse(const char *data, size_t size, dl__xml_fn fn, void *user, dl_error *err) {
  char *copy = malloc(size > 0 ? size : 1);
  ck_assert_ptr_nonnull(copy);
  memcpy(copy, data, size);
  dl_status status = dl__xml_parse(copy, size, fn, user, err);
  free(copy);
  return status;
}

static void check_good(const char *text, const char *elements) {
  dl_error err = DL_ERROR_INIT;
  dl__buf seen = {0};
  dl_status status = parse(text, strlen(text), note, &seen, &err);
  ck_assert_msg(status == DL_OK, "%s", err.message);
  ck_assert_str_eq(seen.data, elements);
  dl__buf_clear(&seen);
}

/* word: what the message has to say; NULL: anything. */
static void check_bad(const char *data, size_t size, const char *word) {
  dl_error err = DL_ERROR_INIT;
  dl__buf seen = {0};
  ck_assert_int_eq(parse(data, size, note, &seen, &err), DL_ERR_STORAGE);
  ck_assert_int_eq(err.status, DL_ERR_STORAGE);
  ck_assert_uint_eq(err.retryable, 0);
  ck_assert_str_ne(err.message, "");
  if (word != NULL) ck_assert_msg(strstr(err.message, word) != NULL, "%s", err.message);
  ck_assert_int_eq(parse(data, size, note, &seen, NULL), DL_ERR_STORAGE);
  dl__buf_clear(&seen);
}

START_TEST(azure_listing) {
  check_good(listing, listing_elements);
}
END_TEST

START_TEST(cut_anywhere) {
  for (size_t size = 0; size < sizeof listing - 1; size++) check_bad(listing, size, NULL);
}
END_TEST

static const struct {
  const char *text, *elements;
} good[] = {
    {"<a/>", "a=\n"},
    {"<a></a>", "a=\n"},
    {"<a>x</a>", "a=x\n"},
    {"<a> </a>", "a= \n"},
    {"<a>x<b>y</b>z</a>", "a/b=y\na=xz\n"},
    {"<a> <b>y</b> <b> </b> </a>", "a/b=y\na/b= \na= \n"},
    {"<a> x <b/> z </a>", "a/b=\na= x  z \n"},
    {"<a><b><c>1</c>2</b>3</a>", "a/b/c=1\na/b=2\na=3\n"},
    {"<a>1\r\n2\r3</a>", "a=1\n2\n3\n"},
    {"<a b=\"1\" Encoded=\"true\">x</a>", "a!=x\n"},
    {"<a Encoded=\"false\">x</a>", "a=x\n"},
    {"<a Encoded=\"truely\">x</a>", "a=x\n"},
    {"<a encoded=\"true\">x</a>", "a=x\n"},
    {"<a Encoded=\"true\"><b/></a>", "a/b=\na!=\n"},
    {"<s:a xmlns:s=\"urn:x\"><s:b/></s:a>", "s:a/s:b=\ns:a=\n"},
    {"<a xmlns=\"urn:x\"/>", "a=\n"},
    {"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n<a/>\n", "a=\n"},
    {"<?xml version='1.0' encoding='us-ascii'?><a/>", "a=\n"},
    {"<?xml version='1.0'?><a>\xc3\xa4</a>", "a=\xc3\xa4\n"},
    {"\xef\xbb\xbf<a/>", "a=\n"},
    {"<!-- x --><a/><!-- y --><?z?>", "a=\n"},
    {"<\xc3\xa4/>", "\xc3\xa4=\n"},
};

START_TEST(good_documents) {
  check_good(good[_i].text, good[_i].elements);
}
END_TEST

#define BAD(text, word)                                                                            \
  { text, sizeof text - 1, word }

static const struct {
  const char *text;
  size_t size;
  const char *word;
} bad[] = {
    BAD("", NULL),
    BAD(" \n", NULL),
    BAD("\xef\xbb\xbf", NULL),
    BAD("{\"error\":1}", NULL),
    BAD("<a>", NULL),
    BAD("<a/><b/>", NULL),
    BAD("<a/>x", NULL),
    BAD("x<a/>", NULL),
    BAD("<a></b>", NULL),
    BAD("<a><b></a></b>", NULL),
    BAD("<a x=1/>", NULL),
    BAD("<a x='1' x='1'/>", NULL),
    BAD("<a>&unknown;</a>", NULL),
    BAD("<a>&#0;</a>", NULL),
    BAD("<a>&#1;</a>", NULL),
    BAD("<a>&#xD800;</a>", NULL),
    BAD("<a>&#x110000;</a>", NULL),
    BAD("<a>&#99999999999999999999;</a>", NULL),
    BAD("<a>]]></a>", NULL),
    BAD("<a>\x01</a>", NULL),
    BAD("<a>x\0y</a>", "NUL"),
    BAD("<a/>\0", "NUL"),
    BAD("\0<a/>", "NUL"),
    BAD("<a>\xff</a>", NULL),
    BAD("<a>\xc0\x80</a>", NULL),         /* NUL in two bytes */
    BAD("<a>\xed\xa0\x80</a>", NULL),     /* half a surrogate */
    BAD("<a>\xe2\x82</a>", NULL),         /* cut */
    BAD("<a>\xf4\x90\x80\x80</a>", NULL), /* behind the last character */
    BAD("<a>\x80</a>", NULL),
    BAD("<\xff/>", NULL),
    BAD("<a b='\xff'/>", NULL),
    BAD("<?xml version='1.0' encoding='us-ascii'?><a>\xc3\xa4</a>", NULL),
    BAD("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "UTF-8"),
    BAD("<?xml version='1.0' encoding='utf-16'?><a/>", "UTF-8"),
    BAD("<?xml version='1.0' encoding='windows-1252'?><a/>", "UTF-8"),
    BAD("<?xml version='1.0' encoding='utf-7'?><a/>", "UTF-8"),
    BAD("\xff\xfe<\0a\0/\0>\0", "NUL"),
    BAD("\xfe\xff\0<\0a\0/\0>", "NUL"),
    BAD("<\0a\0/\0>\0", "NUL"),
    BAD("\xfe\xff\x30\x42", NULL),
    BAD("<!DOCTYPE a><a/>", "DOCTYPE"),
    BAD("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "DOCTYPE"),
    BAD("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "DOCTYPE"),
    BAD("<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://localhost/'>%x;]><a/>", "DOCTYPE"),
    BAD("<!DOCTYPE a [<!ENTITY a0 'ha'><!ENTITY a1 '&a0;&a0;&a0;&a0;&a0;&a0;&a0;&a0;'>"
        "<!ENTITY a2 '&a1;&a1;&a1;&a1;&a1;&a1;&a1;&a1;'><!ENTITY a3 '&a2;&a2;&a2;&a2;&a2;&a2;'>"
        "<!ENTITY a4 '&a3;&a3;&a3;&a3;&a3;&a3;&a3;&a3;'><!ENTITY a5 '&a4;&a4;&a4;&a4;&a4;&a4;'>"
        "]><a>&a5;</a>",
        "DOCTYPE"),
    BAD("<?xml version='1.0'?>\n<!-- x --><!DOCTYPE a [<!ELEMENT a ANY>]><a/>", "DOCTYPE"),
};

START_TEST(bad_documents) {
  check_bad(bad[_i].text, bad[_i].size, bad[_i].word);
}
END_TEST

/* head, body so often, tail. */
static dl__buf repeat(const char *head, const char *body, size_t times, const char *tail) {
  size_t start = strlen(head);
  size_t size = strlen(body) * times;
  dl__buf buf = {malloc(start + size + strlen(tail) + 1), 0, 0};
  ck_assert_ptr_nonnull(buf.data);
  memcpy(buf.data, head, start + 1);
  char *bodies = buf.data + start;
  for (size_t done = 0; done < size;) {
    size_t piece = done == 0 ? strlen(body) : done; /* all there is once more */
    if (piece > size - done) piece = size - done;
    memcpy(bodies + done, done == 0 ? body : bodies, piece);
    done += piece;
  }
  memcpy(bodies + size, tail, strlen(tail) + 1);
  buf.length = start + size + strlen(tail);
  buf.capacity = buf.length + 1;
  return buf;
}

static dl_status count(const dl__xml_element *element, void *user, dl_error *err) {
  (void)element;
  (void)err;
  (*(size_t *)user)++;
  return DL_OK;
}

#define MIB ((size_t)1024 * 1024)

/* Just what is allowed: head + body * fits + tail; one body more is refused. */
static const struct {
  const char *head, *body, *tail;
  size_t fits;
  const char *word;
} limits[] = {
    {"<a>", "x", "</a>", 64 * 1024, "text"},
    {"<a><b>", "x", "</b></a>", 64 * 1024, "text"},
    {"<a>", "&lt;", "</a>", 64 * 1024, "text"},
    {"<a>x<b/>", " ", "</a>", 64 * 1024 - 1, "text"},
    {"<a><![CDATA[", "x", "]]></a>", 64 * 1024, "text"},
    {"<", "n", "/>", 256, "name"},
    {"<a><", "n", "/></a>", 256, "name"},
    {"<a ", "n", "=''/>", 256, "name"},
    {"<a>", "<b/>", "</a>", 999999, "elements"},
    {"<a/>", " ", "", 16 * MIB - 4, "16 MiB"},
    {"<a>", "x<b/>", "</a>", 64 * 1024, "text"},
};

START_TEST(limit) {
  for (size_t more = 0; more < 2; more++) {
    dl__buf text =
        repeat(limits[_i].head, limits[_i].body, limits[_i].fits + more, limits[_i].tail);
    dl_error err = DL_ERROR_INIT;
    size_t seen = 0;
    dl_status status = parse(text.data, text.length, count, &seen, &err);
    ck_assert_msg(status == (more == 0 ? DL_OK : DL_ERR_STORAGE), "%s", err.message);
    if (more != 0) ck_assert_ptr_nonnull(strstr(err.message, limits[_i].word));
    dl__buf_clear(&text);
  }
}
END_TEST

START_TEST(depth) {
  for (size_t deep = 32; deep <= 33; deep++) {
    dl__buf text = repeat("", "<a>", deep, "");
    for (size_t i = 0; i < deep; i++) ck_assert(dl__buf_add_text(&text, "</a>"));
    size_t seen = 0;
    dl_error err = DL_ERROR_INIT;
    dl_status status = parse(text.data, text.length, count, &seen, &err);
    ck_assert_int_eq(status, deep == 32 ? DL_OK : DL_ERR_STORAGE);
    if (deep == 32) ck_assert_uint_eq(seen, 32);
    if (deep == 33) ck_assert_ptr_nonnull(strstr(err.message, "deep"));
    dl__buf_clear(&text);
  }
}
END_TEST

/* An empty element begins and ends in one tag; refused at its beginning, it has no end. */
START_TEST(refused_for_good) {
  dl__buf text = repeat("", "<a>", 32, "<a/>");
  size_t seen = 0;
  ck_assert_int_eq(parse(text.data, text.length, count, &seen, NULL), DL_ERR_STORAGE);
  ck_assert_uint_eq(seen, 0);
  dl__buf_clear(&text);
}
END_TEST

/* A listing with a line and an indent for every element has more white space than a
 * text may have; it is none. */
START_TEST(indented_listing) {
  dl__buf text = repeat("<a>", "\n            <b>x</b>", 20000, "\n</a>");
  size_t seen = 0;
  ck_assert_int_eq(parse(text.data, text.length, count, &seen, NULL), DL_OK);
  ck_assert_uint_eq(seen, 20001);
  dl__buf_clear(&text);
}
END_TEST

/* As much as is let in of what costs most. */
static const struct {
  const char *head, *body, *tail;
} heavy[] = {
    {"<", "n", "/>"},
    {"<a ", "n", "=''/>"},
    {"<a b='", "x", "'/>"},
    {"<a b='", "&lt;", "'/>"},
    {"<a><!--", "x", "--></a>"},
    {"<a><?x ", "x", "?></a>"},
    {"<a", " ", "><b/>"},
    {"<a>", "<b>", ""},
    {"<a>", "<!---->", ""},
    {"<a>", "\n", ""},
    {"<a>", "<![CDATA[]]>", ""},
    {"<!DOCTYPE ", "a", "><a/>"},
    {"<!DOCTYPE a SYSTEM '", "a", "'><a/>"},
    {"<a>&", "x", ";</a>"},
    {"<a>&#", "1", ";</a>"},
};

static double cpu_seconds(void) {
  struct timespec now;
  ck_assert_int_eq(0, clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now));
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(heavy_documents) {
  size_t frame = strlen(heavy[_i].head) + strlen(heavy[_i].tail);
  size_t times = (16 * MIB - frame) / strlen(heavy[_i].body);
  dl__buf text = repeat(heavy[_i].head, heavy[_i].body, times, heavy[_i].tail);
  size_t seen = 0;
  double start = cpu_seconds();
  (void)dl__xml_parse(text.data, text.length, count, &seen, NULL);
  double used = cpu_seconds() - start;
  ck_assert_msg(used < 5.0, "%.1f s of CPU", used); /* 0.1 on a plain build */
  dl__buf_clear(&text);
}
END_TEST

/* Different attributes, as many as fit, which expat would all remember. */
START_TEST(many_attributes) {
  dl__buf text = {0};
  bool added = dl__buf_add_text(&text, "<a");
  for (unsigned i = 0; added && text.length < 16 * MIB - 64; i++) {
    char attribute[32];
    (void)snprintf(attribute, sizeof attribute, " a%x=''", i);
    added = dl__buf_add_text(&text, attribute);
  }
  ck_assert(added && dl__buf_add_text(&text, "/>"));
  size_t seen = 0;
  double start = cpu_seconds();
  (void)dl__xml_parse(text.data, text.length, count, &seen, NULL);
  double used = cpu_seconds() - start;
  ck_assert_msg(used < 5.0, "%.1f s of CPU", used);
  dl__buf_clear(&text);
}
END_TEST

/* A tag or remark may have 64 KiB, wherever it falls on the pieces that are fed, and a few
 * times as much is refused. */
START_TEST(long_tags) {
  static const char *const frames[][2] = {
      {"<b c='", "'/></a>"}, {"<!--", "--></a>"}, {"<?x ", "?></a>"}};
  for (size_t before = 0; before < 3 * 64 * 1024; before += 4099) {
    const char *const *frame = frames[before % COUNT(frames)];
    dl__buf text = repeat("<a>", "<b></b>", before / 7, frame[0]);
    dl__buf tail = repeat("", "x", 64 * 1024 - 9, frame[1]);
    size_t seen = 0;
    ck_assert(dl__buf_add(&text, tail.data, tail.length));
    ck_assert_int_eq(parse(text.data, text.length, count, &seen, NULL), DL_OK);
    dl__buf_clear(&text);
    dl__buf_clear(&tail);
  }
  for (int i = 0; i < COUNT(frames); i++) {
    dl__buf text = repeat("<a>", frames[i][0], 1, "");
    dl__buf tail = repeat("", "x", 256 * 1024, frames[i][1]);
    ck_assert(dl__buf_add(&text, tail.data, tail.length));
    check_bad(text.data, text.length, "tag");
    dl__buf_clear(&text);
    dl__buf_clear(&tail);
  }
}
END_TEST

typedef struct refusal {
  size_t calls, at;
} refusal;

static dl_status refuse(const dl__xml_element *element, void *user, dl_error *err) {
  refusal *r = user;
  if (++r->calls < r->at) return DL_OK;
  ck_assert_uint_eq(r->calls, r->at); /* never again after it said no */
  return dl__fail(err, DL_ERR_CONFLICT, element->path, "no more");
}

START_TEST(callback_error) {
  for (size_t at = 1; at <= 23; at++) {
    dl_error err = DL_ERROR_INIT;
    refusal r = {0, at};
    ck_assert_int_eq(parse(listing, sizeof listing - 1, refuse, &r, &err), DL_ERR_CONFLICT);
    ck_assert_str_eq(err.message, "no more");
    ck_assert_uint_eq(r.calls, at);
  }
  refusal r = {0, 24};
  ck_assert_int_eq(parse(listing, sizeof listing - 1, refuse, &r, NULL), DL_OK);
  ck_assert_uint_eq(r.calls, 23);
}
END_TEST

/* The callback's word counts even if the document goes wrong right behind. */
START_TEST(callback_error_first) {
  refusal r = {0, 1};
  const char text[] = "<a><b/><<<";
  ck_assert_int_eq(parse(text, sizeof text - 1, refuse, &r, NULL), DL_ERR_CONFLICT);
}
END_TEST

START_TEST(nothing_at_all) {
  size_t seen = 0;
  ck_assert_int_eq(dl__xml_parse(NULL, 0, count, &seen, NULL), DL_ERR_STORAGE);
  ck_assert_uint_eq(seen, 0);
}
END_TEST

/* Not even looked at. */
START_TEST(far_too_large) {
  size_t seen = 0;
  ck_assert_int_eq(dl__xml_parse("<a/>", SIZE_MAX, count, &seen, NULL), DL_ERR_STORAGE);
  ck_assert_uint_eq(seen, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("xml");
  TCase *tcase = tcase_create("xml");
  tcase_set_timeout(tcase, 60);
  tcase_add_test(tcase, azure_listing);
  tcase_add_test(tcase, cut_anywhere);
  tcase_add_loop_test(tcase, good_documents, 0, COUNT(good));
  tcase_add_loop_test(tcase, bad_documents, 0, COUNT(bad));
  tcase_add_loop_test(tcase, limit, 0, COUNT(limits));
  tcase_add_test(tcase, depth);
  tcase_add_test(tcase, refused_for_good);
  tcase_add_test(tcase, indented_listing);
  tcase_add_loop_test(tcase, heavy_documents, 0, COUNT(heavy));
  tcase_add_test(tcase, many_attributes);
  tcase_add_test(tcase, long_tags);
  tcase_add_test(tcase, callback_error);
  tcase_add_test(tcase, callback_error_first);
  tcase_add_test(tcase, nothing_at_all);
  tcase_add_test(tcase, far_too_large);
  suite_add_tcase(suite, tcase);
  return support_main(suite);
}
