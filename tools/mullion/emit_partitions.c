/*
 * Prints the partitions: what answers their events, what a restart of each zeroes and copies, and the
 * channels between them.
 */
#include "emit.h"

static void emit_spans(FILE *out, const struct layout_partition *placed)
{
	size_t i;

	fprintf(out, "static const struct mullion_span writable_%s[] = {\n", placed->id);
	for (i = 0; i < placed->spans_count; i++)
		fprintf(out, "\t{ %#llx, %#llx },\n", (unsigned long long)placed->spans[i].gpa,
			(unsigned long long)placed->spans[i].bytes);
	fputs("};\n", out);
}

static void emit_copies(FILE *out, const struct layout_partition *placed)
{
	size_t i;

	if (!placed->copies_count)
		return;
	fprintf(out, "static const struct mullion_copy image_%s[] = {\n", placed->id);
	for (i = 0; i < placed->copies_count; i++) {
		const struct mullion_copy *piece = &placed->copies[i].piece;

		fprintf(out, "\t{ .gpa = %#llx, .source = %#llx, .bytes = %#llx },\n",
			(unsigned long long)piece->gpa, (unsigned long long)piece->source,
			(unsigned long long)piece->bytes);
	}
	fputs("};\n", out);
}

static void emit_health(FILE *out, const struct plan *plan, size_t p)
{
	const struct model_partition *partition = &plan->model->partitions[p];
	int event;

	fputs("\t\t.actions = {", out);
	for (event = 0; event < MULLION_EVENT_COUNT; event++)
		fprintf(out, "%s%d", event ? ", " : " ", partition->actions[event]);
	fputs(" },\n", out);
	if (partition->escalate_count)
		fprintf(out,
			"\t\t.escalate_action = %d, .escalate_count = %u, .escalate_ticks = "
			"%lluull,\n",
			partition->escalate_action, partition->escalate_count,
			(unsigned long long)plan->partitions[p].escalate_ticks);
	if (partition->health_schedule >= 0)
		fprintf(out, "\t\t.health_schedule = %d,\n", partition->health_schedule);
	if (partition->watchdog_ns)
		fprintf(out, "\t\t.watchdog_ticks = %lluull, .watchdog = &watchdog_pages[%u],\n",
			(unsigned long long)plan->partitions[p].watchdog_ticks,
			layout_watchdogs(&plan->layout, p));
}

static void emit_partition(FILE *out, const struct plan *plan, size_t p)
{
	const struct model_partition *partition = &plan->model->partitions[p];
	const struct layout_partition *placed = &plan->layout.partitions[p];

	fprintf(out, "\t[%zu] = { .name = \"%s\", .first_vcpu = %u, .vcpus = %u, .flags = %s,\n", p,
		partition->name, placed->first_vcpu, placed->vcpus,
		partition->control ? "MULLION_INFO_CONTROL" : "0");
	emit_health(out, plan, p);
	fprintf(out,
		"\t\t.status = &status_pages[%zu].content,\n"
		"\t\t.writable = writable_%s, .writable_count = %zu, .own_count = %zu,\n",
		p, placed->id, placed->spans_count, placed->own_spans);
	if (placed->copies_count)
		fprintf(out, "\t\t.image = image_%s, .image_count = %zu,\n", placed->id,
			placed->copies_count);
	fputs("\t},\n", out);
}

static unsigned first_vcpu_of(const struct plan *plan, int partition)
{
	return plan->layout.partitions[partition].first_vcpu;
}

static void emit_doorbells(FILE *out, const struct plan *plan, size_t c)
{
	const struct model_channel *channel = &plan->model->channels[c];
	size_t i;

	if (!channel->doorbell)
		return;
	fprintf(out, "static const struct mullion_doorbell doorbells_%zu[] = {\n", c);
	for (i = 0; i < channel->to_count; i++)
		fprintf(out, "\t{ .vcpu = %u, .vector = %u }, /* %s */\n",
			first_vcpu_of(plan, channel->to[i]), channel->doorbell,
			plan->model->partitions[channel->to[i]].name);
	fputs("};\n", out);
}

static void emit_channels(FILE *out, const struct plan *plan)
{
	const struct model *model = plan->model;
	size_t c;

	if (!model->channels_count)
		return;
	fputc('\n', out);
	for (c = 0; c < model->channels_count; c++)
		emit_doorbells(out, plan, c);
	fputs("static const struct mullion_channel channels[] = {\n", out);
	for (c = 0; c < model->channels_count; c++) {
		const struct model_channel *channel = &model->channels[c];

		fprintf(out, "\t{ .from = %d", channel->from);
		if (channel->doorbell)
			fprintf(out, ", .doorbells = doorbells_%zu, .doorbells_count = %zu", c,
				channel->to_count);
		fprintf(out, " }, /* %s */\n", channel->name);
	}
	fputs("};\n", out);
}

void emit_partitions(FILE *out, const struct plan *plan)
{
	size_t p;

	fputs("\n/* What partitions may write, and their images' pristine pieces. */\n", out);
	for (p = 0; p < plan->model->partitions_count; p++) {
		emit_spans(out, &plan->layout.partitions[p]);
		emit_copies(out, &plan->layout.partitions[p]);
	}
	fputs("\nstatic const struct mullion_partition partitions[] = {\n", out);
	for (p = 0; p < plan->model->partitions_count; p++)
		emit_partition(out, plan, p);
	fputs("};\n", out);
	emit_channels(out, plan);
}
