/* storage/azure_container.c: makes the container when it is missing, once for all threads that
 * store. */
#include "base/error.h"
#include "storage/azure.h"

static dl_status make(dl__azure *azure, dl_error *err) {
  static const char *const query[] = {"restype", "container", NULL};
  dl__azure_request request = {.method = "PUT", .query = query};
  dl__http_reply reply;
  dl_status status = dl__azure_send(azure, &request, &reply, err);
  /* Another program may have been faster. */
  if (status != DL_OK && dl__azure_has_code(&reply, "ContainerAlreadyExists")) status = DL_OK;
  dl__http_reply_clear(&reply);
  return status;
}

dl_status dl__azure_make_container(dl__azure *azure, dl_error *err) {
  unsigned makings = atomic_load(&azure->makings);
  if (!atomic_load(&azure->missing)) return DL_OK;
  dl_status status = DL_OK;
  (void)pthread_mutex_lock(&azure->making.mutex);
  if (atomic_load(&azure->missing)) {
    /* Unless another thread tried, and failed, while this one waited. */
    if (makings == atomic_load(&azure->makings)) {
      azure->making.error = (dl_error)DL_ERROR_INIT;
      azure->making.status = make(azure, &azure->making.error);
      atomic_fetch_add(&azure->makings, 1);
    }
    status = azure->making.status;
    if (status == DL_OK) atomic_store(&azure->missing, false);
    if (status != DL_OK) dl__error_copy(err, &azure->making.error);
  }
  (void)pthread_mutex_unlock(&azure->making.mutex);
  return status;
}
