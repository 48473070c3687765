# Non-interference, executed: every behaviour of B beside A on a framed CPU, compared to the byte, and on one of
# its own, within the emulator's noise floor. `run` begins noninterference.json, `owned` adds to it.
.PHONY: noninterference noninterference-run
noninterference: packages
	@$(MAKE) --no-print-directory kernel tools partitions
	@$(MAKE) --no-print-directory noninterference-run

noninterference-run:
	@verification/noninterference/run $(BUILD)
	@verification/noninterference/owned $(BUILD)
