/* push/survey.h: a local file, read in segments and compared with those that the
 * remote has of it. */
#ifndef DL_PUSH_SURVEY_H
#define DL_PUSH_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include <devlog/error.h>

#include "base/hash.h"
#include "push/segment.h"
#include "push/source.h"
#include "push/state.h"
#include "storage/storage.h"

typedef struct dl__survey {
  const dl__source *source;
  dl__reader *reader;
  dl__md5 *md5; /* of the content up to md5_bytes; NULL: not wanted */
  uint64_t md5_bytes;
} dl__survey;

/* md5: whether the MD5 of the whole is wanted. source and reader are borrowed. */
dl_status dl__survey_init(dl__survey *survey, const dl__source *source, dl__reader *reader,
                          bool md5, dl_error *err);
void dl__survey_clear(dl__survey *survey);

/* Reads the bytes of the segment, whose offset and size are set, and sets its digests.
 * If they fit, they stay in reader->buffer. */
dl_status dl__survey_read(dl__survey *survey, dl__segment *segment, dl_error *err);

/* Finds the segments to begin the file with, cut as the object of the layout is: those
 * with the same bytes are `kept`, others are to be sent. What follows them, up to the
 * end of the file, is to be cut anew.
 * vouched: what was remembered of the object, if files of this name only ever grow;
 * then, if the layout is that object, the file is the same one and larger, and begins
 * with it as far as the first segment, the last full one and the small ones show, the
 * others are believed unread. Else NULL.
 * The caller clears *out, also on failure. */
dl_status dl__survey_match(dl__survey *survey, const dl__layout *layout, const dl__row *vouched,
                           dl__segments *out, dl_error *err);

/* Whether the file begins with the whole object, which has segments: reads that much. */
dl_status dl__survey_begins(dl__survey *survey, const dl__layout *layout, bool *begins,
                            dl_error *err);

/* Reads the segments once more; DL_ERR_SOURCE_CHANGED if one is not what it was. */
dl_status dl__survey_confirm(dl__survey *survey, const dl__segments *segments, dl_error *err);

/* True if the segments are the whole file and all of the object. */
bool dl__survey_is_equal(const dl__survey *survey, const dl__layout *layout,
                         const dl__segments *segments);

#endif
