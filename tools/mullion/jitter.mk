# Sources of `mullion jitter`.
MULLION_JITTER := \
	tools/mullion/jitter.c \
	tools/mullion/jitter_axis.c \
	tools/mullion/jitter_conditions.c \
	tools/mullion/jitter_csv.c \
	tools/mullion/jitter_family.c \
	tools/mullion/jitter_html.c \
	tools/mullion/jitter_json.c \
	tools/mullion/jitter_judge.c \
	tools/mullion/jitter_lines.c \
	tools/mullion/jitter_linux.c \
	tools/mullion/jitter_matrix.c \
	tools/mullion/jitter_plot.c \
	tools/mullion/jitter_ram.c \
	tools/mullion/jitter_report.c \
	tools/mullion/jitter_stats.c \
	tools/mullion/jitter_system.c \
	tools/mullion/jitter_text.c \
	tools/mullion/jitter_trace.c \
	tools/mullion/page_style.c \
	tools/mullion/trace_words.c
