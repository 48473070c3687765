# Peers that nobody here wrote: Linux with rdma_rxe under QEMU, OpenSM over ibsim. Debian's packages are unpacked below
# $(BUILD)/interop, 100 MB the first time, and never installed.
INTEROP_TESTS := $(sort $(wildcard verification/interop/*.t))

# PARTS='tour faults': these alone, see the campaign.
.PHONY: interop
interop:
	@verification/interop/campaign $(BUILD) $(PARTS)
