/* push/survey.c: takes an open file and a layout, gives the segments that need not be
 * sent. Each byte is read and digested once, but for small segments that are merged. */
#include "push/survey.h"

#include <string.h>

#include "base/crc64.h"
#include "base/error.h"

dl_status dl__survey_init(dl__survey *survey, const dl__source *source, dl__reader *reader,
                          bool md5, dl_error *err) {
  *survey = (dl__survey){source, reader, NULL, 0};
  return md5 ? dl__md5_new(&survey->md5, err) : DL_OK;
}

void dl__survey_clear(dl__survey *survey) {
  dl__md5_free(survey->md5);
  survey->md5 = NULL;
}

/* Only what lies behind the bytes that the MD5 has already. */
static void add_md5(dl__survey *s, uint64_t offset, const unsigned char *data, size_t size) {
  if (s->md5 == NULL || offset > s->md5_bytes || offset + size <= s->md5_bytes) return;
  size_t known = (size_t)(s->md5_bytes - offset);
  dl__md5_add(s->md5, data + known, size - known);
  s->md5_bytes = offset + size;
}

dl_status dl__survey_read(dl__survey *survey, dl__segment *segment, dl_error *err) {
  dl__reader *reader = survey->reader;
  segment->crc64 = 0;
  dl_status status = dl__hash_begin(&reader->parts, err);
  for (uint64_t done = 0; status == DL_OK && done < segment->size_bytes;) {
    if (atomic_load(reader->cancel)) return dl__fail(err, DL_ERR_CANCELLED, NULL, "cancelled");
    uint64_t left = segment->size_bytes - done;
    size_t size = left < reader->size_bytes ? (size_t)left : reader->size_bytes;
    uint64_t offset = segment->offset_bytes + done;
    status = dl__source_read(survey->source, offset, reader->buffer, size, err);
    if (status != DL_OK) return status;
    status = dl__hash_add(&reader->parts, reader->buffer, size, err);
    segment->crc64 = dl__crc64(segment->crc64, reader->buffer, size);
    add_md5(survey, offset, reader->buffer, size);
    done += size;
  }
  return status == DL_OK ? dl__hash_end_raw(&reader->parts, segment->sha256, err) : status;
}

/* The segments of the layout that do not reach over the end of the file. */
static dl_status take_fitting(const dl__layout *layout, uint64_t size_bytes, dl__segments *out,
                              dl_error *err) {
  uint64_t offset = 0;
  for (size_t i = 0; i < layout->committed; i++) {
    const dl_segment *from = &layout->items[i];
    if (from->size_bytes > size_bytes - offset) break;
    dl__segment segment = {.offset_bytes = offset, .size_bytes = from->size_bytes, .kept = true};
    memcpy(segment.sha256, from->sha256, sizeof segment.sha256);
    if (!dl__segments_add(out, &segment)) return dl__fail_no_memory(err);
    offset += from->size_bytes;
  }
  return DL_OK;
}

/* Whether the object is the one that was remembered. */
static dl_status is_vouched(const dl__survey *s, const dl__layout *layout, const dl__row *row,
                            const dl__segments *segments, bool *vouched, dl_error *err) {
  *vouched = false;
  if (row == NULL || segments->count == 0 || segments->count < layout->committed ||
      row->stamp.size_bytes != dl__segments_end(segments) ||
      row->stamp.ino != s->source->stamp.ino || (s->md5 != NULL && row->md5_saved == NULL)) {
    return DL_OK;
  }
  char digest[DL__DIGEST_SIZE];
  dl_status status = dl__segments_identity(segments, &s->reader->parts, digest, err);
  *vouched = status == DL_OK && strcmp(digest, row->digest) == 0;
  return status;
}

/* The shortcut: reads the last segment only. */
static dl_status believe(dl__survey *s, const dl__layout *layout, const dl__row *row,
                         const dl__segments *segments, bool *believed, dl_error *err) {
  dl_status status = is_vouched(s, layout, row, segments, believed, err);
  if (status != DL_OK || !*believed) return status;
  uint64_t end = dl__segments_end(segments);
  dl__segment last = segments->items[segments->count - 1];
  dl__md5 *md5 = s->md5;
  s->md5 = NULL; /* this read is beside the others */
  status = dl__survey_read(s, &last, err);
  s->md5 = md5;
  *believed = status == DL_OK && memcmp(last.sha256, layout->items[segments->count - 1].sha256,
                                        sizeof last.sha256) == 0;
  if (*believed && md5 != NULL) {
    *believed = dl__md5_load(md5, row->md5_saved, end);
    if (*believed) s->md5_bytes = end;
  }
  return status;
}

/* A change among the small segments ends the row of those that stay: what follows is cut
 * anew. Before them the cuts stay where they are, so that the kept ones behind do, too. */
static dl_status compare(dl__survey *s, const dl__layout *layout, size_t first_small,
                         dl__segments *out, dl_error *err) {
  dl_status status = DL_OK;
  for (size_t i = 0; status == DL_OK && i < out->count; i++) {
    dl__segment *segment = &out->items[i];
    status = dl__survey_read(s, segment, err);
    segment->kept = memcmp(segment->sha256, layout->items[i].sha256, sizeof segment->sha256) == 0;
    if (!segment->kept && i >= first_small) out->count = i;
  }
  return status;
}

dl_status dl__survey_match(dl__survey *survey, const dl__layout *layout, const dl__row *vouched,
                           dl__segments *out, dl_error *err) {
  uint64_t size_bytes = survey->source->stamp.size_bytes;
  bool believed = false;
  *out = (dl__segments){0};
  dl_status status = take_fitting(layout, size_bytes, out, err);
  if (status == DL_OK) status = believe(survey, layout, vouched, out, &believed, err);
  if (status != DL_OK) return status;
  size_t first_small = dl__segments_first_small(out);
  out->count = dl__segments_stay(out, size_bytes);
  if (!believed) status = compare(survey, layout, first_small, out, err);
  out->count = dl__segments_stay(out, size_bytes);
  return status;
}

bool dl__survey_is_equal(const dl__survey *survey, const dl__layout *layout,
                         const dl__segments *segments) {
  if (layout->committed == 0 || segments->count != layout->committed ||
      dl__segments_end(segments) != survey->source->stamp.size_bytes) {
    return false;
  }
  for (size_t i = 0; i < segments->count; i++) {
    if (!segments->items[i].kept) return false;
  }
  return true;
}
