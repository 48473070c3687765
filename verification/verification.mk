# Tests: everything speaks TAP, prove runs it, one closing line sums it up.

-include verification/unit/*.mk
-include verification/coverage/coverage.mk
-include verification/peers/peers.mk
-include verification/bench/bench.mk
-include verification/noninterference/noninterference.mk
-include verification/rules/rules.mk
-include verification/docs/docs.mk
-include verification/fuzz/fuzz.mk
-include verification/proofs/proofs.mk
-include verification/locksim/locksim.mk
-include verification/interop/interop.mk
-include verification/cluster/cluster.mk

UNIT := $(BUILD)/unit
UNIT_CFLAGS := -std=c11 -D_GNU_SOURCE -O1 -g -Itools/mullion -Icore/include -Iarch/x86/include \
	-Ipartitions/lib/include -Ipartitions/lockd/include -Ipartitions/rdma/include -Irtdrivers -Iverification/unit -Wall -Wextra -Wshadow -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined
UNIT_LIBS := -lcmocka -lfdt -ljansson -lm
UNIT_PROGRAMS := $(UNIT_TESTS:%=$(UNIT)/%)

define unit_rule
$(UNIT)/$(1): verification/unit/$(1).c $$($(1)_SRCS) $$(wildcard tools/mullion/*.h core/include/mullion/*.h verification/unit/*.h)
	@mkdir -p $$(@D)
	@$$(CC) $$($(1)_INCLUDE) $$(UNIT_CFLAGS) $$($(1)_CFLAGS) verification/unit/$(1).c $$($(1)_SRCS) -o $$@ $$(UNIT_LIBS)
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call unit_rule,$(test))))

SYSTEM_TESTS := $(sort $(wildcard verification/system/*.t))
OTHER_TESTS := $(sort $(wildcard verification/rules/*.t verification/docs/*.t verification/tools/*.t \
	verification/gates/*.t))

# Longest first: two run at a time.
ALL_TESTS = $(SYSTEM_TESTS) $(INTEROP_TESTS) $(OTHER_TESTS) $(UNIT_PROGRAMS)

.PHONY: test test-run check check-run unit
unit: $(UNIT_PROGRAMS)
	@BUILD=$(BUILD) verification/run-tests $(UNIT_PROGRAMS)

test-run: kernel tools partitions $(UNIT_PROGRAMS)
	@BUILD=$(BUILD) verification/run-tests $(ALL_TESTS)

# The fast part: no system tests.
check-run: kernel tools partitions $(UNIT_PROGRAMS)
	@BUILD=$(BUILD) verification/run-tests $(OTHER_TESTS) $(UNIT_PROGRAMS)

# Every line of the kernel the system tests reach, counted inside the booted kernel. The counted kernel
# is several times longer on every path, so here only what was executed is judged, not when.
.PHONY: coverage coverage-run
coverage-run: $(COVERAGE)/kernel/libkernel.a tools partitions
	@rm -rf $(COVERAGE)/dumps && mkdir -p $(COVERAGE)/dumps
	@for test in $(SYSTEM_TESTS); do echo "coverage: $$test"; \
		BUILD=$(BUILD) KERNEL=$(COVERAGE)/kernel COVERAGE_DUMP_DIR=$(COVERAGE)/dumps \
			$$test >$(COVERAGE)/dumps/log 2>&1 || true; done; rm -f $(COVERAGE)/dumps/log
	@$(MAKE) --no-print-directory coverage-report COVERAGE_DUMPS="$$(echo $(COVERAGE)/dumps/*)"

coverage: packages
	@$(MAKE) --no-print-directory coverage-run

test: packages
	@$(MAKE) --no-print-directory test-run

check: packages
	@$(MAKE) --no-print-directory check-run
