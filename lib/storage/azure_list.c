/* storage/azure_list.c: takes pages of "List Blobs", gives one object for each
 * blob that one of our keys can have. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/url.h"
#include "net/xml.h"
#include "storage/azure.h"
#include "storage/azure_name.h"

/* A listing of more pages than this (5,000 blobs each) has no end. */
#define PAGES_MAX 100000

#define BLOB "EnumerationResults/Blobs/Blob"

typedef struct listing {
  const dl__azure *azure;
  const char *prefix; /* of the keys that were asked for */
  dl_object_fn each;
  void *user;
  bool stopped;
  /* The blob that is being read. */
  dl__buf name;
  bool folder; /* an entry for a folder, which hierarchical accounts list like a blob */
  uint64_t size_bytes;
  int64_t mtime_ns;
  char etag[DL_ETAG_SIZE];
  char digest[DL_DIGEST_SIZE]; /* ours */
  char our_md5[64];            /* what that goes with */
  char md5[64];                /* the service's */
  bool bad_size;
  /* The page. */
  bool complete; /* the root of a listing ended */
  char *next;    /* marker of the next one, or NULL */
} listing;

static void begin_blob(listing *l) {
  dl__buf_cut(&l->name, 0);
  l->folder = false;
  l->bad_size = true; /* until there is one */
  l->size_bytes = 0;
  l->mtime_ns = 0;
  l->etag[0] = l->digest[0] = l->our_md5[0] = l->md5[0] = '\0';
}

/* A name with the attribute Encoded="true" is percent-encoded on top. A NUL, which no name holds,
 * stays %00: what stands before it must not pass for the name. */
static bool take_name(listing *l, const dl__xml_element *e) {
  dl__buf_cut(&l->name, 0);
  for (const char *at = e->text; *at != '\0'; at++) {
    char c = *at;
    int high = e->encoded && c == '%' ? dl__hex_value(at[1]) : -1;
    int low = high >= 0 ? dl__hex_value(at[2]) : -1;
    if (low >= 0 && high + low > 0) {
      c = (char)(high * 16 + low);
      at += 2;
    }
    if (!dl__buf_add(&l->name, &c, 1)) return false;
  }
  return true;
}

static void keep(char *to, size_t size, const char *text) {
  size_t length = strlen(text);
  if (length < size) memcpy(to, text, length + 1);
}

static void take_metadata(listing *l, const char *name, const char *text) {
  if (strcmp(name, DL__AZURE_META_DIGEST) == 0) keep(l->digest, sizeof l->digest, text);
  if (strcmp(name, DL__AZURE_META_MD5) == 0) keep(l->our_md5, sizeof l->our_md5, text);
  if (strcmp(name, DL__AZURE_META_MTIME) == 0) l->mtime_ns = strtoll(text, NULL, 10);
  if (strcmp(name, "hdi_isfolder") == 0) l->folder = true;
}

/* Puts together what was read of a blob, and hands it out if it has a key. */
static dl_status end_blob(listing *l, dl_error *err) {
  if (l->name.length == 0 || l->bad_size) {
    return dl__fail(err, DL_ERR_STORAGE, NULL, "the listing has a blob without a name or size");
  }
  dl__buf key = {0};
  bool ours = false;
  bool decoded = dl__azure_name_decode(&key, l->name.data, &ours);
  size_t before = strlen(l->azure->url.prefix);
  dl_status status = decoded ? DL_OK : dl__fail_no_memory(err);
  /* What is not ours is told by the name that the service has for it. */
  const char *name = ours ? key.data : l->name.data;
  bool inside = decoded && !l->folder && strncmp(name, l->azure->url.prefix, before) == 0 &&
                name[before] != '\0' && strncmp(name + before, l->prefix, strlen(l->prefix)) == 0;
  if (inside) {
    dl_object object = DL_OBJECT_INIT;
    object.foreign = ours ? 0 : 1;
    object.key = name + before;
    object.size_bytes = l->size_bytes;
    object.etag = l->etag[0] != '\0' ? l->etag : NULL;
    object.mtime_ns = l->mtime_ns;
    char digest[DL_DIGEST_SIZE];
    dl__azure_digest(l->digest, l->our_md5, l->md5, digest);
    if (digest[0] != '\0') object.digest = digest;
    l->stopped = l->each(&object, l->user) != 0;
    if (l->stopped) status = dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
  }
  dl__buf_clear(&key);
  return status;
}

static dl_status take_element(const dl__xml_element *e, void *user, dl_error *err) {
  listing *l = user;
  if (strncmp(e->path, BLOB, sizeof BLOB - 1) != 0) {
    if (strcmp(e->path, "EnumerationResults") == 0) l->complete = true;
    if (strcmp(e->path, "EnumerationResults/NextMarker") != 0 || e->text[0] == '\0') return DL_OK;
    free(l->next);
    l->next = strdup(e->text);
    return l->next != NULL ? DL_OK : dl__fail_no_memory(err);
  }
  const char *rest = e->path + sizeof BLOB - 1;
  if (strcmp(rest, "/Name") == 0 && !take_name(l, e)) return dl__fail_no_memory(err);
  if (strcmp(rest, "/Properties/Content-Length") == 0) {
    l->bad_size = !dl__azure_number(e->text, &l->size_bytes);
  }
  if (strcmp(rest, "/Properties/Content-MD5") == 0) keep(l->md5, sizeof l->md5, e->text);
  if (strcmp(rest, "/Properties/Etag") == 0) (void)dl__azure_etag(e->text, l->etag);
  if (strcmp(rest, "/Properties/ResourceType") == 0) l->folder = strcmp(e->text, "directory") == 0;
  if (strncmp(rest, "/Metadata/", 10) == 0) take_metadata(l, rest + 10, e->text);
  if (rest[0] != '\0') return DL_OK;
  dl_status status = end_blob(l, err);
  begin_blob(l);
  return status;
}

/* A container that is yet to be made is empty. */
static bool is_to_come(const dl__azure *azure, const dl__http_reply *reply) {
  return azure->create && reply->status == 404 && dl__azure_has_code(reply, "ContainerNotFound");
}

static dl_status read_page(dl__azure *azure, const char *const *query, listing *l, dl_error *err) {
  dl__azure_request request = {.method = "GET", .query = query};
  dl__http_reply reply;
  dl_status status = dl__azure_send(azure, &request, &reply, err);
  bool to_come = status != DL_OK && is_to_come(azure, &reply);
  if (to_come) {
    atomic_store(&azure->missing, true);
    status = DL_OK;
  }
  begin_blob(l);
  l->complete = to_come;
  if (status == DL_OK && !to_come) {
    status = dl__xml_parse(reply.body.data != NULL ? reply.body.data : "", reply.body.length,
                           take_element, l, err);
  }
  if (status == DL_OK && !l->complete) {
    status = dl__fail(err, DL_ERR_STORAGE, NULL, "the answer of the service is no listing");
  }
  dl__http_reply_clear(&reply);
  return status;
}

/* Metadata of other programs can make a page larger than any reply that is taken: then
 * for fewer blobs a page. */
static dl_status read_fitting_page(dl__azure *azure, const char **query, listing *l,
                                   dl_error *err) {
  static const char *const sizes[] = {"5000", "500", "50", NULL};
  for (size_t i = 0;; i++) {
    dl_error full = DL_ERROR_INIT;
    query[9] = sizes[i];
    dl_status status = read_page(azure, query, l, &full);
    if (status == DL_OK) return DL_OK;
    if (full.errno_value == EFBIG && sizes[i + 1] != NULL) continue;
    dl__error_copy(err, &full);
    return status;
  }
}

/* The service filters by the start of names; the last part of a prefix may be
 * encoded otherwise than the same bytes inside a longer name, so it stays out. */
static dl_status name_prefix(const dl__azure *azure, const char *prefix, dl__buf *out,
                             dl_error *err) {
  const char *slash = strrchr(prefix, '/');
  dl__buf whole = {0};
  bool done = dl__azure_name_add(out, azure->url.prefix) &&
              dl__buf_add(&whole, prefix, slash != NULL ? (size_t)(slash - prefix) + 1 : 0) &&
              dl__azure_name_add(out, whole.data) && dl__buf_add_text(out, "");
  dl__buf_clear(&whole);
  return done ? DL_OK : dl__fail_no_memory(err);
}

/* Pages until there is no marker; one that comes again would go on for ever. */
static dl_status read_pages(dl__azure *azure, const char *prefix, listing *l, dl_error *err) {
  const char *query[] = {"restype", "container",  "comp", "list", "include", "metadata", "prefix",
                         prefix,    "maxresults", NULL,   NULL,   NULL,      NULL};
  char *marker = NULL;
  dl_status status = DL_OK;
  for (int page = 0; status == DL_OK; page++) {
    query[10] = marker != NULL ? "marker" : NULL;
    query[11] = marker;
    status = read_fitting_page(azure, query, l, err);
    bool same = marker != NULL && l->next != NULL && strcmp(marker, l->next) == 0;
    free(marker);
    marker = l->next;
    l->next = NULL;
    if (status != DL_OK || marker == NULL) break;
    if (same || page >= PAGES_MAX) {
      status = dl__fail(err, DL_ERR_STORAGE, NULL, "the listing of the service does not end");
    }
  }
  free(marker);
  return status;
}

dl_status dl__azure_list(void *self, const char *prefix, dl_object_fn each, void *user,
                         dl_error *err) {
  dl__azure *azure = self;
  listing l = {.azure = azure, .prefix = prefix, .each = each, .user = user};
  dl__buf names = {0};
  dl_status status = name_prefix(azure, prefix, &names, err);
  if (status == DL_OK) status = read_pages(azure, names.data, &l, err);
  dl__buf_clear(&names);
  dl__buf_clear(&l.name);
  return status;
}
