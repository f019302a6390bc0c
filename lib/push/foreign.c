/* push/foreign.c: takes a file and its object, says whether the file begins with it: by the
 * segments of the object, or, if it has none, by its bytes. */
#include "push/foreign.h"

#include <string.h>

#include "base/error.h"
#include "push/survey.h"

static dl_status conflict(const dl__send_request *r, dl_error *err) {
  return dl__fail(err, DL_ERR_CONFLICT, r->source->key,
                  "was changed at the remote by somebody else since it was pushed from here; pull "
                  "it first, or push with force to replace it");
}

static dl_status compare_segments(const dl__send_request *r, const dl__layout *layout,
                                  dl_error *err) {
  dl__survey survey;
  bool begins = false;
  dl_status status = dl__survey_init(&survey, r->source, r->reader, false, err);
  if (status == DL_OK) status = dl__survey_begins(&survey, layout, &begins, err);
  dl__survey_clear(&survey);
  return status == DL_OK && !begins ? conflict(r, err) : status;
}

/* An object that is being read beside the file. */
typedef struct pair {
  const dl__send_request *request;
  uint64_t offset_bytes;
} pair;

static dl_status compare_piece(void *user, const void *data, size_t size, dl_error *err) {
  pair *p = user;
  const dl__send_request *r = p->request;
  const unsigned char *theirs = data;
  if (size > r->source->stamp.size_bytes - p->offset_bytes) return conflict(r, err);
  while (size > 0) {
    size_t piece = size < r->reader->size_bytes ? size : r->reader->size_bytes;
    dl_status status = dl__source_read(r->source, p->offset_bytes, r->reader->buffer, piece, err);
    if (status != DL_OK) return status;
    if (memcmp(r->reader->buffer, theirs, piece) != 0) return conflict(r, err);
    p->offset_bytes += piece;
    theirs += piece;
    size -= piece;
  }
  return DL_OK;
}

static dl_status compare_bytes(const dl__send_request *r, dl_error *err) {
  pair p = {r, 0};
  dl_get_request get = DL_GET_REQUEST_INIT;
  get.key = r->source->key;
  get.write = compare_piece;
  get.write_user = &p;
  dl_status status = dl__storage_get(r->storage, &get, err);
  if (status == DL_ERR_NOT_FOUND) return DL_OK; /* gone meanwhile: the condition will say so */
  if (status == DL_OK && p.offset_bytes != r->remote->size_bytes) return conflict(r, err);
  return status;
}

dl_status dl__foreign_check(const dl__send_request *request, dl_error *err) {
  if (request->remote->size_bytes > request->source->stamp.size_bytes) {
    return conflict(request, err);
  }
  dl__layout layout = {0};
  dl_status status = DL_ERR_UNSUPPORTED;
  if (dl__storage_has_parts(request->storage)) {
    status = dl__storage_layout(request->storage, request->source->key, &layout, err);
  }
  if (status == DL_OK && layout.committed > 0) {
    status = compare_segments(request, &layout, err);
  } else if (status == DL_OK || status == DL_ERR_UNSUPPORTED || status == DL_ERR_NOT_FOUND) {
    status = compare_bytes(request, err);
  }
  dl__layout_clear(&layout);
  return status;
}
