# Mullion. `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.

BUILD := build
CC := gcc
DEPLOYMENT ?= demo

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

# ---- Kernel ---------------------------------------------------------------------------------------

KERNEL := $(BUILD)/kernel
KERNEL_SRCS := $(sort $(wildcard core/*.c arch/x86/*.c arch/x86/*.S))
KERNEL_CFLAGS := -std=c11 -O2 -g -Icore/include -Iarch/x86/include -ffreestanding -fno-pic -fno-pie \
	-mgeneral-regs-only -mno-red-zone -mcmodel=small -fcf-protection=none -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-common -fno-tree-loop-distribute-patterns \
	-fno-strict-aliasing -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wundef \
	-Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith -Wcast-align -Wwrite-strings \
	-Wstack-usage=1024 -Werror -Wno-error=stack-usage= -ffile-prefix-map=$(CURDIR)=.

# kernel_library DIRECTORY, FLAGS, MORE SOURCES: one way of compiling the kernel, as DIRECTORY/libkernel.a
define kernel_library
$(1)_OBJS := $$(patsubst %,$(1)/%.o,$(KERNEL_SRCS) $(3))
$(1)/%.o: % $(1)/cflags
	@mkdir -p $$(@D)
	@$$(CC) $$(KERNEL_CFLAGS) $(2) -MMD -MP -c $$< -o $$@
$(1)/cflags: Makefile
	@mkdir -p $$(@D)
	@echo '$$(KERNEL_CFLAGS)' > $$@
$(1)/libkernel.a: $$($(1)_OBJS)
	@rm -f $$@
	@ar rcsD $$@ $$^
-include $$($(1)_OBJS:.o=.d)
endef
$(eval $(call kernel_library,$(KERNEL),,))

# ---- The other rooms ------------------------------------------------------------------------------

-include tools/tools.mk
-include partitions/partitions.mk
-include verification/verification.mk
-include tools/demo.mk

# ---- What users ask for ---------------------------------------------------------------------------

.PHONY: help image run clean kernel packages
packages:
	@tools/install-packages

kernel: $(KERNEL)/libkernel.a

help:
	@echo 'make demo                  install what is missing, build, boot, measure, report'
	@echo 'make test                  everything that must hold'
	@echo 'make check                 its fast part: no boots'
	@echo 'make image DEPLOYMENT=x    build config/deployments/x.dts into $(BUILD)/x/'
	@echo 'make run DEPLOYMENT=x      build it and boot it in QEMU'
	@echo 'make bench                 every figure of the README, into $(BUILD)/bench.json'
	@echo 'make coverage              lines of the kernel reached in the booted kernel, as HTML'
	@echo 'make noninterference       one partition beside every behaviour of another, byte by byte'
	@echo 'make proofs                the ports, proved with Frama-C, defects planted'
	@echo 'make fuzz-control RUNS=n   commands of n kinds into control; so fuzz-inet, fuzz-tcp, fuzz-wire, fuzz-verbs, fuzz-connection, fuzz-station6, fuzz-rdma'
	@echo 'make campaign              100,000 simulated runs of the locks, their model in large shapes, 10^7 refusals: hours'
	@echo 'make lock-picture          waits for simulated locks against their bounds, as a picture'
	@echo 'make cluster               three nodes count under a lock, are killed, paused, cut off; every addition accounted for'
	@echo 'make peers                 the same probe under Xen and KVM, and what messages and locks cost Linux'
	@echo 'make interop               Linux peers through the codecs, our RDMA tools against theirs, a second opinion by tshark'
	@echo 'make clean                 remove $(BUILD)/'

image: packages
	@$(MAKE) --no-print-directory kernel tools partitions
	$(BUILD)/tools/mullion build config/deployments/$(DEPLOYMENT).dts -o $(BUILD)/$(DEPLOYMENT)

run: image
	$(BUILD)/tools/mullion run $(BUILD)/$(DEPLOYMENT)

clean:
	rm -rf $(BUILD)
