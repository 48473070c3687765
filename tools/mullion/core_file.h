/*
 * A partition's memory and registers as an ELF64 core that gdb opens: a PT_LOAD for each stretch of
 * its guest-physical memory, an NT_PRSTATUS for each vcpu (System V ABI, gABI chapter 5).
 */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <mullion/abi.h>

#define CORE_VCPUS_MAX  MULLION_STATUS_VCPUS
#define CORE_NAME_BYTES MULLION_NAME_BYTES

struct core_file {
	FILE *file;
	const char *name;      /* of the partition */
	uint64_t memory_bytes; /* from guest-physical 0 on, around the hole below 4 GiB */
	uint64_t image;        /* what the node ran: its image_id */
	unsigned vcpus;
	struct mullion_registers registers[CORE_VCPUS_MAX];
};

/* Writes all but the memory, which is zero until put; false: see errno. */
bool core_file_begin(const struct core_file *core);

/* `bytes` of memory, `offset` counted without the hole. */
bool core_file_put(
	const struct core_file *core, uint64_t offset, const uint8_t *memory, size_t bytes);

/*
 * Takes all but the memory from a file that core_file_begin() began, core->file; the name goes into
 * `name`. False: it is another file, or not all of one.
 */
bool core_file_read(struct core_file *core, char name[CORE_NAME_BYTES]);
bool core_file_get(const struct core_file *core, uint64_t offset, uint8_t *memory, size_t bytes);

/* Where memory at this offset lies in the partition. */
uint64_t core_file_gpa(uint64_t offset);

#endif
