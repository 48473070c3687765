# Every figure of the README, measured natively and under Mullion. Not a test: a missed target is reported only.
.PHONY: bench bench-run
bench: packages
	@$(MAKE) --no-print-directory -j$$(nproc) kernel tools partitions
	@$(MAKE) --no-print-directory bench-run

bench-run:
	@verification/bench/run $(BUILD)
	@verification/bench/audit $(BUILD)
	@verification/bench/judge $(BUILD)/bench $(BUILD)/bench.json
