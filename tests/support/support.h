/* tests/support/support.h: what the C tests share: a main, folders that vanish,
 * and short ways to make and read files. Every helper aborts the test on failure. */
#ifndef DL_TESTS_SUPPORT_H
#define DL_TESTS_SUPPORT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

/* Runs a suite and prints TAP on stdout; what main returns. */
int support_main(Suite *suite);

/* A new folder below $TMPDIR (or /tmp); support_rmdir removes it with all that is in it. */
char *support_tmpdir(void);
void support_rmdir(char *path);

/* DIR/NAME in new memory. */
char *support_path(const char *dir, const char *name);

/* Writes DIR/NAME, makes the folders in between. */
void support_write(const char *dir, const char *name, const char *text);
void support_write_bytes(const char *dir, const char *name, const void *data, size_t size);
void support_append(const char *dir, const char *name, const char *text);

/* The content of DIR/NAME in new memory, with a NUL behind it. */
char *support_read(const char *dir, const char *name, size_t *size);
bool support_exists(const char *dir, const char *name);

/* Waits until the stamps of all files written so far may be trusted: the library
 * mistrusts those younger than the granularity of the filesystem, 20 ms. */
void support_settle(void);

/* Takes from this process root's power to read and write every file, so that
 * permission errors can be tested as root too. Nothing for others. */
void support_drop_root_powers(void);

#endif
