# The host program: build/tools/mullion, one binary with subcommands. The front end and the jitter
# report list their own sources in front.mk and jitter.mk; the back end's are listed here.

-include tools/mullion/front.mk
-include tools/mullion/jitter.mk

MULLION_BACK := allocate.c ticks.c paging.c maps.c bitmap.c cpuid.c cpuid_policy.c elf_image.c placement.c \
	regions.c layout.c plan.c emit_system.c emit_pages.c emit_trees.c emit_permissions.c emit_schedules.c \
	emit_descriptors.c emit_images.c emit_json.c shares.c explain.c explain_json.c svg.c build.c command.c run.c \
	main.c

MULLION_SRCS := $(addprefix tools/mullion/,$(notdir $(MULLION_BACK) $(MULLION_FRONT) $(MULLION_JITTER)))
MULLION_OBJS := $(MULLION_SRCS:%.c=$(BUILD)/%.o)

TOOLS_CPPFLAGS := -D_GNU_SOURCE -Icore/include -Iarch/x86/include -Ipartitions/lib/include -Itools/mullion
TOOLS_CFLAGS := -std=c11 -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Werror
TOOLS_LIBS := -lfdt -ljansson -lm

MULLION := $(BUILD)/tools/mullion/mullion

$(BUILD)/tools/mullion/%.o: tools/mullion/%.c
	@mkdir -p $(@D)
	$(CC) $(TOOLS_CPPFLAGS) $(TOOLS_CFLAGS) -MMD -MP -c $< -o $@

$(MULLION): $(MULLION_OBJS)
	$(CC) $(TOOLS_CFLAGS) -o $@ $^ $(TOOLS_LIBS)

-include $(MULLION_OBJS:.o=.d)
