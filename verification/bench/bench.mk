# Every figure of the README, measured natively and under Mullion. Not a test: a missed target is reported only.
# Some come from system tests, which keep their facts in build/NAME.json; such a test is repeated when anything that it
# is made of is newer.
.PHONY: bench bench-run
bench: packages
	@$(MAKE) --no-print-directory -j$$(nproc) kernel tools partitions
	@$(MAKE) --no-print-directory bench-run

BENCH_FACTS = attack attack-devices noninterference drivers rdma rdma-service lanes locks ports mode-change restart control-cost flood

bench-run: $(BENCH_FACTS:%=$(BUILD)/%.json)
	@verification/bench/run $(BUILD)
	@verification/bench/audit $(BUILD)
	@for name in $(BENCH_FACTS); do cp $(BUILD)/$$name.json $(BUILD)/bench/$$name.facts; done
	@for name in $(PEER_FACTS); do [ ! -s $(BUILD)/$$name.json ] || cp $(BUILD)/$$name.json $(BUILD)/bench/$$name.facts; done
	@verification/bench/judge $(BUILD)/bench $(BUILD)/bench.json

BENCH_PARTS = $(KERNEL)/libkernel.a $(BUILD)/tools/mullion $(wildcard config/boards/*) \
	$(foreach name,jitter hog attacker control,$(BUILD)/partitions/$(name).elf)

# bench_facts NAME, COMMAND, WHAT IT DOES, MORE THAT IT IS MADE OF
define bench_facts
$(BUILD)/$(1).json: $$(BENCH_PARTS) $(4)
	@echo '$(1): $(3)...'
	@mkdir -p $(BUILD)/bench
	@BUILD=$(BUILD) $(2) >$(BUILD)/bench/$(1).tap; \
		result=$$$$?; grep -A3 '^not ok' $(BUILD)/bench/$(1).tap; exit $$$$result
endef

bench_test = verification/system/$(1).t verification/system/lib.sh
deployments = $(wildcard $(1:%=verification/system/deployments/%))

$(eval $(call bench_facts,attack,verification/system/attacker.t,every illegal act (half a minute),\
	$(call bench_test,attacker) $(call deployments,attacker-*)))
$(eval $(call bench_facts,attack-devices,verification/system/attacker-devices.t,every illegal act of a device (a minute),\
	$(call bench_test,attacker-devices) verification/system/intact $(call deployments,attacker-device-*)))
$(eval $(call bench_facts,noninterference,$(MAKE) --no-print-directory noninterference-run,one partition beside every \
	behaviour of another (four minutes),$(wildcard verification/noninterference/*)))
$(eval $(call bench_facts,drivers,verification/system/drivers.t,every driver natively and as a partition (half a minute),\
	$(call bench_test,drivers) $(DRIVER_ELF) rtdrivers/bounds verification/gates/longest-path \
	$(foreach name,net edu nvme,$(BUILD)/partitions/test-$(name).elf)))
$(eval $(call bench_facts,rdma,verification/system/verbs.t,messages of two adapters (a few seconds),\
	$(call bench_test,verbs) $(DRIVER_ELF) $(BUILD)/partitions/test-verbs.elf))
$(eval $(call bench_facts,rdma-service,verification/bench/rdma-service,a message through the service of RDMA (a few seconds),\
	$(wildcard verification/bench/rdma-service verification/bench/rdma_service.c verification/unit/rdma_* rtdrivers/ib/*.[ch] \
	$(addprefix partitions/rdma/,core/* client/* include/rdma/*))))
$(eval $(call bench_facts,lanes,$(MAKE) --no-print-directory $(BUILD)/unit/test_vlarb && verification/bench/lanes $(BUILD),waits \
	of lanes and their bound (a second),verification/bench/lanes verification/unit/test_vlarb.c $(wildcard rtdrivers/ib/vlarb.*)))
$(eval $(call bench_facts,locks,$(MAKE) --no-print-directory locksim && verification/bench/locks $(BUILD),the engine of locks \
	and its simulated waits (a few seconds),$(wildcard verification/bench/lock* verification/bench/many-locks verification/unit/lock_world.* \
	verification/unit/lock_net.* $(addprefix partitions/lockd/,*/*.c include/mullion/*.h) partitions/lib/queuing.c verification/locksim/*.c)))
$(eval $(call bench_facts,ports,verification/system/ports.t,messages between partitions (half a minute),\
	$(call bench_test,ports) $(call deployments,ports-*) $(BUILD)/partitions/test-ports.elf))
$(eval $(call bench_facts,mode-change,verification/system/switch.t,switches of schedules (half a minute),\
	$(call bench_test,switch) $(call deployments,switch.*) $(BUILD)/partitions/test-switch.elf))
$(eval $(call bench_facts,restart,verification/system/restart.t,restarts beside a neighbour (a minute),\
	$(call bench_test,restart) verification/system/deltas $(call deployments,restart-*) \
	$(foreach name,restart nvme,$(BUILD)/partitions/test-$(name).elf)))
$(eval $(call bench_facts,control-cost,verification/system/control-cost.t,every command of control (a few seconds),\
	$(call bench_test,control-cost) verification/system/control.py $(call deployments,control-owned.dts)))
$(eval $(call bench_facts,flood,FLOOD_SECONDS=10 verification/system/flood.t,control flooded for ten virtual seconds (some \
	minutes),$(call bench_test,flood) verification/system/flood.py verification/system/control.py \
	verification/system/deltas verification/noninterference/observed $(call deployments,flood.dts.in) \
	$(BUILD)/partitions/nav.elf))
