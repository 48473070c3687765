/*
 * Parts of system.json, and how its values are made.
 */
#ifndef EMIT_JSON_H
#define EMIT_JSON_H

#include <jansson.h>

#include "plan.h"

static inline json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static inline void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* null where there is none */
static inline json_t *text(const char *string)
{
	return string ? json_string(string) : json_null();
}

static inline json_t *range_json(struct range range)
{
	return json_pack("{s:o, s:o}", "base", number(range.base), "bytes", number(range.bytes));
}

/* emit_json_devices.c: IOMMUs and PCI functions */
json_t *ecam_json(const struct plan *plan);
json_t *iommus_json(const struct plan *plan);
json_t *functions_json(const struct plan *plan);
json_t *functions_of_json(const struct plan *plan, size_t p); /* their names */

/* emit_json_locks.c: only of a description with locks */
json_t *locks_json(const struct plan *plan);

/* emit_json_rdma.c: only of a description with RDMA services */
json_t *rdma_json(const struct plan *plan);

#endif
