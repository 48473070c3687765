# Partitions: newlib once, the SDK library, and one PVH ELF for every directory named below.
#
# newlib is compiled from Debian's newlib-source into $(BUILD)/newlib and kept: its stamp depends on
# nothing but the source archive and this recipe's version, so a rebuild of Mullion does not touch it.

NEWLIB_SOURCE ?= /usr/src/newlib/newlib-3.3.0.tar.xz
NEWLIB_DIR := $(BUILD)/newlib
NEWLIB_STAMP := $(NEWLIB_DIR)/recipe-1.stamp
NEWLIB_PREFIX := $(NEWLIB_DIR)/prefix/x86_64-elf

PARTITION_MACHINE := -m64 -march=x86-64 -mno-red-zone -fno-pic -fno-pie -ffreestanding \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-ffunction-sections -fdata-sections

NEWLIB_TOOLS = CC_FOR_TARGET="$(CC)" AR_FOR_TARGET=ar RANLIB_FOR_TARGET=ranlib AS_FOR_TARGET=as \
	LD_FOR_TARGET=ld NM_FOR_TARGET=nm MAKEINFO=true \
	CFLAGS_FOR_TARGET="-O2 -g -w $(PARTITION_MACHINE) -ffile-prefix-map=$(abspath $(NEWLIB_DIR))=newlib"

$(NEWLIB_STAMP):
	@test -r $(NEWLIB_SOURCE) || { \
		echo "newlib: $(NEWLIB_SOURCE) is missing: install the package newlib-source" >&2; exit 1; }
	@echo "newlib: building (about a minute)..."
	@rm -rf $(NEWLIB_DIR) && mkdir -p $(NEWLIB_DIR)/object
	@tar -C $(NEWLIB_DIR) -xf $(NEWLIB_SOURCE)
	@cd $(NEWLIB_DIR)/object && unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS LDFLAGS && { \
		$(abspath $(NEWLIB_DIR))/newlib-salsa/configure --target=x86_64-elf \
			--prefix=$(abspath $(NEWLIB_DIR))/prefix --disable-multilib --disable-libgloss \
			--disable-newlib-supplied-syscalls --disable-newlib-multithread \
			--enable-newlib-io-long-long --enable-newlib-io-c99-formats $(NEWLIB_TOOLS) && \
		make -j$$(nproc) all-target-newlib && make install-target-newlib; } >../log 2>&1 || { \
			tail -n 20 ../log >&2; echo "newlib: failed, see $(NEWLIB_DIR)/log" >&2; exit 1; }
	@rm -rf $(NEWLIB_DIR)/object $(NEWLIB_DIR)/newlib-salsa
	@touch $@

PARTITION_CPPFLAGS := -nostdinc -isystem $(NEWLIB_PREFIX)/include \
	-isystem $$($(CC) -print-file-name=include) -Ipartitions/lib/include \
	-Ipartitions/lockd/include -Ipartitions/rdma/include -Irtdrivers -Icore/include \
	-D_DEFAULT_SOURCE
PARTITION_CFLAGS := -std=c11 -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
	-Wmissing-prototypes -Wstrict-prototypes -Werror $(PARTITION_MACHINE) \
	-ffile-prefix-map=$(CURDIR)=.
PARTITION_LDFLAGS := -static -nostdlib -no-pie -Wl,--gc-sections -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--fatal-warnings \
	-T partitions/lib/partition.ld

PARTITION_OBJECTS := $(BUILD)/partitions/obj

# SHA-256 of the package nettle-dev, for control. The archive picks an implementation by what the
# processor offers, with a C library that is not ours; here the plain one is named.
NETTLE_LIBRARY ?= /usr/lib/x86_64-linux-gnu/libnettle.a
NETTLE_HEADERS ?= /usr/include/nettle
NETTLE_INCLUDE := $(BUILD)/partitions/include
NETTLE_LINK := -Wl,--defsym=_nettle_sha256_compress=_nettle_sha256_compress_x86_64
PARTITION_LIBRARY := $(BUILD)/partitions/libmullion.a

# The lock service but for its partition (docs/locks.md), linked by whoever uses it. The engine is compiled as one, so
# that what is a function of its own for verification, as each rule is, costs no call, and for AMD's processors.
LOCK_LIBRARY := $(BUILD)/partitions/liblock.a
LOCK_ENGINE_OBJECT := $(PARTITION_OBJECTS)/lockd/engine.o
LOCK_ENGINE_CFLAGS := -mtune=znver2 -flto -fno-tree-slp-vectorize \
	--param max-inline-insns-auto=200 --param inline-unit-growth=1000

# The rdma service without its partition, and its clients' verbs (docs/rdma.md), likewise.
RDMA_LIBRARY := $(BUILD)/partitions/librdma.a

# Drivers: compiled so that the longest path through the object code can be told (docs/drivers.md), one
# library for all partitions. drivers.elf has every one of them, whether a partition uses it or not.
DRIVER_OBJECTS := $(BUILD)/rtdrivers/obj
DRIVER_LIBRARY := $(BUILD)/rtdrivers/librtdrivers.a
DRIVER_ELF := $(BUILD)/rtdrivers/drivers.elf
DRIVER_CFLAGS := -fno-jump-tables -fno-tree-vectorize -fno-tree-loop-distribute-patterns \
	-fno-unroll-loops -fno-reorder-blocks-and-partition -Wvla

# Each directory with sources is one partition; those of partitions/tests are named test-NAME.
PARTITION_DIRS := $(filter-out partitions/lib partitions/tests,\
	$(patsubst %/,%,$(sort $(dir $(wildcard partitions/*/*.c)))))
PARTITION_TEST_DIRS := $(patsubst %/,%,$(sort $(dir $(wildcard partitions/tests/*/*.c))))
PARTITION_ELFS := $(patsubst partitions/%,$(BUILD)/partitions/%.elf,$(PARTITION_DIRS)) \
	$(patsubst partitions/tests/%,$(BUILD)/partitions/test-%.elf,$(PARTITION_TEST_DIRS))

$(NETTLE_INCLUDE)/nettle:
	@test -r $(NETTLE_HEADERS)/sha2.h && test -r $(NETTLE_LIBRARY) || { \
		echo "nettle: $(NETTLE_LIBRARY) is missing: install the package nettle-dev" >&2; exit 1; }
	@mkdir -p $(@D) && ln -sfn $(NETTLE_HEADERS) $@

comma := ,
partition_sources = $(wildcard $(1)/*.c $(1)/*.S)
partition_objects = $(patsubst partitions/%,$(PARTITION_OBJECTS)/%.o,$(call partition_sources,$(1)))

$(PARTITION_OBJECTS)/%.c.o: partitions/%.c $(NEWLIB_STAMP) partitions/partitions.mk
	@mkdir -p $(dir $@)
	@echo "  CC    $<"
	@$(CC) $(PARTITION_CPPFLAGS) $(PARTITION_CFLAGS) -MMD -MP -c -o $@ $<

$(PARTITION_OBJECTS)/%.S.o: partitions/%.S $(NEWLIB_STAMP) partitions/partitions.mk
	@mkdir -p $(dir $@)
	@echo "  CC    $<"
	@$(CC) $(PARTITION_CPPFLAGS) $(PARTITION_MACHINE) -g -ffile-prefix-map=$(CURDIR)=. \
		-MMD -MP -c -o $@ $<

$(PARTITION_LIBRARY): $(call partition_objects,partitions/lib)
	@rm -f $@
	@echo "  AR    $@"
	@ar rcsD $@ $^

lock_engine_objects := $(call partition_objects,partitions/lockd/engine)
lock_other_objects := $(foreach d,api wire router,$(call partition_objects,partitions/lockd/$(d)))

$(lock_engine_objects): PARTITION_CFLAGS += $(LOCK_ENGINE_CFLAGS)

$(LOCK_ENGINE_OBJECT): $(lock_engine_objects)
	@echo "  LTO   $@"
	@$(CC) $(PARTITION_CFLAGS) $(LOCK_ENGINE_CFLAGS) -flinker-output=nolto-rel -nostdlib -r -o $@ $^

$(LOCK_LIBRARY): $(LOCK_ENGINE_OBJECT) $(lock_other_objects)
	@rm -f $@
	@echo "  AR    $@"
	@ar rcsD $@ $^
-include $(lock_engine_objects:.o=.d) $(lock_other_objects:.o=.d)

rdma_objects := $(call partition_objects,partitions/rdma/core) \
	$(call partition_objects,partitions/rdma/client)

$(RDMA_LIBRARY): $(rdma_objects)
	@rm -f $@
	@echo "  AR    $@"
	@ar rcsD $@ $^
-include $(rdma_objects:.o=.d)

driver_objects := $(patsubst rtdrivers/%,$(DRIVER_OBJECTS)/%.o,$(wildcard rtdrivers/*/*.c))

$(DRIVER_OBJECTS)/%.c.o: rtdrivers/%.c $(NEWLIB_STAMP) partitions/partitions.mk
	@mkdir -p $(dir $@)
	@echo "  CC    $<"
	@$(CC) $(PARTITION_CPPFLAGS) $(PARTITION_CFLAGS) $(DRIVER_CFLAGS) -MMD -MP -c -o $@ $<

$(DRIVER_LIBRARY): $(driver_objects)
	@rm -f $@
	@echo "  AR    $@"
	@ar rcsD $@ $^

$(DRIVER_ELF): $(DRIVER_LIBRARY) $(PARTITION_LIBRARY) partitions/lib/partition.ld
	@echo "  LD    $@"
	@$(CC) $(filter-out -Wl$(comma)--gc-sections,$(PARTITION_LDFLAGS)) -Wl,--defsym=main=0 -o $@ \
		-Wl,--whole-archive $(DRIVER_LIBRARY) -Wl,--no-whole-archive \
		-Wl,--start-group $(PARTITION_LIBRARY) -L$(NEWLIB_PREFIX)/lib -lc -lm -lgcc -Wl,--end-group
-include $(driver_objects:.o=.d)

define partition_rule
$(BUILD)/partitions/$(2).elf: $(call partition_objects,$(1)) $(RDMA_LIBRARY) $(DRIVER_LIBRARY) \
		$(PARTITION_LIBRARY) $(LOCK_LIBRARY) partitions/lib/partition.ld
	@echo "  LD    $$@"
	@$$(CC) $$(PARTITION_LDFLAGS) -o $$@ $(call partition_objects,$(1)) \
		$(LOCK_LIBRARY) $(RDMA_LIBRARY) $(DRIVER_LIBRARY) $$(PARTITION_LINK) \
		-Wl,--start-group $(PARTITION_LIBRARY) -L$(NEWLIB_PREFIX)/lib -lc -lm -lgcc -Wl,--end-group
-include $(patsubst %.o,%.d,$(call partition_objects,$(1)))
endef

# Bounds of control's steps are told from its object code, as those of drivers.
CONTROL_OBJECTS := $(call partition_objects,partitions/control)
$(CONTROL_OBJECTS): PARTITION_CPPFLAGS += -isystem $(NETTLE_INCLUDE)
$(CONTROL_OBJECTS): PARTITION_CFLAGS += $(DRIVER_CFLAGS)
$(CONTROL_OBJECTS): | $(NETTLE_INCLUDE)/nettle
$(BUILD)/partitions/control.elf: PARTITION_LINK = $(NETTLE_LINK) $(NETTLE_LIBRARY)

$(foreach d,$(PARTITION_DIRS),$(eval $(call partition_rule,$(d),$(patsubst partitions/%,%,$(d)))))
$(foreach d,$(PARTITION_TEST_DIRS),\
	$(eval $(call partition_rule,$(d),$(patsubst partitions/tests/%,test-%,$(d)))))
-include $(patsubst %.o,%.d,$(call partition_objects,partitions/lib))

.PHONY: partitions
partitions: $(PARTITION_ELFS) $(DRIVER_ELF) $(LOCK_LIBRARY)
