# Unit tests of the compiler's back end: data compared as data, printing apart.
UNIT_TESTS += test_ticks test_paging test_bitmap test_cpuid test_layout test_maps test_shares test_svg \
	test_config_space test_assignment test_devices

BACKEND_BASE := tools/mullion/allocate.c tools/mullion/arena.c
BACKEND_LAYOUT := $(BACKEND_BASE) $(addprefix tools/mullion/,layout.c assignment.c placement.c regions.c restore.c paging.c) \
	verification/unit/sample_model.c

BACKEND_DEVICES := verification/unit/sample_model.c verification/unit/sample_devices.c

test_ticks_SRCS := tools/mullion/ticks.c
test_paging_SRCS := $(BACKEND_BASE) tools/mullion/paging.c verification/unit/walk.c
test_bitmap_SRCS := tools/mullion/bitmap.c
test_cpuid_SRCS := $(BACKEND_BASE) tools/mullion/cpuid.c tools/mullion/cpuid_policy.c \
	verification/unit/sample_model.c
test_layout_SRCS := $(BACKEND_LAYOUT)
test_maps_SRCS := $(BACKEND_LAYOUT) tools/mullion/maps.c verification/unit/walk.c
test_config_space_SRCS := tools/mullion/config_space.c tools/mullion/pci_config.c $(BACKEND_DEVICES)
test_assignment_SRCS := $(BACKEND_LAYOUT) tools/mullion/maps.c verification/unit/sample_devices.c \
	verification/unit/walk.c
test_devices_SRCS := $(BACKEND_LAYOUT) $(addprefix tools/mullion/,maps.c devices.c config_space.c \
	pci_config.c) verification/unit/sample_devices.c verification/unit/walk_dma.c
test_shares_SRCS := $(BACKEND_BASE) tools/mullion/shares.c
test_svg_SRCS := $(BACKEND_BASE) tools/mullion/svg.c tools/mullion/shares.c \
	verification/unit/sample_model.c

# test_emit* are linked with the system.c they judge; addresses in it must be constants, hence no PIE.
BACKEND_PLAN = $(sort $(BACKEND_LAYOUT) $(BACKEND_DEVICES) $(MULLION_FRONT) $(addprefix tools/mullion/,\
	maps.c plan.c config_space.c devices.c bitmap.c cpuid.c cpuid_policy.c ticks.c))
BACKEND_EMIT := $(addprefix tools/mullion/,emit_system.c emit_node.c emit_pages.c emit_trees.c \
	emit_permissions.c emit_iommus.c emit_devices.c emit_schedules.c emit_partitions.c emit_descriptors.c)
BACKEND_PRINTED = $(BACKEND_PLAN) $(addprefix verification/unit/,printed_devices.c walk_dma.c)
BACKEND_FIXED := -fno-pic -no-pie -fno-sanitize=all
UNIT_TESTS += test_plan test_emit test_emit_vtd test_emit_amdvi
test_plan_SRCS = $(BACKEND_PLAN)
test_emit_SRCS = $(BACKEND_PLAN) verification/unit/walk.c $(BUILD)/unit/sample_system.c
test_emit_CFLAGS := $(BACKEND_FIXED)
test_emit_vtd_SRCS = $(BACKEND_PRINTED) $(BUILD)/unit/sample_vtd.c
test_emit_vtd_CFLAGS := $(BACKEND_FIXED)
test_emit_amdvi_SRCS = $(BACKEND_PRINTED) $(BUILD)/unit/sample_amdvi.c
test_emit_amdvi_CFLAGS := $(BACKEND_FIXED)

$(BUILD)/unit/emit_sample: verification/unit/emit_sample.c $(BACKEND_PLAN) $(BACKEND_EMIT) \
		$(wildcard tools/mullion/*.h core/include/mullion/*.h arch/x86/include/*.h)
	@mkdir -p $(@D)
	@$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^) $(UNIT_LIBS)

$(BUILD)/unit/sample_system.c: $(BUILD)/unit/emit_sample
	@$< >$@

$(BUILD)/unit/sample_vtd.c: $(BUILD)/unit/emit_sample
	@$< vt-d >$@

$(BUILD)/unit/sample_amdvi.c: $(BUILD)/unit/emit_sample
	@$< amd-vi >$@
