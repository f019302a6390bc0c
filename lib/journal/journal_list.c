/* journal/journal_list.c: takes the folder events/, gives its entries, the newest day
 * first. One file is opened for each entry that is given, and no other. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/vec.h"
#include "journal/day.h"
#include "journal/journal.h"

/* The .md files made anew in one list: more than crashes leave, and few enough for the
 * list of a journal that has none at all to be quick. */
#define DERIVED_MAX 16

typedef struct day {
  char id[DL_ENTRY_ID_SIZE];
} day;

typedef struct days {
  day *items;
  size_t count, capacity;
} days;

static void days_clear(days *d) {
  free(d->items);
}

static void close_dir(DIR **dir) {
  if (*dir != NULL) (void)closedir(*dir);
}

static int newest_first(const void *a, const void *b) {
  return strcmp(((const day *)b)->id, ((const day *)a)->id);
}

/* Whether a name has the form of a day's events, be the day real or not. */
static bool is_events(const char *name) {
  return strspn(name, "0123456789") == 8 && strcmp(name + 8, ".jsonl") == 0;
}

static dl_status fail(const dl_journal *journal, int failure, dl_error *err) {
  return dl__fail_errno(err, DL_ERR_JOURNAL, failure, "events", "cannot read the folder %s/events",
                        journal->base);
}

static dl_status take_name(dl_journal *journal, const char *name, days *out, dl_error *err) {
  if (!is_events(name)) return DL_OK;
  day found = {""};
  memcpy(found.id, name, sizeof found.id - 1);
  if (!dl__day_is_real(found.id)) {
    return dl__journal_note(
        journal, dl__format("%s/events/%s: left out, there is no such day", journal->base, name),
        err);
  }
  if (!dl__vec_grow(&out->items, out->count, &out->capacity, sizeof *out->items)) {
    return dl__fail_no_memory(err);
  }
  out->items[out->count++] = found;
  return DL_OK;
}

static dl_status find_days(dl_journal *journal, int base_fd, days *out, dl_error *err) {
  int fd = openat(base_fd, "events", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? DL_OK : fail(journal, errno, err);
  DIR *dir DL__CLEANUP(close_dir) = fdopendir(fd);
  if (dir == NULL) {
    int failure = errno;
    (void)close(fd);
    return fail(journal, failure, err);
  }
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(dir);
    if (entry == NULL) break;
    dl_status status = take_name(journal, entry->d_name, out, err);
    if (status != DL_OK) return status;
  }
  if (errno != 0) return fail(journal, errno, err);
  if (out->count > 1) qsort(out->items, out->count, sizeof *out->items, newest_first);
  return DL_OK;
}

/* A list on its way. */
typedef struct listing {
  dl_journal *journal;
  int base_fd;
  dl_entry_fn each;
  void *user;
  size_t given, failed, mended;
} listing;

static dl_status list_one(listing *l, const char *id, dl_error *err) {
  dl__work work DL__CLEANUP(dl__work_clear);
  dl_error why = DL_ERROR_INIT;
  dl_status status = dl__work_init(&work, l->journal, l->base_fd, id, err);
  if (status != DL_OK) return status;
  bool enough = l->mended >= DERIVED_MAX;
  status = dl__work_read(&work, enough ? DL__DERIVE_NEVER : DL__DERIVE_BEHIND, &why);
  if (work.mended) l->mended++;
  if (status == DL_ERR_NOT_FOUND) return DL_OK; /* no text yet, or gone meanwhile */
  if (status == DL_ERR_NO_MEMORY) return dl__fail_no_memory(err);
  if (status != DL_OK) {
    l->failed++;
    return dl__journal_note(l->journal, dl__format("%s", why.message), err);
  }
  dl_entry entry = DL_ENTRY_INIT;
  dl__work_give(&work, &entry);
  l->given++;
  int answer = l->each(&entry, l->user);
  dl_entry_clear(&entry);
  if (answer == 0) return DL_OK;
  return dl__fail(err, DL_ERR_CANCELLED, NULL, "the list was ended by its callback");
}

dl_status dl_entry_list(dl_journal *journal, size_t limit, dl_entry_fn each, void *user,
                        dl_error *err) {
  if (journal == NULL || each == NULL) {
    return dl__fail(err, DL_ERR_ARGUMENT, NULL, "dl_entry_list: journal or each is NULL");
  }
  dl__journal_begin(journal);
  DL__AUTO_CLOSE int base = -1;
  days found DL__CLEANUP(days_clear) = {0};
  dl_status status = dl__journal_open_base(journal, false, &base, err);
  if (status == DL_ERR_NOT_FOUND) return DL_OK;
  if (status == DL_OK) status = find_days(journal, base, &found, err);
  listing l = {journal, base, each, user, 0, 0, 0};
  for (size_t i = 0; status == DL_OK && i < found.count; i++) {
    if (limit > 0 && l.given == limit) break;
    status = list_one(&l, found.items[i].id, err);
  }
  if (status != DL_OK || l.failed == 0) return status;
  return dl__fail(err, DL_ERR_PARTIAL, NULL, "%zu of the entries could not be read", l.failed);
}
