# The host program: build/tools/mullion, one binary with subcommands. The front end and the jitter
# report list their own sources in front.mk and jitter.mk, the audit in audit.mk; the back end's are
# listed here.

-include tools/mullion/front.mk
-include tools/mullion/jitter.mk
-include tools/mullion/audit.mk
-include tools/mullion/ctl.mk

MULLION_BACK := allocate.c assignment.c bitmap.c build.c check_command.c command.c \
	config_space.c cpuid.c cpuid_policy.c devices.c emit_descriptors.c emit_devices.c \
	emit_images.c emit_iommus.c emit_json.c emit_json_devices.c emit_json_locks.c emit_json_rdma.c emit_node.c emit_pages.c emit_partitions.c \
	emit_permissions.c emit_schedules.c emit_system.c emit_trees.c explain.c \
	explain_access.c explain_devices.c explain_health.c explain_locks.c explain_rdma.c forward.c layout.c load.c main.c maps.c output.c paging.c \
	placement.c plan.c rdma_block.c regions.c restore.c run.c shares.c svg.c ticks.c

MULLION_SRCS := $(notdir $(MULLION_BACK) rtdrivers/ib/vlarb.c $(MULLION_FRONT) $(MULLION_JITTER) $(MULLION_AUDIT) $(MULLION_CTL))
MULLION_OBJS := $(MULLION_SRCS:%.c=$(BUILD)/tools/obj/%.o)

TOOLS_CPPFLAGS := -D_GNU_SOURCE -Icore/include -Iarch/x86/include -Ipartitions/lib/include \
	-Ipartitions/lockd/include -Ipartitions/rdma/include -Irtdrivers -Itools/mullion
TOOLS_CFLAGS := -std=c11 -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wno-format-truncation -Werror
TOOLS_LIBS := -lfdt -ljansson -lnettle -lncurses -lm

MULLION := $(BUILD)/tools/mullion

.PHONY: tools
tools: $(MULLION)

$(BUILD)/tools/obj/%.o: tools/mullion/%.c
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) -MMD -MP -c $< -o $@

# The port's own bound on waits.
$(BUILD)/tools/obj/vlarb.o: rtdrivers/ib/vlarb.c
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) -MMD -MP -c $< -o $@

# The lock engine's own arithmetic of clocks.
$(BUILD)/tools/obj/guard.o: partitions/lockd/engine/guard.c
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) -MMD -MP -c $< -o $@

$(MULLION): $(MULLION_OBJS)
	@echo '  LINK  $@'
	@$(CC) $(TOOLS_CFLAGS) -o $@ $^ $(TOOLS_LIBS)

-include $(MULLION_OBJS:.o=.d)
