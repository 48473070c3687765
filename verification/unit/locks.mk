# Unit tests of the lock engine: its parts, and servers and clients together in one process.
LOCK_UNIT_TESTS := test_lock_modes test_lock_queue test_lock_values test_lock_sessions test_lock_failover test_lock_reports \
	test_lock_refusals test_lock_api test_lock_schedules
UNIT_TESTS += $(LOCK_UNIT_TESTS)

LOCK_ENGINE := $(sort $(wildcard partitions/lockd/engine/*.c))
LOCK_INCLUDE := -Ipartitions/lockd/include
LOCK_WORLD := $(LOCK_ENGINE) verification/unit/lock_world.c

test_lock_modes_SRCS := $(addprefix partitions/lockd/engine/,modes.c links.c rules.c guard.c)
$(foreach t,queue values sessions failover reports refusals schedules,$(eval test_lock_$(t)_SRCS := $(LOCK_WORLD)))
test_lock_reports_SRCS += tools/mullion/lock_bound.c
test_lock_api_SRCS := $(LOCK_WORLD) partitions/lockd/api/dlm.c
$(foreach t,$(LOCK_UNIT_TESTS),$(eval $(t)_CFLAGS := $(LOCK_INCLUDE)))

$(LOCK_UNIT_TESTS:%=$(BUILD)/unit/%): $(wildcard partitions/lockd/include/mullion/*.h partitions/lockd/engine/*.h)
test_lock_schedules_CFLAGS += -O2
