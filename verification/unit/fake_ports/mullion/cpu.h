/*
 * The ports of mullion/cpu.h as the test answers for them.
 */
#ifndef FAKE_PORTS_CPU_H
#define FAKE_PORTS_CPU_H

#include <stdbool.h>
#include <stdint.h>

uint32_t fake_port_read(uint16_t port, unsigned bytes);
void fake_port_write(uint16_t port, unsigned bytes, uint32_t value);

static inline uint8_t port_read8(const uint16_t port)
{
	return (uint8_t)fake_port_read(port, 1);
}

static inline uint16_t port_read16(const uint16_t port)
{
	return (uint16_t)fake_port_read(port, 2);
}

static inline uint32_t port_read32(const uint16_t port)
{
	return fake_port_read(port, 4);
}

static inline void port_write16(const uint16_t port, const uint16_t value)
{
	fake_port_write(port, 2, value);
}

static inline void port_write32(const uint16_t port, const uint32_t value)
{
	fake_port_write(port, 4, value);
}

static inline void cpu_pause(void)
{
}

#endif
