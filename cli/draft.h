/* cli/draft.h: a text on its way into the journal: read from a file, or in a file of
 * its own while it is edited. */
#ifndef CLI_DRAFT_H
#define CLI_DRAFT_H

#include <stdbool.h>

/* A file that only its owner can read, in a folder of its own. Set it up with {0}. */
typedef struct draft {
  char *folder, *path;
} draft;

/* Makes the file, named after the entry, with the text. False: it was said why not. */
bool draft_make(draft *d, const char *id, const char *text);

/* Forgets the file, which stays, and says where. */
void draft_keep(draft *d);

/* Removes the file and its folder. */
void draft_remove(draft *d);

/* Reads a text to its end, no more than an entry may hold. name: for messages.
 * @return new memory; NULL: it was said why not. */
char *draft_read(int fd, const char *name);

/* Reads the file of a draft in the same way. */
char *draft_text(const draft *d);

/* True: nothing but white space. */
bool draft_is_blank(const char *text);

#endif
