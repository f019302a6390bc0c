/* storage/directory_parts.c: writes one object of a folder in parts: each to its place in
 * the temporary file of a put (see directory_put.c), which stays locked from upload_begin
 * to upload_end. What is taken over from the object that is there is copied by the kernel,
 * where the filesystem can share it without a copy at all. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fs.h"
#include "storage/directory.h"
#include "storage/partlist.h"

#define COPY_SIZE ((uint64_t)1 << 30) /* at once */

struct dl_upload {
  dl_upload_request request; /* what it points at is borrowed until the end */
  dl__draft draft;
  dl__partlist parts;
  int old_fd; /* the object with the ETag request.if_match; -1: none */
};

dl_status dl__directory_layout(void *self, const char *key, dl_segment_fn each, void *user,
                               dl_layout *out, dl_error *err) {
  DL__AUTO_CLOSE int fd = -1;
  struct stat st;
  dl_status status = dl__directory_open_object(self, key, &fd, &st, err);
  if (status != DL_OK) return status;
  out->size_bytes = (uint64_t)st.st_size;
  dl__directory_etag(&st, out->etag);
  return dl__directory_tell_segments(fd, &st, each, user, err);
}

static dl_status conflict(const dl_upload *u, dl_error *err) {
  return dl__fail(err, DL_ERR_CONFLICT, u->request.key,
                  "somebody else changed it meanwhile; push again to compare anew");
}

static bool is_old(const dl_upload *u, const struct stat *st) {
  char etag[DL_ETAG_SIZE];
  dl__directory_etag(st, etag);
  return strcmp(etag, u->request.if_match) == 0;
}

static dl_status open_old(const dl__directory *d, dl_upload *u, dl_error *err) {
  if (u->request.if_match == NULL) return DL_OK;
  struct stat st;
  dl_status status = dl__directory_open_object(d, u->request.key, &u->old_fd, &st, err);
  if (status == DL_ERR_NOT_FOUND) return conflict(u, err);
  if (status != DL_OK) return status;
  return is_old(u, &st) ? DL_OK : conflict(u, err);
}

static void upload_free(dl_upload *u) {
  if (u->old_fd >= 0) (void)close(u->old_fd);
  dl__draft_clear(&u->draft);
  dl__partlist_clear(&u->parts);
  free(u);
}

dl_status dl__directory_upload_begin(void *self, const dl_upload_request *request, dl_upload **out,
                                     dl_error *err) {
  dl_upload *u = calloc(1, sizeof *u);
  if (u == NULL) return dl__fail_no_memory(err);
  *u = (dl_upload){.request = *request, .draft = DL__DRAFT_INIT, .old_fd = -1};
  dl_status status = dl__partlist_init(&u->parts, request, err);
  if (status != DL_OK) {
    free(u);
    return status;
  }
  status = open_old(self, u, err);
  if (status == DL_OK) status = dl__draft_open(self, request->key, &u->draft, err);
  if (status != DL_OK) {
    upload_free(u);
    return status;
  }
  *out = u;
  return DL_OK;
}

/* The name is gone with a commit, also with one that was not made durable in the end. */
static dl_status check_open(const dl_upload *u, dl_error *err) {
  if (u->draft.temp[0] != '\0') return DL_OK;
  return dl__fail(err, DL_ERR_ARGUMENT, u->request.key, "the upload is committed already");
}

dl_status dl__directory_put_part(void *self, dl_upload *upload, const dl_part *part,
                                 dl_error *err) {
  size_t at;
  dl_status status = check_open(upload, err);
  if (status == DL_OK) status = dl__partlist_begin(&upload->parts, part, &at, err);
  if (status != DL_OK) return status;
  status = dl__draft_write(self, upload->request.key, &upload->draft, part, err);
  if (status == DL_OK) dl__partlist_done(&upload->parts, at);
  return status;
}

/* Copies as much as the kernel can, and gives how much that was: 0, too, where it cannot. */
static uint64_t copy_by_kernel(const dl_upload *u, const dl_part *part) {
  off_t from = (off_t)part->from_bytes;
  off_t to = (off_t)part->offset_bytes;
  uint64_t done = 0;
  while (done < part->size_bytes) {
    uint64_t left = part->size_bytes - done;
    size_t want = (size_t)(left < COPY_SIZE ? left : COPY_SIZE);
    ssize_t copied = copy_file_range(u->old_fd, &from, u->draft.fd, &to, want, 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied <= 0) break;
    done += (uint64_t)copied;
  }
  return done;
}

typedef struct old_part {
  const dl__directory *directory;
  const dl_upload *upload;
  uint64_t from_bytes;
} old_part;

static dl_status read_old(void *user, uint64_t offset_bytes, void *buf, size_t size, size_t *got,
                          dl_error *err) {
  const old_part *o = user;
  ssize_t bytes = dl__fs_pread(o->upload->old_fd, buf, size, o->from_bytes + offset_bytes);
  if (bytes < 0) {
    return dl__directory_fail(o->directory, errno, o->upload->request.key, "read", err);
  }
  if (bytes == 0) return conflict(o->upload, err); /* it was cut off since it was opened */
  *got = (size_t)bytes;
  return DL_OK;
}

/* Whatever the kernel did not copy (another filesystem, one that cannot, a full disk) is
 * read and written, which says what is wrong, if anything is. */
static dl_status copy_part(const dl__directory *d, const dl_upload *u, const dl_part *part,
                           dl_error *err) {
  uint64_t done = copy_by_kernel(u, part);
  old_part from = {d, u, part->from_bytes + done};
  dl_part rest = *part;
  rest.offset_bytes += done;
  rest.size_bytes -= done;
  rest.read = read_old;
  rest.read_user = &from;
  return dl__draft_write(d, u->request.key, &u->draft, &rest, err);
}

/* What was copied is of the object that the segments were told of only if that is still
 * the same afterwards. */
static dl_status check_old(const dl__directory *d, const dl_upload *u, dl_error *err) {
  struct stat st;
  if (fstat(u->old_fd, &st) != 0) {
    return dl__directory_fail(d, errno, u->request.key, "check", err);
  }
  return is_old(u, &st) ? DL_OK : conflict(u, err);
}

dl_status dl__directory_reuse_part(void *self, dl_upload *upload, const dl_part *part,
                                   dl_error *err) {
  const char *key = upload->request.key;
  if (upload->old_fd < 0) {
    return dl__fail(err, DL_ERR_ARGUMENT, key, "parts of an object without its ETag");
  }
  if (part->size_bytes > INT64_MAX || part->from_bytes > INT64_MAX - part->size_bytes) {
    return dl__fail(err, DL_ERR_ARGUMENT, key, "the object has no such part");
  }
  size_t at;
  dl_status status = check_open(upload, err);
  if (status == DL_OK) status = dl__partlist_begin(&upload->parts, part, &at, err);
  if (status != DL_OK) return status;
  status = copy_part(self, upload, part, err);
  if (status == DL_OK) status = check_old(self, upload, err);
  if (status == DL_OK) dl__partlist_done(&upload->parts, at);
  return status;
}

/* The content is made safe before the attributes are written: what follows them has to be
 * done within a minute (see directory_attr.c), and a large file may need longer. */
static int seal(const dl__draft *draft, const dl_commit_request *request) {
  if (fdatasync(draft->fd) != 0) return -1;
  dl__directory_forget(draft->fd); /* what an earlier commit wrote that failed later */
  return dl__draft_seal(draft, request);
}

dl_status dl__directory_commit(void *self, dl_upload *upload, const dl_commit_request *request,
                               dl_put_result *result, dl_error *err) {
  dl_status status = check_open(upload, err);
  if (status == DL_OK) status = dl__partlist_check(&upload->parts, request, err);
  if (status != DL_OK) return status;
  if (seal(&upload->draft, request) != 0) {
    return dl__directory_fail(self, errno, upload->request.key, "write", err);
  }
  return dl__draft_publish(self, &upload->request, &upload->draft, result, err);
}

void dl__directory_upload_end(void *self, dl_upload *upload) {
  (void)self;
  upload_free(upload);
}
