# Fuzzing with clang's libFuzzer: `make fuzz-control fuzz-inet fuzz-wire RUNS=10000000`. What it found worth
# keeping, and what it failed at, stays below $(BUILD)/fuzz. FUZZ_ROOT: another tree than this one, with defects
# planted.
FUZZ ?= $(BUILD)/fuzz
FUZZ_ROOT ?=
FUZZ_CC ?= clang
FUZZ_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g -Icore/include -I$(FUZZ_ROOT)partitions/control \
	-I$(FUZZ_ROOT)rtdrivers -I$(FUZZ_ROOT)partitions/rdma/include -Ipartitions/lib/include -Wall -Wextra \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
RUNS ?= 1000000

# $(call fuzzer,NAME,LONGEST,SOURCES,HEADERS,LIBRARIES): `make fuzz-NAME` fuzzes verification/fuzz/NAME.c with SOURCES, by inputs of at most
# LONGEST bytes.
define fuzzer
FUZZ_SRCS_$(1) := $$(addprefix $$(FUZZ_ROOT),verification/fuzz/$(1).c $(3))

$$(FUZZ)/$(1): $$(FUZZ_SRCS_$(1)) $$(FUZZ_ROOT)verification/fuzz/fuzz.h $$(wildcard $$(addprefix $$(FUZZ_ROOT),$(4)))
	@mkdir -p $$(@D)
	@$$(FUZZ_CC) $$(FUZZ_CFLAGS) $$(FUZZ_SRCS_$(1)) -o $$@ $(5)

.PHONY: fuzz-$(1)
fuzz-$(1): $$(FUZZ)/$(1)
	@mkdir -p $$(FUZZ)/$(1).corpus
	@$$(FUZZ)/$(1) -len_control=0 -max_len=$(2) -runs=$$(RUNS) -artifact_prefix=$$(FUZZ)/$(1). -print_final_stats=1 \
		$$(FUZZ)/$(1).corpus >$$(FUZZ)/$(1).log 2>&1 || { tail -n 40 $$(FUZZ)/$(1).log; exit 1; }
	@grep -E '^(packets|datagrams|#.*DONE|stat::number_of_executed_units|stat::average)' $$(FUZZ)/$(1).log
endef

FUZZ_IB_HEADERS := rtdrivers/ib/*.h rtdrivers/inet/*.h

$(eval $(call fuzzer,control,1400,$(CONTROL_FAKE),$(CONTROL_DIR)/*.h verification/unit/fake_control.h,-lnettle))
$(eval $(call fuzzer,inet,1600,$(INET_CODE),rtdrivers/inet/*.h))
$(eval $(call fuzzer,station6,1600,$(test_station6_SRCS),rtdrivers/inet/*.h))
$(eval $(call fuzzer,tcp,1201,$(TCP_CODE),rtdrivers/inet/*.h))
$(eval $(call fuzzer,wire,1200,$(IB_CODE),$(FUZZ_IB_HEADERS)))
$(eval $(call fuzzer,verbs,1600,$(VERBS_SRCS),$(FUZZ_IB_HEADERS)))
$(eval $(call fuzzer,connection,1600,$(VERBS_SRCS) $(CONNECTION_SRCS),$(FUZZ_IB_HEADERS)))
$(eval $(call fuzzer,rdma,1200,$(RDMA_WORLD_SRCS),$(FUZZ_IB_HEADERS) partitions/rdma/*/*.h partitions/rdma/include/rdma/*.h \
	verification/unit/*.h,-lcmocka))
