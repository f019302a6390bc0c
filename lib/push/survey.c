/* push/survey.c: takes an open file and a layout, gives the segments that need not be
 * sent. Each byte is read and digested once, but for those of small segments that do not
 * stay as they are. */
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

/* Whether the object is the one that was remembered, and the file has grown since. */
static dl_status is_vouched(const dl__survey *s, const dl__layout *layout, const dl__row *row,
                            const dl__segments *segments, bool *vouched, dl_error *err) {
  *vouched = false;
  uint64_t end = dl__segments_end(segments);
  if (row == NULL || segments->count == 0 || segments->count < layout->committed ||
      row->stamp.size_bytes != end || s->source->stamp.size_bytes <= end ||
      row->stamp.ino != s->source->stamp.ino || (s->md5 != NULL && row->md5_saved == NULL)) {
    return DL_OK;
  }
  char digest[DL__DIGEST_SIZE];
  dl_status status = dl__segments_identity(segments, &s->reader->parts, digest, err);
  *vouched = status == DL_OK && dl__digest_is(&row->digest, digest);
  return status;
}

/* Whether the bytes of a segment have the digest that it is known by. */
static dl_status is_same(dl__survey *s, const dl__segment *segment, bool *same, dl_error *err) {
  dl__segment now = *segment;
  dl_status status = dl__survey_read(s, &now, err);
  *same = status == DL_OK && memcmp(now.sha256, segment->sha256, sizeof now.sha256) == 0;
  return status;
}

/* Reads the witnesses: the first segment, which is another one in a log that was started
 * anew, the last full one, and all behind it, which may be merged. */
static dl_status hear(dl__survey *s, const dl__segments *segments, bool *same, dl_error *err) {
  size_t first_small = dl__segments_first_small(segments);
  dl_status status = DL_OK;
  *same = true;
  for (size_t i = 0; status == DL_OK && *same && i < segments->count; i++) {
    if (i > 0 && i + 1 < first_small) continue;
    status = is_same(s, &segments->items[i], same, err);
  }
  return status;
}

/* The shortcut: believes all segments, if the witnesses are as they were. */
static dl_status believe(dl__survey *s, const dl__layout *layout, const dl__row *row,
                         const dl__segments *segments, bool *believed, dl_error *err) {
  dl_status status = is_vouched(s, layout, row, segments, believed, err);
  if (status != DL_OK || !*believed) return status;
  dl__md5 *md5 = s->md5;
  s->md5 = NULL; /* these bytes are in the one that was kept */
  status = hear(s, segments, believed, err);
  s->md5 = md5;
  if (status != DL_OK || !*believed || md5 == NULL) return status;
  uint64_t end = dl__segments_end(segments);
  *believed = dl__md5_load(md5, row->md5_saved, end);
  if (*believed) s->md5_bytes = end;
  return DL_OK;
}

/* The MD5 as it was before each of the small segments. */
typedef struct marks {
  size_t first; /* of the small ones */
  uint8_t saved[DL__SEGMENTS_SMALL_MAX][DL__MD5_SAVED_BYTES];
} marks;

/* A change among the small segments ends the row of those that stay: what follows is cut
 * anew. Before them the cuts stay where they are, so that the kept ones behind do, too. */
static dl_status compare(dl__survey *s, const dl__layout *layout, marks *m, dl__segments *out,
                         dl_error *err) {
  dl_status status = DL_OK;
  for (size_t i = 0; status == DL_OK && i < out->count; i++) {
    dl__segment *segment = &out->items[i];
    if (i >= m->first && s->md5 != NULL) dl__md5_save(s->md5, m->saved[i - m->first]);
    status = dl__survey_read(s, segment, err);
    segment->kept = memcmp(segment->sha256, layout->items[i].sha256, sizeof segment->sha256) == 0;
    if (!segment->kept && i >= m->first) out->count = i;
  }
  return status;
}

/* What is cut anew is read anew; the MD5 is to be of those bytes. */
static void go_back(dl__survey *s, const marks *m, const dl__segments *out) {
  uint64_t end = dl__segments_end(out);
  if (s->md5 == NULL || s->md5_bytes <= end) return;
  if (dl__md5_load(s->md5, m->saved[out->count - m->first], end)) s->md5_bytes = end;
}

dl_status dl__survey_match(dl__survey *survey, const dl__layout *layout, const dl__row *vouched,
                           dl__segments *out, dl_error *err) {
  uint64_t size_bytes = survey->source->stamp.size_bytes;
  bool believed = false;
  *out = (dl__segments){0};
  dl_status status = take_fitting(layout, size_bytes, out, err);
  if (status == DL_OK) status = believe(survey, layout, vouched, out, &believed, err);
  if (status != DL_OK) return status;
  marks m = {.first = dl__segments_first_small(out)};
  if (out->count - m.first > DL__SEGMENTS_SMALL_MAX) out->count = m.first; /* not our cuts */
  out->count = dl__segments_stay(out, size_bytes);
  if (believed) return DL_OK;
  status = compare(survey, layout, &m, out, err);
  out->count = dl__segments_stay(out, size_bytes);
  if (status == DL_OK) go_back(survey, &m, out);
  return status;
}

dl_status dl__survey_begins(dl__survey *survey, const dl__layout *layout, bool *begins,
                            dl_error *err) {
  dl__segments fitting = {0};
  dl_status status = take_fitting(layout, survey->source->stamp.size_bytes, &fitting, err);
  *begins = status == DL_OK && fitting.count == layout->committed;
  for (size_t i = 0; *begins && i < fitting.count; i++) {
    status = is_same(survey, &fitting.items[i], begins, err);
  }
  dl__segments_clear(&fitting);
  return status;
}

dl_status dl__survey_confirm(dl__survey *survey, const dl__segments *segments, dl_error *err) {
  dl__md5 *md5 = survey->md5;
  dl_status status = DL_OK;
  survey->md5 = NULL;
  for (size_t i = 0; status == DL_OK && i < segments->count; i++) {
    bool same;
    status = is_same(survey, &segments->items[i], &same, err);
    if (status == DL_OK && !same) {
      status = dl__fail(err, DL_ERR_SOURCE_CHANGED, survey->source->key,
                        "was changed while it was read");
    }
  }
  survey->md5 = md5;
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
