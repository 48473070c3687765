# Unit tests of the kernel's own files, compiled for the host: core against a fake architecture, and the
# pure parts of arch/x86.
UNIT_TESTS += test_schedule test_console test_decode test_health test_hypercall test_trace \
	test_partition test_guest_walk test_pci_guest test_pci test_lifecycle test_watchdog test_journal \
	test_pci_restart test_switch

# Found before arch/x86/include.
CORE_FAKE_INCLUDE := -Iverification/unit/fake_arch

test_schedule_SRCS := core/schedule.c
test_schedule_INCLUDE := $(CORE_FAKE_INCLUDE)
test_switch_SRCS := core/schedule.c
test_switch_INCLUDE := $(CORE_FAKE_INCLUDE)
test_console_SRCS := core/console.c
test_console_INCLUDE := $(CORE_FAKE_INCLUDE)
test_health_SRCS := core/health.c core/console.c
test_health_INCLUDE := $(CORE_FAKE_INCLUDE)
test_hypercall_SRCS := core/hypercall.c
test_hypercall_INCLUDE := $(CORE_FAKE_INCLUDE)
test_trace_INCLUDE := $(CORE_FAKE_INCLUDE)
test_partition_SRCS := core/partition.c core/lifecycle.c
test_partition_INCLUDE := $(CORE_FAKE_INCLUDE)
test_lifecycle_SRCS := core/lifecycle.c
test_lifecycle_INCLUDE := $(CORE_FAKE_INCLUDE)
test_watchdog_SRCS := core/watchdog.c
test_watchdog_INCLUDE := $(CORE_FAKE_INCLUDE)
test_journal_SRCS := core/journal.c core/console.c
test_journal_INCLUDE := $(CORE_FAKE_INCLUDE)

# The kernel compares code eight bytes at a time wherever it stands, which this architecture allows.
test_guest_walk_SRCS := arch/x86/guest.c
test_guest_walk_INCLUDE := -Iverification/unit/fake_peek
test_guest_walk_CFLAGS := -fno-sanitize=alignment

test_pci_guest_SRCS := arch/x86/pci_guest.c
test_pci_SRCS := arch/x86/pci.c
test_pci_restart_SRCS := arch/x86/pci_restart.c arch/x86/pci.c
