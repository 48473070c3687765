/*
 * Numbers of any width at any bit of a datagram, described by tables: management is no fast path, and has
 * hundreds of them. A field is told by its first byte, the first of its bits in there (0: the most
 * significant), and its width; and by the member that holds it.
 */
#ifndef RTDRIVERS_IB_FIELDS_H
#define RTDRIVERS_IB_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#define FIELDS_MOST 24u /* of a table */

struct ib_field {
	uint16_t member;   /* offset in the structure */
	uint8_t size;      /* of the member: 1, 2, 4 or 8 bytes */
	uint8_t byte;      /* in the datagram, or in the part of it that the table is of */
	uint8_t bit, bits; /* bit + bits are at most 64 */
};

#define IB_FIELD(type, name, first, start, width)                                                  \
	{                                                                                          \
		.member = offsetof(struct type, name), .size = sizeof(((struct type *)0)->name),   \
		.byte = (first), .bit = (start), .bits = (width)                                   \
	}
#define IB_FIELDS(table) (table), sizeof(table) / sizeof(*(table))

/* Structure from datagram. At most 5500 instructions. */
void ib_fields_decode(
	const struct ib_field *fields, unsigned count, const uint8_t *data, void *structure);

/* Datagram from structure: the fields' bits only. At most 7000 instructions. */
void ib_fields_encode(
	const struct ib_field *fields, unsigned count, const void *structure, uint8_t *data);

/* In words of eight bytes; they do not overlap. At most 250 instructions. */
void ib_bytes_copy(uint8_t *to, const uint8_t *from, unsigned bytes);

/* MAD_BYTES of them. At most 200 instructions. */
void ib_datagram_clear(uint8_t *data);

#endif
