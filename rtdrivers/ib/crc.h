/*
 * CRC-32 of IEEE 802.3 (reflected, 0x04c11db7), as the ICRC uses it: eight bytes a turn through eight
 * tables that the compiler makes; or sixteen bytes a turn by carry-less multiplication, where the CPU has
 * it and ib_crc_fold was called. Both give the same, and the bounds are those of the slower one.
 */
#ifndef RTDRIVERS_IB_CRC_H
#define RTDRIVERS_IB_CRC_H

#include <stdbool.h>
#include <stdint.h>

#define IB_CRC_START            0xffffffffu
#define IB_CRC_SHORT_BYTES_MOST 64u
#define IB_CRC_FOLD_LEAST       64u   /* fewer bytes go through the tables */
#define IB_CRC_BYTES_MOST       4224u /* of one call: more than any packet has */

/*
 * Multiply from now on, if it is wanted and CPUID offers PCLMULQDQ: true. CPUID exits under Mullion: call it
 * once, at the start. At most 50 instructions.
 */
bool ib_crc_fold(bool wanted);

/*
 * The register after `bytes` more of them, from IB_CRC_START; the CRC is its complement. Of more than
 * IB_CRC_BYTES_MOST, only so many. At most 22000 instructions.
 */
uint32_t ib_crc_update(uint32_t crc, const uint8_t *data, unsigned bytes);

/*
 * The same for the headers in front of a payload: `bytes` is a multiple of four, and of more than
 * IB_CRC_SHORT_BYTES_MOST only so many are taken. At most 450 instructions.
 */
uint32_t ib_crc_update_short(uint32_t crc, const uint8_t *data, unsigned bytes);

/*
 * How the ICRC of one kind of packet begins. Both arrays are of the data, with IB_CRC_LEAD zeros in front:
 * `start` is what its first four bytes are changed by, `ones` are bits that count as ones, in the first
 * `blocks` blocks of sixteen bytes, wherever those begin in the lead.
 */
#define IB_CRC_LEAD        12u
#define IB_CRC_FORM_BLOCKS 5u

struct ib_crc_form {
	uint8_t start[IB_CRC_LEAD + 16];
	uint8_t ones[IB_CRC_LEAD + 16 * IB_CRC_FORM_BLOCKS];
	unsigned blocks;
};

/* Does ib_crc_whole do it? At most 10 instructions. */
bool ib_crc_folds(void);

/*
 * The register after all of `data`: a multiple of four, 16 bytes or more, of which only IB_CRC_BYTES_MOST
 * count. IB_CRC_LEAD bytes in front of it are read and do not count. Only where ib_crc_folds. At most
 * 8000 instructions.
 */
uint32_t ib_crc_whole(const struct ib_crc_form *form, const uint8_t *data, unsigned bytes);

#endif
