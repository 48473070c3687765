# Unit tests of `mullion jitter`. They run from the top directory: fixtures are found by path.
UNIT_TESTS += test_jitter_stats test_jitter_ram test_jitter_trace test_jitter_readers \
	test_jitter_verdict

UNIT_JITTER := $(wildcard tools/mullion/jitter*.c) tools/mullion/page_style.c tools/mullion/trace_words.c
test_jitter_stats_SRCS := $(UNIT_JITTER)
test_jitter_ram_SRCS := $(UNIT_JITTER)
test_jitter_trace_SRCS := $(UNIT_JITTER)
test_jitter_readers_SRCS := $(UNIT_JITTER)
test_jitter_verdict_SRCS := $(UNIT_JITTER)
