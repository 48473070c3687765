# Every figure of the README, measured natively and under Mullion. Not a test: a missed target is reported only.
# The attack, the non-interference and the drivers' runs take minutes: theirs are repeated when anything they are made of
# is newer.
.PHONY: bench bench-run
bench: packages
	@$(MAKE) --no-print-directory -j$$(nproc) kernel tools partitions
	@$(MAKE) --no-print-directory bench-run

bench-run: $(BUILD)/attack.json $(BUILD)/attack-devices.json $(BUILD)/noninterference.json $(BUILD)/drivers.json
	@verification/bench/run $(BUILD)
	@verification/bench/audit $(BUILD)
	@cp $(BUILD)/attack.json $(BUILD)/bench/attack.facts
	@cp $(BUILD)/attack-devices.json $(BUILD)/bench/attack-devices.facts
	@cp $(BUILD)/noninterference.json $(BUILD)/bench/noninterference.facts
	@cp $(BUILD)/drivers.json $(BUILD)/bench/drivers.facts
	@verification/bench/judge $(BUILD)/bench $(BUILD)/bench.json

BENCH_PARTS = $(KERNEL)/libkernel.a $(BUILD)/tools/mullion $(wildcard config/boards/*) \
	$(foreach name,jitter hog attacker,$(BUILD)/partitions/$(name).elf)

$(BUILD)/attack.json: $(BENCH_PARTS) $(wildcard verification/system/attacker.t verification/system/deployments/attacker-*)
	@echo 'attack: every illegal act, about half a minute...'
	@mkdir -p $(BUILD)/bench
	@BUILD=$(BUILD) verification/system/attacker.t >$(BUILD)/bench/attack.tap; \
		result=$$?; grep -A3 '^not ok' $(BUILD)/bench/attack.tap; exit $$result

$(BUILD)/attack-devices.json: $(BENCH_PARTS) verification/system/attacker-devices.t verification/system/intact \
		$(wildcard verification/system/deployments/attacker-device-*)
	@echo 'attack: every illegal act of a device, about a minute...'
	@mkdir -p $(BUILD)/bench
	@BUILD=$(BUILD) verification/system/attacker-devices.t >$(BUILD)/bench/attack-devices.tap; \
		result=$$?; grep -A3 '^not ok' $(BUILD)/bench/attack-devices.tap; exit $$result

$(BUILD)/noninterference.json: $(BENCH_PARTS) $(wildcard verification/noninterference/*)
	@echo 'noninterference: one partition beside every behaviour of another, about four minutes...'
	@mkdir -p $(BUILD)/bench
	@$(MAKE) --no-print-directory noninterference-run >$(BUILD)/bench/noninterference.tap; \
		result=$$?; grep -A3 '^not ok' $(BUILD)/bench/noninterference.tap; exit $$result

$(BUILD)/drivers.json: $(BENCH_PARTS) $(DRIVER_ELF) rtdrivers/bounds verification/system/drivers.t \
		verification/gates/longest-path $(foreach name,net edu nvme,$(BUILD)/partitions/test-$(name).elf)
	@echo 'drivers: every driver natively and as a partition, about half a minute...'
	@mkdir -p $(BUILD)/bench
	@BUILD=$(BUILD) verification/system/drivers.t >$(BUILD)/bench/drivers.tap; \
		result=$$?; grep -A3 '^not ok' $(BUILD)/bench/drivers.tap; exit $$result
