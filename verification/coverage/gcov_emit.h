/* The emitter of coverage records and the one thing it needs: somewhere to put bytes. */
#ifndef GCOV_EMIT_H
#define GCOV_EMIT_H

#include <stddef.h>

void coverage_emit(void);
void coverage_put(const void *data, size_t bytes);

#endif
