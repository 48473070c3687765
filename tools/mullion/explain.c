/*
 * mullion explain: the plan in words, as JSON, or drawn.
 */
#include "explain.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocate.h"
#include "emit.h"
#include "load.h"
#include "output.h"
#include "shares.h"
#include "subcommands.h"
#include "svg.h"

struct request {
	struct load_request load;
	const char *svg;
	bool json;
};

enum { OPTION_JSON = 0x100, OPTION_SVG };

static const struct argp_option options[] = {
	{ "json", OPTION_JSON, NULL, 0, "all of it as JSON, as in a build's system.json", 0 },
	{ "svg", OPTION_SVG, "FILE", 0, "draw the schedules there", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->load;
		return 0;
	case OPTION_JSON:
		request->json = true;
		return 0;
	case OPTION_SVG:
		request->svg = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &load_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = { options, parse, "FILE.dts",
	"Explain a deployment: CPU map, memory map, who may touch what, what answers health "
	"events, "
	"what devices reach, what RDMA clients are granted, how long anybody waits for a lock, each partition's windows, its "
	"share of time and the longest it "
	"waits.\v"
	"Images are looked at only where --images says where they are. "
	"Exit status: 0 done, 1 the description is wrong, 2 the command line is wrong.",
	children, NULL, NULL };

/* ---- Text ---- */

void explain_title(FILE *out, const char *title)
{
	const bool bold = isatty(fileno(out)) && !getenv("NO_COLOR");

	fprintf(out, "\n%s%s%s\n", bold ? "\033[1m" : "", title, bold ? "\033[0m" : "");
}

char *explain_bytes(uint64_t bytes)
{
	static const struct {
		unsigned shift;
		const char *name;
	} units[] = { { 30, "GiB" }, { 20, "MiB" }, { 10, "KiB" } };
	size_t i;

	for (i = 0; i < 3; i++)
		if (bytes && bytes % (1ull << units[i].shift) == 0)
			return format("%llu %s", (unsigned long long)(bytes >> units[i].shift),
				units[i].name);
	return format("%llu B", (unsigned long long)bytes);
}

static void print_cpu(FILE *out, const struct plan *plan, unsigned c)
{
	const struct model_cpu *cpu = &plan->model->cpus[plan->layout.cpus[c]];
	const char *between = "";
	unsigned v;

	fprintf(out, "  %-4u  %-7u  %-6s  ", cpu->number, cpu->apic_id,
		cpu->mode == MULLION_CPU_OWNED ? "owned" : "framed");
	for (v = 0; v < plan->layout.vcpus_count; v++) {
		const struct layout_vcpu *vcpu = &plan->layout.vcpus[v];

		if (vcpu->cpu != c)
			continue;
		fprintf(out, "%s%s", between, plan->model->partitions[vcpu->partition].name);
		if (plan->layout.partitions[vcpu->partition].vcpus > 1)
			fprintf(out, " (vcpu %u)", vcpu->index);
		between = ", ";
	}
	fputc('\n', out);
}

static void print_cpus(FILE *out, const struct plan *plan)
{
	unsigned c;
	size_t i;

	explain_title(out, "CPUs");
	fputs("  CPU   APIC id  mode    runs\n", out);
	for (c = 0; c < plan->layout.cpus_count; c++)
		print_cpu(out, plan, c);
	for (i = 0; i < plan->model->cpus_count; i++)
		if (plan->model->cpus[i].index < 0)
			fprintf(out, "  %-4u  %-7u  -       never started\n",
				plan->model->cpus[i].number, plan->model->cpus[i].apic_id);
}

struct row {
	struct range memory;
	const char *what;
};

static int by_base(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->memory.base > y->memory.base) - (x->memory.base < y->memory.base);
}

static void add_row(struct row *rows, size_t *used, uint64_t base, uint64_t bytes, const char *what)
{
	rows[(*used)++] = (struct row){ { base, bytes }, what };
}

static void add_partition(struct row *rows, size_t *used, const struct plan *plan, size_t p)
{
	const struct layout_partition *placed = &plan->layout.partitions[p];
	const char *name = plan->model->partitions[p].name;

	add_row(rows, used, placed->memory.base, placed->memory.bytes,
		format("partition %s", name));
	if (placed->pristine.bytes)
		add_row(rows, used, placed->pristine.base, placed->pristine.bytes,
			format("image of %s, for its restarts", name));
}

static size_t list_rows(const struct plan *plan, struct row **rows)
{
	const struct layout *layout = &plan->layout;
	const uint64_t stacks = layout->cpus_count * X86_STACK_PAGES * PAGING_4K;
	size_t used = 0, i;

	*rows = allocate(
		8 + 2 * plan->model->partitions_count + layout->blocks_count, sizeof(**rows));
	add_row(*rows, &used, LAYOUT_TRAMPOLINE, PAGING_4K, "kernel: start of secondary CPUs");
	add_row(*rows, &used, X86_KERNEL_TEXT, X86_KERNEL_RODATA - X86_KERNEL_TEXT,
		"kernel: text, executable");
	add_row(*rows, &used, X86_KERNEL_RODATA, layout->data_base - X86_KERNEL_RODATA,
		"kernel: constants and tables, read-only");
	add_row(*rows, &used, layout->data_base, stacks, "kernel: stacks, each above a guard page");
	add_row(*rows, &used, layout->data_base + stacks,
		layout->data_end - layout->data_base - stacks,
		"kernel: time and status pages, traces, log, data");
	add_row(*rows, &used, layout->journal.base, layout->journal.bytes,
		"kernel: journal of health events, which a reset leaves alone");
	for (i = 0; i < plan->model->partitions_count; i++)
		add_partition(*rows, &used, plan, i);
	for (i = 0; i < layout->blocks_count; i++)
		add_row(*rows, &used, layout->blocks[i].memory.base, layout->blocks[i].memory.bytes,
			format("shared: %s", layout->blocks[i].name));
	qsort(*rows, used, sizeof(**rows), by_base);
	return used;
}

static void print_memory(FILE *out, const struct plan *plan)
{
	struct row *rows;
	const size_t count = list_rows(plan, &rows);
	size_t i;

	explain_title(out, "Physical memory");
	for (i = 0; i < count; i++)
		fprintf(out, "  %#12llx .. %#12llx  %-9s  %s\n",
			(unsigned long long)rows[i].memory.base,
			(unsigned long long)(rows[i].memory.base + rows[i].memory.bytes),
			explain_bytes(rows[i].memory.bytes), rows[i].what);
	free(rows);
}

static char *gap_text(const struct share *share)
{
	if (!share->worst_gap_ns)
		return format("none");
	return format("%s, from %s", share_duration(share->worst_gap_ns),
		share->worst_gap_at_ns ? share_duration(share->worst_gap_at_ns) : "0");
}

static void print_shares(FILE *out, const struct model *model,
	const struct model_schedule *schedule, const struct model_cpu_schedule *list)
{
	uint64_t used_ns = 0;
	size_t p;

	fprintf(out, "    %-16s  %7s  %-12s  %-10s  %s\n", "partition", "windows", "per frame",
		"share", "worst gap");
	for (p = 0; p < model->partitions_count; p++) {
		const struct share share = share_of(schedule, list, (int)p);

		if (!share.windows)
			continue;
		used_ns += share.time_ns;
		fprintf(out, "    %-16s  %7zu  %-12s  %-10s  %s\n", model->partitions[p].name,
			share.windows, share_duration(share.time_ns),
			share_percent(share.time_ns, schedule->major_frame_ns), gap_text(&share));
	}
	if (used_ns < schedule->major_frame_ns)
		fprintf(out, "    %-16s  %7s  %-12s  %s\n", "idle", "",
			share_duration(schedule->major_frame_ns - used_ns),
			share_percent(
				schedule->major_frame_ns - used_ns, schedule->major_frame_ns));
}

static void print_windows(
	FILE *out, const struct model *model, const struct model_cpu_schedule *list)
{
	size_t w;

	for (w = 0; w < list->windows_count; w++) {
		const struct model_window *window = &list->windows[w];

		fprintf(out, "    %12s .. %-12s %s\n",
			window->offset_ns ? share_duration(window->offset_ns) : "0",
			share_duration(window->offset_ns + window->duration_ns),
			model->partitions[window->partition].name);
	}
}

static void print_schedule(FILE *out, const struct plan *plan, size_t s)
{
	const struct model_schedule *schedule = &plan->model->schedules[s];
	size_t c;

	explain_title(
		out, format("Schedule %s: frames of %s%s", schedule->name,
			     share_duration(schedule->major_frame_ns),
			     (int)s == plan->model->startup_schedule ? ", the node starts with it"
								     : ""));
	for (c = 0; c < schedule->cpus_count; c++) {
		fprintf(out, "  CPU %u\n", plan->model->cpus[schedule->cpus[c].cpu].number);
		print_windows(out, plan->model, &schedule->cpus[c]);
		print_shares(out, plan->model, schedule, &schedule->cpus[c]);
	}
}

static void print_text(FILE *out, const struct plan *plan)
{
	size_t s;

	fprintf(out, "%s on %s: %zu partitions, %u vcpus, %u of %zu CPUs\n", plan->model->name,
		plan->model->board.name, plan->model->partitions_count, plan->layout.vcpus_count,
		plan->layout.cpus_count, plan->model->cpus_count);
	print_cpus(out, plan);
	print_memory(out, plan);
	explain_access(out, plan);
	explain_health(out, plan);
	explain_devices(out, plan);
	explain_rdma(out, plan);
	explain_locks(out, plan);
	for (s = 0; s < plan->model->schedules_count; s++)
		print_schedule(out, plan, s);
}

/* Written beside its place and renamed, so that a failure leaves what was there. */
static bool draw(const char *path, const struct model *model)
{
	char *temporary = format("%s.new", path);
	FILE *file = fopen(temporary, "we");
	bool drawn = file != NULL;

	if (drawn) {
		svg_draw(file, model);
		drawn = output_close(file, path) && !rename(temporary, path);
	}
	if (!drawn) {
		fprintf(stderr, "mullion explain: cannot write %s\n", path);
		unlink(temporary);
	}
	return drawn;
}

int explain_main(int argc, char **argv)
{
	struct request request = { 0 };
	struct load load;
	bool done;

	argp_parse(&argp, argc, argv, 0, NULL, &request);
	if (!load_or_say(&load, request.load.source, request.load.images.paths))
		return 1;
	done = !request.svg || draw(request.svg, load.model);
	if (done && request.json)
		emit_json(stdout, &load.plan);
	else if (done)
		print_text(stdout, &load.plan);
	load_free(&load);
	free(request.load.images.paths);
	return done && !fflush(stdout) ? 0 : 1;
}
