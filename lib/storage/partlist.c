/* storage/partlist.c: takes the parts of an upload as they come, and says whether the
 * segments of a commit are what is there. */
#include "storage/partlist.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/vec.h"

#define PARTS_MAX 200000

struct dl__placed {
  uint64_t offset_bytes;
  uint64_t size_bytes;
  size_t number; /* in the order in which they were begun */
  uint8_t sha256[32];
  bool done;
};

dl_status dl__partlist_init(dl__partlist *list, const dl_upload_request *request, dl_error *err) {
  *list = (dl__partlist){.key = request->key, .size_bytes = request->size_bytes};
  if (pthread_mutex_init(&list->locked.mutex, NULL) != 0) return dl__fail_no_memory(err);
  return DL_OK;
}

void dl__partlist_clear(dl__partlist *list) {
  (void)pthread_mutex_destroy(&list->locked.mutex);
  free(list->locked.items);
}

dl_status dl__partlist_begin(dl__partlist *list, const dl_part *part, size_t *at, dl_error *err) {
  uint64_t room = list->size_bytes;
  room -= part->offset_bytes < room ? part->offset_bytes : room;
  if (part->size_bytes == 0 || part->size_bytes > room) {
    return dl__fail(err, DL_ERR_ARGUMENT, list->key, "a part reaches beyond the object");
  }
  struct dl__placed placed = {part->offset_bytes, part->size_bytes, 0, {0}, false};
  memcpy(placed.sha256, part->sha256, sizeof placed.sha256);
  (void)pthread_mutex_lock(&list->locked.mutex);
  size_t count = list->locked.count;
  bool fits = count < PARTS_MAX;
  bool room_made = fits && dl__vec_grow(&list->locked.items, count, &list->locked.capacity,
                                        sizeof *list->locked.items);
  if (room_made) {
    placed.number = count;
    list->locked.items[list->locked.count++] = placed;
  }
  (void)pthread_mutex_unlock(&list->locked.mutex);
  *at = count;
  if (room_made) return DL_OK;
  if (fits) return dl__fail_no_memory(err);
  return dl__fail(err, DL_ERR_ARGUMENT, list->key, "more than %d parts", PARTS_MAX);
}

void dl__partlist_done(dl__partlist *list, size_t at) {
  (void)pthread_mutex_lock(&list->locked.mutex);
  list->locked.items[at].done = true;
  (void)pthread_mutex_unlock(&list->locked.mutex);
}

static int by_place(const void *a, const void *b) {
  const struct dl__placed *x = a;
  const struct dl__placed *y = b;
  if (x->offset_bytes != y->offset_bytes) return x->offset_bytes < y->offset_bytes ? -1 : 1;
  return x->number < y->number ? -1 : 1;
}

/* Of what was put to the same place several times, only the last counts; of what overlaps
 * otherwise, all, and no list of segments fits that. */
static size_t last_ones(struct dl__placed *items, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    bool replaced = i + 1 < count && items[i + 1].offset_bytes == items[i].offset_bytes &&
                    items[i + 1].size_bytes == items[i].size_bytes;
    if (!replaced) items[kept++] = items[i];
  }
  return kept;
}

static bool matches(const struct dl__placed *placed, size_t count, uint64_t size_bytes,
                    const dl_commit_request *request) {
  if (request->segment_count != count) return false;
  uint64_t offset = 0;
  for (size_t i = 0; i < count; i++) {
    const dl_segment *segment = request->segments[i];
    if (!placed[i].done || placed[i].offset_bytes != offset ||
        placed[i].size_bytes != segment->size_bytes ||
        memcmp(placed[i].sha256, segment->sha256, sizeof segment->sha256) != 0) {
      return false;
    }
    offset += segment->size_bytes; /* within size_bytes, as each part is */
  }
  return offset == size_bytes;
}

/* Sorts a copy: the numbers that were given out stay good for parts that come later. */
dl_status dl__partlist_check(dl__partlist *list, const dl_commit_request *request, dl_error *err) {
  (void)pthread_mutex_lock(&list->locked.mutex);
  size_t count = list->locked.count;
  struct dl__placed *sorted = calloc(count + 1, sizeof *sorted);
  if (sorted != NULL && count > 0) memcpy(sorted, list->locked.items, count * sizeof *sorted);
  (void)pthread_mutex_unlock(&list->locked.mutex);
  if (sorted == NULL) return dl__fail_no_memory(err);
  if (count > 1) qsort(sorted, count, sizeof *sorted, by_place);
  bool whole = matches(sorted, last_ones(sorted, count), list->size_bytes, request);
  free(sorted);
  if (whole) return DL_OK;
  return dl__fail(err, DL_ERR_ARGUMENT, list->key,
                  "the segments are not the parts that were put, or are not the whole object");
}
