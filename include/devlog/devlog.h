/* devlog/devlog.h: the whole of libdevlogsync.
 *
 * Pushes a folder of growing developer logs to object storage. The shortest
 * use, without the error handling:
 *
 *     dl_config *config; dl_sync *sync;
 *     dl_config_new(&config, NULL);
 *     dl_config_set(config, "base", "/var/log/app", NULL);
 *     dl_config_set(config, "remote.url", "file:///mnt/backup/app", NULL);
 *     dl_sync_new(config, &sync, NULL);
 *     dl_push(sync, NULL, NULL, NULL, NULL);
 *     dl_sync_free(sync);
 *     dl_config_free(config);
 *
 * Rules that hold for every call:
 * - Success is DL_OK; else a dl_error, if given, says what failed and where.
 * - Inputs are copied unless the comment says "borrowed".
 * - Structs that cross the boundary start with struct_size: set them up with
 *   their _INIT macro; a field that is zero means its default.
 * - _free, _clear and _close of NULL do nothing.
 * - After fork(2), the child must not use what the parent made, but may make its own.
 * - The library prints nothing, installs no signal handler, never exits, and
 *   changes neither locale, umask, working directory nor environment.
 */
#ifndef DEVLOG_DEVLOG_H
#define DEVLOG_DEVLOG_H

#include <devlog/compare.h>
#include <devlog/config.h>
#include <devlog/entry.h>
#include <devlog/error.h>
#include <devlog/progress.h>
#include <devlog/pull.h>
#include <devlog/storage.h>
#include <devlog/sync.h>
#include <devlog/verify.h>
#include <devlog/version.h>

#endif
