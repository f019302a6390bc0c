/* tests/storage/directory_kit.h: what the tests of the `file` storage alone share. */
#ifndef DL_TESTS_STORAGE_DIRECTORY_KIT_H
#define DL_TESTS_STORAGE_DIRECTORY_KIT_H

#include "kit.h"

/* The fixture: a folder for all, the remote below it (not there yet), and a storage on it. */
extern char *top;
extern char *root;
extern dl__storage storage;

TCase *directory_case(Suite *suite, const char *name);

/* The number of files below the remote that are named like an object on its way. */
int temporaries(void);

void directory_digest(Suite *suite);
void directory_links(Suite *suite);
void directory_parts(Suite *suite);
void directory_temp(Suite *suite);
void directory_kill(Suite *suite);

#endif
