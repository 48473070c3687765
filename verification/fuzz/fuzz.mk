# Fuzzing with clang's libFuzzer: `make fuzz-control fuzz-inet fuzz-wire RUNS=10000000`. What it found worth
# keeping, and what it failed at, stays below $(BUILD)/fuzz. FUZZ_ROOT: another tree than this one, with defects
# planted.
FUZZ ?= $(BUILD)/fuzz
FUZZ_ROOT ?=
FUZZ_CC ?= clang
FUZZ_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g -Icore/include -I$(FUZZ_ROOT)partitions/control \
	-I$(FUZZ_ROOT)rtdrivers -I$(FUZZ_ROOT)partitions/rdma/include -Wall -Wextra \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
RUNS ?= 1000000

FUZZ_CONTROL_SRCS := $(addprefix $(FUZZ_ROOT),verification/fuzz/control.c $(CONTROL_FAKE))

$(FUZZ)/control: $(FUZZ_CONTROL_SRCS) verification/unit/fake_control.h $(wildcard $(CONTROL_DIR)/*.h) core/include/mullion/abi.h
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_CONTROL_SRCS) -o $@ -lnettle

.PHONY: fuzz-control
fuzz-control: $(FUZZ)/control
	@mkdir -p $(FUZZ)/control.corpus
	@$(FUZZ)/control -len_control=0 -max_len=1400 -runs=$(RUNS) -artifact_prefix=$(FUZZ)/control. -print_final_stats=1 \
		$(FUZZ)/control.corpus >$(FUZZ)/control.log 2>&1 || { tail -n 40 $(FUZZ)/control.log; exit 1; }
	@grep -E '^(#.*DONE|stat::number_of_executed_units|stat::average)' $(FUZZ)/control.log

FUZZ_INET_SRCS := $(addprefix $(FUZZ_ROOT),verification/fuzz/inet.c $(INET_CODE))

$(FUZZ)/inet: $(FUZZ_INET_SRCS) $(wildcard rtdrivers/inet/*.h)
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_INET_SRCS) -o $@

.PHONY: fuzz-inet
fuzz-inet: $(FUZZ)/inet
	@mkdir -p $(FUZZ)/inet.corpus
	@$(FUZZ)/inet -len_control=0 -max_len=1600 -runs=$(RUNS) -artifact_prefix=$(FUZZ)/inet. -print_final_stats=1 \
		$(FUZZ)/inet.corpus >$(FUZZ)/inet.log 2>&1 || { tail -n 40 $(FUZZ)/inet.log; exit 1; }
	@grep -E '^(#.*DONE|stat::number_of_executed_units|stat::average)' $(FUZZ)/inet.log

FUZZ_WIRE_SRCS := $(addprefix $(FUZZ_ROOT),verification/fuzz/wire.c $(IB_CODE))

$(FUZZ)/wire: $(FUZZ_WIRE_SRCS) $(wildcard rtdrivers/ib/*.h rtdrivers/inet/*.h)
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_WIRE_SRCS) -o $@

.PHONY: fuzz-wire
fuzz-wire: $(FUZZ)/wire
	@mkdir -p $(FUZZ)/wire.corpus
	@$(FUZZ)/wire -len_control=0 -max_len=1200 -runs=$(RUNS) -artifact_prefix=$(FUZZ)/wire. -print_final_stats=1 \
		$(FUZZ)/wire.corpus >$(FUZZ)/wire.log 2>&1 || { tail -n 40 $(FUZZ)/wire.log; exit 1; }
	@grep -E '^(#.*DONE|stat::number_of_executed_units|stat::average)' $(FUZZ)/wire.log

# The verbs' receiver: `make fuzz-verbs RUNS=10000000`.
FUZZ_VERBS_SRCS := $(addprefix $(FUZZ_ROOT),verification/fuzz/verbs.c $(VERBS_SRCS))

$(FUZZ)/verbs: $(FUZZ_VERBS_SRCS) $(wildcard $(FUZZ_ROOT)rtdrivers/ib/*.h)
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_VERBS_SRCS) -o $@

.PHONY: fuzz-verbs
fuzz-verbs: $(FUZZ)/verbs
	@mkdir -p $(FUZZ)/verbs.corpus
	@$(FUZZ)/verbs -len_control=0 -max_len=1600 -runs=$(RUNS) -artifact_prefix=$(FUZZ)/verbs. -print_final_stats=1 \
		$(FUZZ)/verbs.corpus >$(FUZZ)/verbs.log 2>&1 || { tail -n 40 $(FUZZ)/verbs.log; exit 1; }
	@grep -E '^(packets|#.*DONE|stat::number_of_executed_units|stat::average)' $(FUZZ)/verbs.log

# A TCP connection: `make fuzz-tcp RUNS=10000000`.
FUZZ_TCP_SRCS := $(addprefix $(FUZZ_ROOT),verification/fuzz/tcp.c $(TCP_CODE))

$(FUZZ)/tcp: $(FUZZ_TCP_SRCS) $(wildcard rtdrivers/inet/*.h)
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_TCP_SRCS) -o $@

.PHONY: fuzz-tcp
fuzz-tcp: $(FUZZ)/tcp
	@mkdir -p $(FUZZ)/tcp.corpus
	@$(FUZZ)/tcp -len_control=0 -max_len=1201 -runs=$(RUNS) -artifact_prefix=$(FUZZ)/tcp. -print_final_stats=1 \
		$(FUZZ)/tcp.corpus >$(FUZZ)/tcp.log 2>&1 || { tail -n 40 $(FUZZ)/tcp.log; exit 1; }
	@grep -E '^(#.*DONE|stat::number_of_executed_units|stat::average)' $(FUZZ)/tcp.log

# Connections: `make fuzz-connection RUNS=1000000`.
FUZZ_CONNECTION_SRCS := $(addprefix $(FUZZ_ROOT),verification/fuzz/connection.c $(VERBS_SRCS) $(CONNECTION_SRCS))

$(FUZZ)/connection: $(FUZZ_CONNECTION_SRCS) $(wildcard $(FUZZ_ROOT)rtdrivers/ib/*.h)
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_CONNECTION_SRCS) -o $@

.PHONY: fuzz-connection
fuzz-connection: $(FUZZ)/connection
	@mkdir -p $(FUZZ)/connection.corpus
	@$(FUZZ)/connection -len_control=0 -max_len=1600 -runs=$(RUNS) -artifact_prefix=$(FUZZ)/connection. -print_final_stats=1 \
		$(FUZZ)/connection.corpus >$(FUZZ)/connection.log 2>&1 || { tail -n 40 $(FUZZ)/connection.log; exit 1; }
	@grep -E '^(datagrams|#.*DONE|stat::number_of_executed_units|stat::average)' $(FUZZ)/connection.log

# A station on an IPv6 link: `make fuzz-station6 RUNS=10000000`.
FUZZ_STATION6_SRCS := $(addprefix $(FUZZ_ROOT),verification/fuzz/station6.c $(test_station6_SRCS))

$(FUZZ)/station6: $(FUZZ_STATION6_SRCS) $(wildcard $(FUZZ_ROOT)rtdrivers/inet/*.h)
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_STATION6_SRCS) -o $@

.PHONY: fuzz-station6
fuzz-station6: $(FUZZ)/station6
	@mkdir -p $(FUZZ)/station6.corpus
	@$(FUZZ)/station6 -len_control=0 -max_len=1600 -runs=$(RUNS) -artifact_prefix=$(FUZZ)/station6. -print_final_stats=1 \
		$(FUZZ)/station6.corpus >$(FUZZ)/station6.log 2>&1 || { tail -n 40 $(FUZZ)/station6.log; exit 1; }
	@grep -E '^(#.*DONE|stat::number_of_executed_units|stat::average)' $(FUZZ)/station6.log

# A client of the rdma service: `make fuzz-rdma RUNS=100000`.
FUZZ_RDMA_SRCS := $(addprefix $(FUZZ_ROOT),verification/fuzz/rdma.c $(RDMA_WORLD_SRCS))

$(FUZZ)/rdma: $(FUZZ_RDMA_SRCS) $(wildcard $(addprefix $(FUZZ_ROOT),rtdrivers/ib/*.h partitions/rdma/*/*.h \
		partitions/rdma/include/rdma/*.h verification/unit/*.h))
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_RDMA_SRCS) -o $@ -lcmocka

.PHONY: fuzz-rdma
fuzz-rdma: $(FUZZ)/rdma
	@mkdir -p $(FUZZ)/rdma.corpus
	@$(FUZZ)/rdma -len_control=0 -max_len=1200 -runs=$(RUNS) -artifact_prefix=$(FUZZ)/rdma. -print_final_stats=1 \
		$(FUZZ)/rdma.corpus >$(FUZZ)/rdma.log 2>&1 || { tail -n 40 $(FUZZ)/rdma.log; exit 1; }
	@grep -E '^(#.*DONE|stat::number_of_executed_units|stat::average)' $(FUZZ)/rdma.log
