/* base/vec.h: growing an array. The owner keeps items, count and capacity in
 * its own struct, so that the element type stays visible. */
#ifndef DL_BASE_VEC_H
#define DL_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

/* Makes room for one more element in the array at *items (of any pointer type),
 * which holds count and has room for *capacity elements of `size` bytes.
 * False: no memory, or it would overflow; nothing changed. */
bool dl__vec_grow(void *items, size_t count, size_t *capacity, size_t size);

#endif
