/* cli/words.h: what push, pull and verify call what they do. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "lines.h"

typedef struct wording {
  const char *topic;  /* the command */
  const char *schema; /* of its JSON */
  const char *title;
  const char *scanning; /* `SCANNING"FOLDER"...` */
  const char *found;    /* `Found N fileS FOUND` */
  const char *nothing;
  const char *need; /* `N file(s) need to be NEED` */
  const char *dry_run;
  const char *doing; /* `DOING N file(s) (N bytes)...` */
  mark doing_mark, file_mark;
  const char *complete, *incomplete;
  const char *done;        /* `DONE: N`; also `interrupted: N files DID; TOPIC again to go on` */
  const char *did;         /* the same as a word */
  const char *not_done;    /* `NOT_DONE: N` */
  const char *moved;       /* `MOVED: 1 KiB of 512 MiB` */
  const char *moved_small; /* ` (MOVED_SMALL 1 KiB of 512 MiB)` */
  const char *bytes_moved; /* `BYTES_MOVED: N` */
} wording;

extern const wording words_push;
extern const wording words_pull;
extern const wording words_verify;

#endif
