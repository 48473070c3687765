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

#endif
