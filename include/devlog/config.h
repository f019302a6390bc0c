/* devlog/config.h: which folder goes where, and how.
 *
 * A dl_config is a set of named values. A value comes from one of four places;
 * the first that has it wins, whatever the order of the calls:
 *
 *   dl_config_set  >  environment  >  config file  >  built-in default
 *
 * The names, with their defaults and what they accept:
 *
 *   base             folder to push. Environment: DEVLOG_HOME. Default: ~/.devlog
 *   config           config file. Environment: DEVLOG_CONFIG. Default: BASE/config.ini
 *   state_dir        folder for the local state. Default: $XDG_STATE_HOME/devlog, else
 *                    ~/.local/state/devlog
 *   remote.url       where to push to: https://ACCOUNT.blob.core.windows.net/CONTAINER[/PREFIX]
 *                    (Azure Blob Storage; of its emulator: http://127.0.0.1:PORT/ACCOUNT/
 *                    CONTAINER[/PREFIX]), file:///FOLDER, memory://NAME, or a scheme that the
 *                    program registered (dl_storage_register). No default.
 *   remote.provider  storage to use for the URL; default: named by the URL's scheme
 *   remote.account_key_file  file that holds a key of the account (Azure; Base64) and nothing
 *                    else; yours or root's, and closed to others (chmod 600). No default.
 *   remote.ca_file   file of PEM certificates to trust instead of the system's. No default.
 *   remote.create    yes: make the container if it is not there. Default: no
 *   sync.include     patterns of the files to push. Default: *.jsonl *.toml *.md config.ini
 *   sync.exclude     patterns of files and folders to leave out, besides those that are
 *                    always left out: hidden ones, the folders target, node_modules and
 *                    cache, and the files *.tmp and *.lock
 *   sync.append_only patterns of files that only ever grow at their end: what was pushed of
 *                    them is not read again, as long as they look like it (same inode, longer,
 *                    their last part as it was). May be empty. Default: the *.jsonl of the
 *                    folder events
 *   sync.jobs        files sent at the same time, 1 to 256. Default: 64
 *   sync.memory      memory for sending, in MiB, 16 to 4096. Default: 64
 *   sync.content_md5 yes: give the remote also the MD5 of the whole file, if it keeps one
 *                    (Content-MD5 of Azure), which other tools look at. Default: yes
 *   sync.timeout     seconds that a request may stand still, 1 to 3600. Default: 60
 *   sync.retries     tries after the first one of what may pass, 0 to 100. Default: 5
 *
 * In a config file, "remote.url" is the line `url = ...` in the section
 * `[remote]`; "base", "config" and "state_dir" cannot stand there. Patterns are
 * separated by spaces or commas, and are those of fnmatch(3): one without a `/`
 * is matched against the name of a file or folder, one with a `/` against the
 * whole key. A leading `~/` in a folder's name (also file://~/...) is the home
 * folder. An environment variable that is empty counts as not set, as does a
 * HOME or XDG_STATE_HOME that is not a whole path.
 *
 * A config file is text of at most 64 KiB with lines of at most 198 bytes, not
 * counting comments. A comment is a line that starts with # or ; or what follows
 * a space and ; on any other. A value may stand between two " or two '. What is
 * not known, or given twice, is refused, and so are secrets, also in a URL, and a
 * file that every user can write or that belongs to another one (not root).
 *
 * How to log in to Azure is taken from the environment when the storage is made: the
 * first that is there of AZURE_STORAGE_CONNECTION_STRING; a SAS in
 * AZURE_STORAGE_SAS_TOKEN or AZURE_ACCOUNT_SAS; a key in AZURE_STORAGE_KEY,
 * AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_ACCESS_KEY or AZURE_ACCOUNT_KEY, or in
 * the file remote.account_key_file; a workload identity (AZURE_TENANT_ID,
 * AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE, and AZURE_AUTHORITY_HOST outside the
 * public cloud); a managed identity (IDENTITY_ENDPOINT and IDENTITY_HEADER, or
 * AZURE_USE_MSI=1; AZURE_CLIENT_ID says which, if there are more); else anonymous.
 */
#ifndef DEVLOG_CONFIG_H
#define DEVLOG_CONFIG_H

#include <stddef.h>

#include <devlog/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dl_config dl_config;

/* Makes a configuration that holds the defaults; those of base and state_dir are
 * made of HOME and XDG_STATE_HOME, and without these there are none.
 * @param out  receives it; the caller frees it with dl_config_free.
 * @return DL_OK, DL_ERR_ARGUMENT, DL_ERR_NO_MEMORY.
 * Threads: any, but reads the environment: not while another thread changes it;
 * one dl_config must not be used by two threads at once. Since: 0.1 */
DL_API dl_status dl_config_new(dl_config **out, dl_error *err);

/* Frees a configuration. NULL: nothing happens. Since: 0.1 */
DL_API void dl_config_free(dl_config *config);

/* Sets one value; stronger than environment and file.
 * @param name   one of the names above.
 * @param value  the text, as it would stand in the file without quotes; NULL takes
 *               back what an earlier dl_config_set set.
 * @return DL_OK; DL_ERR_CONFIG: unknown name or a value that is not allowed;
 *         DL_ERR_ARGUMENT, DL_ERR_NO_MEMORY.
 * Since: 0.1 */
DL_API dl_status dl_config_set(dl_config *config, const char *name, const char *value,
                               dl_error *err);

/* The value in force.
 * @param name  one of the names above.
 * @return the text, owned by config and valid until config is changed or freed;
 *         NULL: unknown name, or no value and no default.
 * Since: 0.1 */
DL_API const char *dl_config_get(const dl_config *config, const char *name);

/* Reads the environment and then the config file, and validates the whole.
 * A program that sets everything itself need not call this. A missing config
 * file is an error only if it was named (by "config" or DEVLOG_CONFIG) or if
 * "remote.url" is not known without it. A load that fails changes nothing; a
 * second one forgets what the first one read.
 * @return DL_OK; DL_ERR_CONFIG: err->message starts with FILE:LINE where a line is
 *         to blame and says how to mend it; DL_ERR_ARGUMENT, DL_ERR_NO_MEMORY.
 * Threads: reads the environment: not while another thread changes it. Since: 0.1 */
DL_API dl_status dl_config_load(dl_config *config, dl_error *err);

/* Checks that the values in force make sense together: base and remote known,
 * a URL of a registered provider in the right form, no plain http but to
 * this machine, the remote not inside the folder.
 * dl_sync_new calls it.
 * @return DL_OK, DL_ERR_CONFIG, DL_ERR_ARGUMENT, DL_ERR_NO_MEMORY. Since: 0.1 */
DL_API dl_status dl_config_validate(const dl_config *config, dl_error *err);

/* Remarks that dl_config_load made, such as on a line that is accepted but not
 * used any more.
 * @param index  from 0.
 * @return the remark, owned by config and valid until config is loaded again or freed;
 *         NULL: no more.
 * Since: 0.1 */
DL_API const char *dl_config_note(const dl_config *config, size_t index);

#ifdef __cplusplus
}
#endif

#endif
