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

/* ---- Between the files of the builder ---- */

struct builder {
	struct model *model;
	const struct source *source;
	struct arena *arena;
};

/* Values of a node's properties; 0 or NULL where there is none of that form. */
uint64_t quantity(const struct source_node *node, const char *name);
uint32_t quantity32(const struct source_node *node, const char *name);
const char *string(const struct source_node *node, const char *name);
bool is_string(const struct source_node *node, const char *name, const char *value);
/* The 64-bit number that begins at cell 2 * index. */
uint64_t wide(const struct source_property *property, size_t index);
size_t children_count(const struct source_node *node);
/* The node that a cell of a property refers to, or NULL. */
const struct source_node *target(
	const struct builder *b, const struct source_node *node, const char *name, size_t index);
/* Things are found again by the place of their node. */
bool same_place(struct location a, struct location b);
int cpu_index(const struct builder *b, uint64_t number);
int partition_index(const struct builder *b, const struct source_node *node);

/* "10.0.2.15" is 0x0a00020f; 0: it is no address. Six bytes, unchanged where the text is no MAC. */
uint32_t read_ipv4(const char *text);
void read_mac(const char *text, uint8_t mac[6]);

/* A queuing channel that no node describes, to one receiver; its index. */
int make_channel(struct builder *b, struct model_channel channel, int to);

/* model_health.c */
void build_health(
	struct builder *b, struct model_partition *partition, const struct source_node *node);
/* Which schedule each partition's health switches to; schedules name partitions, so afterwards. */
void build_health_schedules(struct builder *b);

/* model_locks.c: with the channels that participants need, after the described ones. */
void build_locks(struct builder *b);
size_t locks_channels_most(const struct builder *b);

/* model_rdma.c: likewise, for the clients of RDMA services. */
void build_rdma(struct builder *b);
size_t rdma_channels_most(const struct builder *b);

/* model_pci.c */
void build_iommus(struct builder *b);
void build_pci(struct builder *b);
void build_function_grants(
	struct builder *b, struct model_partition *partition, const struct source_node *node);
void build_interrupts(
	struct builder *b, struct model_partition *partition, const struct source_node *node);

#endif
