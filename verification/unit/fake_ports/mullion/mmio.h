/*
 * The registers of mullion/mmio.h as the test answers for them.
 */
#ifndef FAKE_PORTS_MMIO_H
#define FAKE_PORTS_MMIO_H

#include <stdint.h>

uint32_t fake_read(const volatile void *address, unsigned bytes);
void fake_write(volatile void *address, unsigned bytes, uint32_t value);

#define mmio_read8(address)          ((uint8_t)fake_read(address, 1))
#define mmio_read16(address)         ((uint16_t)fake_read(address, 2))
#define mmio_read32(address)         fake_read(address, 4)
#define mmio_write8(address, value)  fake_write(address, 1, value)
#define mmio_write16(address, value) fake_write(address, 2, value)
#define mmio_write32(address, value) fake_write(address, 4, value)

#endif
