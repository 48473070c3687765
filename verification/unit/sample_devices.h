/*
 * PCI functions for the hand-built deployment, as QEMU's boards have them: edu, an NVMe disk and two
 * network cards behind one IOMMU. `probe` (partition 1, on the owned CPU) owns edu with its message
 * and the disk with messages 0 and 3, `nav` (partition 2) owns the first card and no message; the
 * second card is nobody's.
 */
#ifndef SAMPLE_DEVICES_H
#define SAMPLE_DEVICES_H

#include "model.h"

enum { SAMPLE_EDU, SAMPLE_NVME, SAMPLE_NET0, SAMPLE_NET1, SAMPLE_FUNCTIONS };

/* kind: enum x86_iommu_kind */
void sample_devices(struct model *model, int kind);

#endif
