/* push/compare.c: takes an action that stamps and sizes do not decide, reads the file
 * and asks the remote as much as it takes, gives the verdict. */
#include <string.h>

#include "base/error.h"
#include "push/plan.h"
#include "push/segment.h"
#include "push/survey.h"

/* One comparison. */
typedef struct comparison {
  const dl__remote *remote;
  const dl__storage *storage;
  dl__reader *reader;
  dl__source source;
  char digest[DL__DIGEST_SIZE]; /* of the file, as the remote has it or would */
  bool equal;
} comparison;

/* The object is made of segments: the file is read in the same. */
static dl_status compare_segments(comparison *c, const dl__layout *layout, dl_error *err) {
  dl__survey survey;
  dl__segments segments = {0};
  dl_status status = dl__survey_init(&survey, &c->source, c->reader, false, err);
  if (status == DL_OK) status = dl__survey_match(&survey, layout, NULL, &segments, err);
  if (status == DL_OK) c->equal = dl__survey_is_equal(&survey, layout, &segments);
  if (status == DL_OK && c->equal) {
    status = dl__segments_identity(&segments, &c->reader->parts, c->digest, err);
  }
  dl__survey_clear(&survey);
  dl__segments_clear(&segments);
  return status;
}

/* Reads the remote object, because nobody keeps a digest of it that we have too. */
static dl_status compare_by_reading(comparison *c, dl_error *err) {
  char digest[DL_DIGEST_SIZE];
  uint64_t size_bytes;
  dl_status status = dl__storage_digest(c->storage, c->remote->key, digest, &size_bytes, err);
  if (status != DL_OK) return dl__status_is_about_all(status) ? status : DL_OK;
  c->equal = size_bytes == c->remote->size_bytes && strcmp(digest, c->digest) == 0;
  /* What is remembered has to be what the next listing will say. */
  if (c->equal && dl__digest_is_sha256(&c->remote->digest)) {
    dl__digest_unpack(&c->remote->digest, c->digest);
  }
  return DL_OK;
}

/* The file is read in one piece, and its digest compared with the one that is kept. */
static dl_status compare_whole(comparison *c, dl_error *err) {
  dl__digests digests;
  const dl__digest *kept = &c->remote->digest;
  dl_status status = dl__source_digest(&c->source, c->reader, &digests, err);
  if (status != DL_OK) return status;
  memcpy(c->digest, digests.sha256, sizeof c->digest);
  if (kept->kind == DL__DIGEST_WHOLE) {
    c->equal = dl__digest_is(kept, digests.sha256);
  } else if (kept->kind == DL__DIGEST_MD5 && digests.has_md5) {
    c->equal = dl__digest_is_md5(kept, digests.md5);
  } else {
    return compare_by_reading(c, err);
  }
  return DL_OK;
}

/* What is inside the object, if that is needed; else *layout stays empty. */
static dl_status get_layout(const comparison *c, dl__layout *layout, dl_error *err) {
  if (!dl__remote_needs_layout(c->remote) || !dl__storage_has_parts(c->storage)) return DL_OK;
  dl_status status = dl__storage_layout(c->storage, c->remote->key, layout, err);
  if (status != DL_OK && !dl__status_is_about_all(status)) {
    dl__layout_clear(layout);
    return DL_OK;
  }
  bool same = layout->size_bytes == c->remote->size_bytes;
  if (status == DL_OK && !same) layout->committed = 0;
  return status;
}

/* Failures of the file are told apart from those of the remote by *of_file. */
static dl_status compare(comparison *c, bool *of_file, dl_error *err) {
  dl__layout layout = {0};
  *of_file = false;
  dl_status status = get_layout(c, &layout, err);
  if (status == DL_OK) {
    status = layout.committed > 0 ? compare_segments(c, &layout, err) : compare_whole(c, err);
    *of_file = !dl__status_is_about_all(status);
  }
  dl__layout_clear(&layout);
  if (status != DL_OK) return status;
  status = dl__source_check(&c->source, err);
  *of_file = true;
  return status;
}

dl_status dl__plan_compare(dl__action *action, int dir_fd, const dl__storage *storage,
                           dl__reader *reader, dl__row *fresh, dl_error *err) {
  comparison c = {.remote = action->remote, .storage = storage, .reader = reader};
  *fresh = (dl__row){0};
  action->verdict = DL__MODIFIED;
  bool of_file = true;
  dl_status status = dl__source_open(&c.source, dir_fd, action->file->key, err);
  bool same_size = status == DL_OK && c.source.stamp.size_bytes == c.remote->size_bytes;
  if (same_size) status = compare(&c, &of_file, err);
  if (same_size && status == DL_OK && c.equal) {
    action->verdict = DL__UNCHANGED;
    *fresh =
        (dl__row){.key = action->file->key, .stamp = c.source.stamp, .settled = c.source.settled};
    fresh->digest = dl__digest_pack(c.digest);
  }
  dl__source_close(&c.source);
  return of_file && !dl__status_is_about_all(status) ? DL_OK : status;
}
