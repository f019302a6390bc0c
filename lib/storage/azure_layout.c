/* storage/azure_layout.c: takes the "Get Block List" of a blob, gives its segments and the
 * staged ones, as far as their ids are ours and so say what is in them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/vec.h"
#include "net/xml.h"
#include "storage/azure.h"
#include "storage/azure_block.h"

#define COMMITTED   "BlockList/CommittedBlocks/Block"
#define UNCOMMITTED "BlockList/UncommittedBlocks/Block"

typedef struct block_list {
  dl_segment *items; /* both kinds, in the order of the list */
  size_t count;
  size_t capacity;
  size_t committed; /* blocks of the service's lists, whoever made them */
  size_t staged;
  uint64_t known_bytes; /* of the committed ones in items */
  bool foreign;         /* a committed one is not in items */
  bool blocked;         /* a staged one has an id that ours cannot stand beside */
  bool complete;        /* the root of a block list ended */
  char
      staged_id[DL__AZURE_BLOCK_ID_SIZE]; /* of the first staged one; "": none, or none that fits */
  /* The block that is being read. */
  char name[DL__AZURE_BLOCK_ID_SIZE]; /* "" if it is longer than any id */
  uint64_t size_bytes;
  bool named, sized;
} block_list;

/* A block of ours. One with another ordinal is not: a commit would name it by 0. */
static bool read_block(const block_list *l, bool staged, dl_segment *segment) {
  dl__azure_block block;
  if (!dl__azure_block_read_id(l->name, &block) || block.ordinal != 0 ||
      block.size_bytes != l->size_bytes) {
    return false;
  }
  *segment = (dl_segment)DL_SEGMENT_INIT;
  segment->staged = staged ? 1 : 0;
  segment->size_bytes = block.size_bytes;
  memcpy(segment->sha256, block.sha256, sizeof block.sha256);
  return true;
}

static dl_status end_block(block_list *l, bool staged, dl_error *err) {
  if (!l->named || !l->sized) {
    return dl__fail(err, DL_ERR_STORAGE, NULL, "the block list has a block without a name or size");
  }
  dl_segment segment;
  bool ours = read_block(l, staged, &segment);
  if (staged && l->staged == 0) memcpy(l->staged_id, l->name, sizeof l->staged_id);
  l->staged += staged ? 1 : 0;
  l->committed += staged ? 0 : 1;
  if (staged && !dl__azure_block_can_stand_beside(l->name)) l->blocked = true;
  if (!staged && (!ours || segment.size_bytes > UINT64_MAX - l->known_bytes)) l->foreign = true;
  l->named = l->sized = false;
  if (!ours || (!staged && l->foreign)) return DL_OK;
  if (!dl__vec_grow(&l->items, l->count, &l->capacity, sizeof *l->items)) {
    return dl__fail_no_memory(err);
  }
  l->items[l->count++] = segment;
  if (!staged) l->known_bytes += segment.size_bytes;
  return DL_OK;
}

static dl_status take_element(const dl__xml_element *e, void *user, dl_error *err) {
  block_list *l = user;
  if (strcmp(e->path, "BlockList") == 0) l->complete = true;
  bool staged = strncmp(e->path, UNCOMMITTED, sizeof UNCOMMITTED - 1) == 0;
  if (!staged && strncmp(e->path, COMMITTED, sizeof COMMITTED - 1) != 0) return DL_OK;
  const char *rest = e->path + (staged ? sizeof UNCOMMITTED : sizeof COMMITTED) - 1;
  if (strcmp(rest, "/Name") == 0) {
    bool fits = e->text_length < sizeof l->name;
    memcpy(l->name, fits ? e->text : "", fits ? e->text_length + 1 : 1);
    l->named = true;
  }
  if (strcmp(rest, "/Size") == 0) l->sized = dl__azure_number(e->text, &l->size_bytes);
  return rest[0] == '\0' ? end_block(l, staged, err) : DL_OK;
}

static int look(const dl_object *object, void *user) {
  dl_layout *out = user;
  out->size_bytes = object->size_bytes;
  if (object->etag != NULL) memcpy(out->etag, object->etag, strlen(object->etag) + 1);
  return 0;
}

/* Size and ETag of the blob that the list is of. The service gives no ETag if there is none,
 * but only staged blocks; the emulator gives one then, too. What is not plain is looked up. */
static dl_status read_header(dl__azure *azure, const char *key, const dl__http_reply *reply,
                             block_list *l, dl_layout *out, dl_error *err) {
  char value[DL_ETAG_SIZE + 2];
  bool tagged =
      dl__http_header(reply, "etag", value, sizeof value) && dl__azure_etag(value, out->etag);
  bool sized = dl__http_header(reply, "x-ms-blob-content-length", value, sizeof value) &&
               dl__azure_number(value, &out->size_bytes);
  bool staged_only = l->committed == 0 && l->staged > 0 && out->size_bytes == 0;
  if (staged_only ? !tagged : tagged && sized) return DL_OK;
  l->foreign = true; /* it may be another one by now */
  out->size_bytes = 0;
  out->etag[0] = '\0';
  dl_error full = DL_ERROR_INIT;
  dl_status status = dl__azure_stat(azure, key, look, out, &full);
  if (status == DL_ERR_NOT_FOUND && l->staged > 0) return DL_OK;
  if (status == DL_OK && out->etag[0] == '\0') {
    status = dl__fail(&full, DL_ERR_STORAGE, key, "the service gives no ETag for the blob");
  }
  if (status != DL_OK) dl__error_copy(err, &full);
  return status;
}

static dl_status read_list(dl__azure *azure, const char *key, block_list *l, dl_layout *out,
                           dl_error *err) {
  static const char *const query[] = {"comp", "blocklist", "blocklisttype", "all", NULL};
  dl__azure_request request = {.method = "GET", .key = key, .query = query};
  dl__http_reply reply;
  dl_error full = DL_ERROR_INIT;
  dl_status status = dl__azure_send(azure, &request, &reply, &full);
  if (status != DL_OK && full.errno_value == EFBIG) {
    status =
        dl__fail(&full, DL_ERR_UNSUPPORTED, key,
                 "its block list is longer than what is read of one: too many staged blocks of "
                 "pushes that did not end");
  }
  if (status != DL_OK) dl__error_copy(err, &full);
  if (status == DL_OK) {
    status = dl__xml_parse(reply.body.data, reply.body.length, take_element, l, err);
  }
  if (status == DL_OK && (reply.status != 200 || !l->complete)) {
    status = dl__fail(err, DL_ERR_STORAGE, key, "the answer of the service is no block list");
  }
  if (status == DL_OK) status = read_header(azure, key, &reply, l, out, err);
  dl__http_reply_clear(&reply);
  return status;
}

static dl_status give(const block_list *l, bool staged, dl_segment_fn each, void *user,
                      dl_error *err) {
  for (size_t i = 0; i < l->count; i++) {
    if ((l->items[i].staged != 0) != staged || each(&l->items[i], user) == 0) continue;
    return dl__fail(err, DL_ERR_CANCELLED, NULL, "stopped");
  }
  return DL_OK;
}

dl_status dl__azure_layout(void *self, const char *key, dl_segment_fn each, void *user,
                           dl_layout *out, dl_error *err) {
  block_list l = {0};
  out->blocked = 0;
  out->size_bytes = 0;
  out->etag[0] = '\0';
  dl_status status = read_list(self, key, &l, out, err);
  if (status == DL_OK) {
    out->blocked = l.blocked ? 1 : 0;
    bool whole = !l.foreign && l.known_bytes == out->size_bytes;
    if (whole) status = give(&l, false, each, user, err);
    if (status == DL_OK) status = give(&l, true, each, user, err);
  }
  free(l.items);
  return status;
}

dl_status dl__azure_staged_id(dl__azure *azure, const char *key, char id[DL__AZURE_BLOCK_ID_SIZE],
                              dl_error *err) {
  block_list l = {0};
  dl_layout out = DL_LAYOUT_INIT;
  dl_status status = read_list(azure, key, &l, &out, err);
  memcpy(id, l.staged_id, sizeof l.staged_id);
  free(l.items);
  if (status == DL_OK && (out.etag[0] != '\0' || id[0] == '\0')) {
    return dl__fail(err, DL_ERR_NOT_FOUND, key, "not a name with staged blocks only");
  }
  return status;
}
