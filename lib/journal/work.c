/* journal/work.c: takes a journal and a day, gives the entry; mends what a crash left,
 * writes events, and derives the .md. The steps that the public calls are made of. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "journal/journal.h"
#include "journal/markdown.h"

dl_status dl__work_init(dl__work *work, dl_journal *journal, int base_fd, const char *id,
                        dl_error *err) {
  *work = (dl__work){.journal = journal, .base_fd = base_fd, .id = id, .log = DL__LOG_INIT};
  work->entry = calloc(1, sizeof *work->entry);
  return work->entry != NULL ? DL_OK : dl__fail_no_memory(err);
}

static void free_entry(dl__entry *entry) {
  if (entry == NULL) return;
  dl__entry_clear(entry);
  free(entry);
}

void dl__work_clear(dl__work *work) {
  dl__log_close(&work->log);
  free_entry(work->entry);
  work->entry = NULL;
}

static dl_status apply(const dl__event *event, void *user, dl_error *err) {
  return dl__entry_apply(user, event, err);
}

dl_status dl__work_load(dl__work *work, dl__log_mode mode, dl_error *err) {
  dl__log_close(&work->log);
  dl__entry_clear(work->entry);
  dl_status status =
      dl__log_open(&work->log, work->journal->base, work->base_fd, work->id, mode, err);
  if (status == DL_OK) status = dl__log_read(&work->log, apply, work->entry, err);
  return status == DL_OK ? dl__entry_finish(work->entry, err) : status;
}

dl_status dl__work_append(dl__work *work, const dl__buf *lines, uint32_t written, dl_error *err) {
  bool torn = work->log.torn;
  dl_status status = dl__log_append(&work->log, lines, err);
  if (status != DL_OK) return status;
  work->log.events += written;
  work->written = written;
  if (!torn) return DL_OK;
  /* Without the memory for a remark, the lines are written all the same. */
  (void)dl__journal_note(work->journal,
                         dl__format("%s/%s: its last line was cut off, by a crash or a full disk, "
                                    "and is set aside; the lines before it are unharmed",
                                    work->journal->base, work->log.name),
                         NULL);
  return DL_OK;
}

static dl__markdown_place place_of(const dl__work *work) {
  return (dl__markdown_place){work->journal->base, work->base_fd, work->id};
}

dl_status dl__work_derive(dl__work *work, dl_error *err) {
  const dl__markdown_place place = place_of(work);
  dl__buf text = {0};
  dl_status status = dl__markdown_make(work->id, work->entry, &text, err);
  if (status == DL_OK) status = dl__markdown_write(&place, &text, &work->log.mtime, err);
  dl__buf_clear(&text);
  return status;
}

/* Whether the .md of an entry lags behind its events. */
static dl_status look(const dl__work *work, dl__derive when, bool *behind, dl_error *err) {
  const dl__markdown_place place = place_of(work);
  dl__markdown_age age;
  *behind = false;
  if (work->entry->content == NULL || when == DL__DERIVE_NEVER) return DL_OK;
  dl_status status = dl__markdown_age_of(&place, &work->log.mtime, &age, err);
  if (status != DL_OK) return status;
  *behind = age == DL__MARKDOWN_MISSING || age == DL__MARKDOWN_OLDER;
  if (age != DL__MARKDOWN_SAME || when != DL__DERIVE_CLOSELY) return DL_OK;
  dl__buf text = {0};
  status = dl__markdown_make(work->id, work->entry, &text, err);
  if (status == DL_OK) *behind = !dl__markdown_has(&place, &text);
  dl__buf_clear(&text);
  return status;
}

/* Reads once more, now alone, and sets right what is not. */
static dl_status mend(dl__work *work, dl_error *err) {
  dl_status status = dl__work_load(work, DL__LOG_WRITE, err);
  if (status == DL_OK && work->log.torn) {
    status = dl__work_append(work, &(dl__buf){.data = NULL}, 0, err);
  }
  if (status == DL_OK && work->entry->content != NULL) status = dl__work_derive(work, err);
  return status;
}

static dl_status note_unmended(const dl__work *work, const char *why, dl_error *err) {
  if (!work->log.torn) return dl__journal_note(work->journal, dl__format("%s", why), err);
  return dl__journal_note(work->journal,
                          dl__format("%s/%s: its last line is cut off; it is skipped, but could "
                                     "not be set aside: %s",
                                     work->journal->base, work->log.name, why),
                          err);
}

/* Where mending fails, what was read stays good: it is put back. */
static dl_status mend_or_note(dl__work *work, dl_error *err) {
  dl__work again;
  dl_error why = DL_ERROR_INIT;
  dl__log_close(&work->log);
  dl_status status = dl__work_init(&again, work->journal, work->base_fd, work->id, err);
  if (status == DL_OK && mend(&again, &why) == DL_OK) {
    dl__work old = *work;
    *work = again;
    again = old;
  } else if (status == DL_OK) {
    status = note_unmended(work, why.message, err);
  }
  dl__work_clear(&again);
  work->mended = true;
  return status;
}

dl_status dl__work_note_empty(const dl__work *work, dl_error *err) {
  uint64_t lines = work->log.damaged;
  if (lines == 0 || work->mended) return DL_OK; /* else it was told just now */
  return dl__journal_note(work->journal,
                          dl__format("%s/%s: %" PRIu64 " line%s no event and %s skipped",
                                     work->journal->base, work->log.name, lines,
                                     lines == 1 ? " is" : "s are", lines == 1 ? "is" : "are"),
                          err);
}

dl_status dl__work_read(dl__work *work, dl__derive when, dl_error *err) {
  bool behind;
  dl_error why = DL_ERROR_INIT;
  dl_status status = dl__work_load(work, DL__LOG_READ, err);
  if (status != DL_OK) return status;
  if (look(work, when, &behind, &why) != DL_OK) {
    status = dl__journal_note(work->journal, dl__format("%s", why.message), err);
  }
  if (status == DL_OK && (work->log.torn || behind)) status = mend_or_note(work, err);
  dl__log_close(&work->log);
  if (status != DL_OK) return status;
  if (work->entry->content != NULL) return DL_OK;
  status = dl__work_note_empty(work, err);
  return status == DL_OK ? DL_ERR_NOT_FOUND : status;
}

/* The size of dl_entry in version 0.1; a struct_size of 0 means this one. */
#define ENTRY_SIZE_0_1 (offsetof(dl_entry, owned) + sizeof(void *))

static size_t size_of(const dl_entry *entry) {
  size_t size = entry->struct_size != 0 ? entry->struct_size : ENTRY_SIZE_0_1;
  return size < sizeof *entry ? size : sizeof *entry;
}

static const char *const *items_of(const dl__names *names) {
  return (const char *const *)names->items;
}

void dl__work_give(dl__work *work, dl_entry *out) {
  if (out == NULL || size_of(out) < ENTRY_SIZE_0_1) return; /* work keeps and frees it */
  const dl__entry *e = work->entry;
  const dl__annotations *a = &e->annotations;
  dl_entry full = {.struct_size = out->struct_size,
                   .events_written = work->written,
                   .event_count = work->log.events,
                   .lines_damaged = work->log.damaged,
                   .content = e->content,
                   .created_at = e->created_at,
                   .updated_at = e->updated_at,
                   .tag_count = a->tags.count,
                   .people_count = a->people.count,
                   .project_count = a->projects.count,
                   .tags = items_of(&a->tags),
                   .people = items_of(&a->people),
                   .projects = items_of(&a->projects),
                   .owned = work->entry};
  memcpy(full.id, work->id, DL_ENTRY_ID_SIZE);
  memcpy(out, &full, size_of(out));
  work->entry = NULL;
}

void dl_entry_clear(dl_entry *entry) {
  if (entry == NULL) return;
  if (size_of(entry) >= ENTRY_SIZE_0_1) free_entry(entry->owned);
  uint32_t struct_size = entry->struct_size;
  memset(entry, 0, size_of(entry));
  entry->struct_size = struct_size;
}
