/* storage/providers.h: the factories of the built-in storages; for registry.c. */
#ifndef DL_STORAGE_PROVIDERS_H
#define DL_STORAGE_PROVIDERS_H

#include <devlog/storage.h>

dl_status dl__azure_new(const dl_config *config, void *user, const dl_storage **out, dl_error *err);
dl_status dl__directory_new(const dl_config *config, void *user, const dl_storage **out,
                            dl_error *err);
dl_status dl__memory_new(const dl_config *config, void *user, const dl_storage **out,
                         dl_error *err);

#endif
