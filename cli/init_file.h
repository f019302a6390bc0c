/* cli/init_file.h: the folder and the config file that `devlog init` makes. */
#ifndef CLI_INIT_FILE_H
#define CLI_INIT_FILE_H

#include <devlog/devlog.h>

/* Fails if the config file is there: DL_ERR_CONFIG with what to do instead. */
dl_status init_file_absent(const char *path, dl_error *err);

/* mkdir -p for this user only; what is there stays. */
dl_status init_file_folder(const char *path, dl_error *err);

/* Makes the folder with events and entries in it, for this user only; what is there stays. */
dl_status init_file_folders(const char *base, dl_error *err);

/* Writes the config file that config names, for this user only, in one step that others see whole
 * or not at all; one that is there is left alone. The library has to read it as it was meant, or
 * nothing is written.
 * @param url  as it was given. */
dl_status init_file_write(const dl_config *config, const char *url, dl_error *err);

#endif
