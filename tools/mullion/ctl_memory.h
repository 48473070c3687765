/*
 * A stopped partition's memory over the control line.
 */
#ifndef CTL_MEMORY_H
#define CTL_MEMORY_H

#include "core_file.h"
#include "ctl.h"

#define CTL_PAGE_BYTES   4096u
#define CTL_MEMORY_BYTES (256u * CTL_PAGE_BYTES) /* an answer tells no more */

/*
 * Name, memory, vcpus and image of a stopped partition, as its core has them; false after an error
 * message, also if it runs.
 */
bool ctl_stopped(struct session *session, const char *partition, struct core_file *core);

/*
 * Memory from offset `at` on, as much as an answer tells, into CTL_MEMORY_BYTES: how many bytes, whole
 * pages; 0 after an error message.
 */
size_t ctl_read_memory(
	struct session *session, const struct core_file *core, uint64_t at, uint8_t *memory);

/* Of MULLION_PEEK_BYTES. */
bool ctl_is_zero(const uint8_t *block);

/* On a terminal, from two seconds on; *next_ms is 0 at first. */
void ctl_tell_progress(const struct core_file *core, uint64_t at, int64_t *next_ms);

/* Exactly `bytes` of base64, or false. */
bool ctl_decode(const char *text, void *data, size_t bytes);

/* False, and a message. */
bool ctl_garbled(const char *what);

#endif
