# Unit tests of the ports: pure logic over a page, on one thread, on several, and under the APEX names.
PORT_UNIT_TESTS := test_sampling test_queuing test_ports_threads test_apex
UNIT_TESTS += $(PORT_UNIT_TESTS)

test_sampling_SRCS := partitions/lib/sampling.c
test_queuing_SRCS := partitions/lib/queuing.c
test_ports_threads_SRCS := partitions/lib/sampling.c partitions/lib/queuing.c
test_apex_SRCS := partitions/lib/apex.c partitions/lib/apex_channel.c partitions/lib/apex_queuing.c \
	partitions/lib/sampling.c partitions/lib/queuing.c

# Every shared word is an atomic one, so the fences it cannot follow hide nothing from the sanitizer.
test_ports_threads_CFLAGS := -fno-sanitize=address,undefined -fsanitize=thread -Wno-tsan -O2 -pthread

$(PORT_UNIT_TESTS:%=$(BUILD)/unit/%): $(wildcard partitions/lib/include/mullion/*.h)
