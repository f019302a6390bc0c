/* push/crew.h: how many threads may work at files at the same time, and what each of them
 * reads with. */
#ifndef DL_PUSH_CREW_H
#define DL_PUSH_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <devlog/error.h>

#include "push/source.h"

/* Set it up with {0}. */
typedef struct dl__crew {
  dl__reader *readers; /* one a worker */
  size_t jobs;
} dl__crew;

/* At most `jobs` workers: as many as memory_bytes and the limit of open files allow, and one at
 * least. md5: their digests have one. The caller clears it, also on failure. */
dl_status dl__crew_init(dl__crew *crew, size_t jobs, uint64_t memory_bytes, bool md5,
                        const atomic_bool *cancel, dl_error *err);
void dl__crew_clear(dl__crew *crew);

#endif
