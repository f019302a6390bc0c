/* custom_storage.c: a whole storage of one's own: counted://NAME keeps objects in
 * memory and counts the calls. Usage: custom_storage FOLDER [KEY]
 * Pushes the folder twice (first all of it, whatever an earlier run remembered), says
 * on stderr what each push asked of the storage, and reads KEY back to stdout.
 * It has no slots for objects in parts, so every file is put whole. */
#include <devlog/devlog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct object {
  struct object *next;
  uint64_t size_bytes;
  int64_t mtime_ns;
  char digest[DL_DIGEST_SIZE];
  char key[DL_KEY_MAX + 1];
  unsigned char data[];
} object;

typedef struct store {
  dl_storage storage;
  object *first;
  int lists, puts;
} store;

/* Where the pointer to the object stands; if there is none, it is NULL, and err says so. */
static object **find(store *s, const char *key, dl_error *err) {
  object **at = &s->first;
  while (*at != NULL && strcmp((*at)->key, key) != 0) at = &(*at)->next;
  if (*at == NULL) dl_error_set(err, DL_ERR_NOT_FOUND, key, "there is no such object");
  return at;
}

static dl_status tell(const object *o, dl_object_fn fn, void *user, dl_error *err) {
  dl_object known = DL_OBJECT_INIT;
  known.key = o->key;
  known.size_bytes = o->size_bytes;
  known.mtime_ns = o->mtime_ns;
  known.digest = o->digest[0] != '\0' ? o->digest : NULL;
  if (fn(&known, user) == 0) return DL_OK;
  return dl_error_set(err, DL_ERR_CANCELLED, NULL, "stopped by the caller");
}

static dl_status do_list(void *self, const char *prefix, dl_object_fn fn, void *user,
                         dl_error *err) {
  store *s = self;
  dl_status status = DL_OK;
  s->lists++;
  for (const object *o = s->first; status == DL_OK && o != NULL; o = o->next)
    if (strncmp(o->key, prefix, strlen(prefix)) == 0) status = tell(o, fn, user, err);
  return status;
}

static dl_status do_stat(void *self, const char *key, dl_object_fn fn, void *user, dl_error *err) {
  const object *o = *find(self, key, err);
  return o != NULL ? tell(o, fn, user, err) : DL_ERR_NOT_FOUND;
}

static dl_status do_remove(void *self, const char *key, dl_error *err) {
  object **at = find(self, key, err), *o = *at;
  if (o == NULL) return DL_ERR_NOT_FOUND;
  *at = o->next;
  free(o);
  return DL_OK;
}

/* The new object takes the place of the old one only when all its bytes are here. */
static dl_status do_put(void *self, const dl_put_request *in, dl_put_result *out, dl_error *err) {
  store *s = self;
  size_t size = (size_t)in->size_bytes, got = 0;
  object *o = calloc(1, sizeof *o + size);
  if (o == NULL) return dl_error_set(err, DL_ERR_NO_MEMORY, in->key, "out of memory");
  o->size_bytes = size;
  o->mtime_ns = in->mtime_ns;
  snprintf(o->key, sizeof o->key, "%s", in->key);
  snprintf(o->digest, sizeof o->digest, "%s", in->digest != NULL ? in->digest : "");
  dl_status status = DL_OK;
  for (size_t done = 0; status == DL_OK && done < size; done += got) {
    status = in->read(in->read_user, done, o->data + done, size - done, &got, err);
    if (status == DL_OK && got == 0) status = dl_error_set(err, DL_ERR_STORAGE, o->key, "cut off");
  }
  if (status != DL_OK) return free(o), status;
  do_remove(s, in->key, NULL);
  o->next = s->first;
  s->first = o;
  s->puts++;
  out->etag[0] = '\0'; /* a storage that has ETags gives the new one */
  return DL_OK;
}

static dl_status do_get(void *self, const dl_get_request *request, dl_error *err) {
  const object *o = *find(self, request->key, err);
  if (o == NULL) return DL_ERR_NOT_FOUND;
  if (request->offset_bytes >= o->size_bytes) return DL_OK;
  uint64_t size = o->size_bytes - request->offset_bytes;
  if (request->length_bytes > 0 && request->length_bytes < size) size = request->length_bytes;
  return request->write(request->write_user, o->data + request->offset_bytes, (size_t)size, err);
}

/* What a factory allocates is freed here; this store is on the stack of main. */
static void do_close(void *self) {
  (void)self;
}

/* caps 0: one call at a time, and no put on a condition. */
static dl_status make(const dl_config *config, void *user, const dl_storage **out, dl_error *err) {
  store *s = user;
  s->storage = (dl_storage){.struct_size = sizeof(dl_storage),
                            .self = s,
                            .list = do_list,
                            .stat = do_stat,
                            .put = do_put,
                            .get = do_get,
                            .close = do_close,
                            .remove = do_remove};
  *out = &s->storage;
  return (void)config, (void)err, DL_OK;
}

static dl_status to_stdout(void *user, const void *data, size_t size, dl_error *err) {
  if (fwrite(data, 1, size, stdout) == size) return (void)user, DL_OK;
  return dl_error_set(err, DL_ERR_STORAGE, NULL, "cannot write to the standard output");
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) return fprintf(stderr, "usage: %s FOLDER [KEY]\n", argv[0]), 2;
  store s = {.first = NULL};
  dl_error err = DL_ERROR_INIT;
  dl_config *config = NULL;
  dl_sync *sync = NULL;
  dl_push_options options = DL_PUSH_OPTIONS_INIT;
  dl_get_request request = {.struct_size = sizeof request, .key = argv[2], .write = to_stdout};
  dl_status status = dl_storage_register("counted", make, &s, &err);
  if (status == DL_OK) status = dl_config_new(&config, &err);
  if (status == DL_OK) status = dl_config_set(config, "base", argv[1], &err);
  if (status == DL_OK) status = dl_config_set(config, "remote.url", "counted://example", &err);
  if (status == DL_OK) status = dl_sync_new(config, &sync, &err);
  for (int round = 1; status == DL_OK && round <= 2; round++) {
    s.lists = s.puts = 0;
    options.mode = round == 1 ? DL_MODE_ALL : DL_MODE_INCREMENTAL;
    status = dl_push(sync, &options, NULL, NULL, &err);
    fprintf(stderr, "push %d: %d list, %d put\n", round, s.lists, s.puts);
  }
  if (status == DL_OK && argc == 3) status = do_get(&s, &request, &err);
  if (status != DL_OK) fprintf(stderr, "%s: %s\n", dl_status_name(status), err.message);
  dl_sync_free(sync);
  dl_config_free(config);
  while (s.first != NULL) do_remove(&s, s.first->key, NULL);
  return status == DL_OK ? 0 : 1;
}
