# Unit tests of the host's side of docs/control.md.
UNIT_TESTS += test_line_reader test_session test_counters test_core_file test_trace_view

CTL_SESSION := $(addprefix tools/mullion/,line_reader.c session.c session_key.c session_words.c wire.c words.c)
CTL_LIBS := -lnettle

test_line_reader_SRCS := tools/mullion/line_reader.c
test_session_SRCS := $(CTL_SESSION) $(CTL_LIBS)
test_counters_SRCS := tools/mullion/counters.c tools/mullion/node_time.c $(CTL_SESSION) $(CTL_LIBS)
test_core_file_SRCS := tools/mullion/core_file.c
test_trace_view_SRCS = $(UNIT_JITTER) $(addprefix tools/mullion/,node_time.c trace_guess.c trace_outliers.c trace_schedule.c trace_view.c)
