# Non-interference, executed: every behaviour of B, A's memory and console compared to the byte.
.PHONY: noninterference noninterference-run
noninterference: packages
	@$(MAKE) --no-print-directory kernel tools partitions
	@$(MAKE) --no-print-directory noninterference-run

noninterference-run:
	@verification/noninterference/run $(BUILD)
