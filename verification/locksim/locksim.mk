# The lock service's engine on thousands of simulated nodes, and variants of it that lack one rule each.
LOCKSIM := $(BUILD)/locksim
LOCKSIM_RULES := sequence token answer expected epoch new_epoch session_over lease_end guard_end cap authority promise vote \
	again quiet_end quorum incarnation life collecting served fence
LOCKSIM_CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g -Itools/mullion -Ipartitions/lockd/include -Wall -Wextra \
	-Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
LOCKSIM_SRCS := $(sort $(wildcard verification/locksim/*.c)) tools/mullion/lock_bound.c \
	$(filter-out %/rules.c,$(sort $(wildcard partitions/lockd/engine/*.c)))
LOCKSIM_OBJS := $(LOCKSIM_SRCS:%.c=$(LOCKSIM)/%.o)

.PHONY: locksim locksim-without
locksim: $(LOCKSIM)/locksim
locksim-without: $(LOCKSIM_RULES:%=$(LOCKSIM)/without-%)

$(LOCKSIM)/%.o: %.c verification/locksim/locksim.mk
	@mkdir -p $(@D)
	@$(CC) $(LOCKSIM_CFLAGS) -MMD -MP -c $< -o $@

$(LOCKSIM)/locksim: $(LOCKSIM_OBJS) $(LOCKSIM)/partitions/lockd/engine/rules.o
	@$(CC) $(LOCKSIM_CFLAGS) $^ -o $@

$(LOCKSIM)/without-%.c: partitions/lockd/engine/rules.c verification/locksim/without
	@mkdir -p $(@D)
	@verification/locksim/without $* <$< >$@

$(LOCKSIM)/without-%: $(LOCKSIM)/without-%.c $(LOCKSIM_OBJS)
	@$(CC) $(LOCKSIM_CFLAGS) -Wno-unused-parameter $^ -o $@

-include $(LOCKSIM_OBJS:.o=.d)

# What takes hours or gigabytes.
.PHONY: campaign lock-picture
campaign: packages
	@BUILD=$(BUILD) verification/run-tests $(wildcard verification/locksim/campaign-*.t)

lock-picture: locksim
	@BUILD=$(BUILD) verification/locksim/picture docs/images/lock-waits.svg
	@echo docs/images/lock-waits.svg
