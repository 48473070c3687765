/*
 * The words of a description: sizes in bytes, durations in nanoseconds, PCI functions.
 *
 * For dtc's integer expressions, so always used inside <...>. A product beyond 32 bits needs
 * `/bits/ 64 <...>`; dtc says so where it is forgotten.
 */
#ifndef MULLION_DESCRIPTION_H
#define MULLION_DESCRIPTION_H

#define KiB(x) ((x) * 1024)
#define MiB(x) ((x) * 1048576)
#define GiB(x) ((x) * 1073741824)

#define us(x) ((x) * 1000)
#define ms(x) ((x) * 1000000)

/* A PCI function's number: bus, device, function. Its unit address is the same in hexadecimal. */
#define PCI(bus, device, function) ((bus) << 8 | (device) << 3 | (function))

#endif
