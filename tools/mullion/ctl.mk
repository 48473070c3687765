# Sources of `mullion ctl`, `top` and `trace`: the host's side of docs/control.md.
MULLION_CTL := $(addprefix tools/mullion/,connection.c core_file.c counters.c ctl.c ctl_answer.c ctl_change.c ctl_console.c \
	ctl_dump.c ctl_load.c ctl_memory.c ctl_report.c ctl_show.c line_reader.c node_page.c node_schedule.c node_shares.c node_time.c session.c session_key.c session_words.c table.c \
	top.c top_page.c trace.c trace_guess.c trace_json.c trace_node.c trace_outliers.c trace_schedule.c trace_text.c trace_view.c whole_file.c wire.c)
