/*
 * From the tree to the model: names resolved, quantities in their units.
 *
 * Nothing is judged here. What is missing or of the wrong type becomes zero, -1 or an empty list,
 * and is dropped where it can hold no meaning at all; the rules have already spoken about it.
 */
#ifndef MODEL_BUILD_H
#define MODEL_BUILD_H

#include "source.h"

void model_build(struct model *model, const struct source *source, const char *const *images);

/* A quantity of one cell, or of 64 bits. */
bool read_quantity(const struct source_property *property, uint64_t *value);

/* The decimal number after `@`; false if there is none or it is not written in its shortest form.
 */
bool read_unit(const char *name, uint64_t *value);

/* Words of the binding. -1: not a word. */
int event_by_property(const char *name);
int action_by_name(const char *name);
extern const char *const event_properties[MULLION_EVENT_COUNT];
extern const char *const action_names[MULLION_ACTION_COUNT];

#endif
