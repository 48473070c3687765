/*
 * Rules about channels: two different ends, a size, and what their type needs.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define SMALLEST_DEPTH 2u
#define LOWEST_VECTOR  32u
#define HIGHEST_VECTOR 254u

/* Calls `function` for every channel. */
static void each_channel(struct check *check,
	void (*function)(struct check *check, const struct model_channel *channel))
{
	for (size_t i = 0; i < check->model->channels_count; i++)
		if (!check->model->channels[i].made)
			function(check, &check->model->channels[i]);
}

static void type(struct check *check, const struct model_channel *channel)
{
	if (channel->type == 0 && written(check, channel->at, "type"))
		fault(check, place(check, channel->at, "type"),
			say(check, "the channel %s has a type that does not exist", channel->name),
			"write type = \"sampling\" or type = \"queuing\"");
}

static void channel_type(struct check *check)
{
	each_channel(check, type);
}

static void ends(struct check *check, const struct model_channel *channel)
{
	for (size_t i = 0; i < channel->to_count; i++)
		if (channel->to[i] == channel->from)
			fault(check, place(check, channel->at, "to"),
				say(check, "the channel %s leads from %s to itself", channel->name,
					check->model->partitions[channel->from].name),
				"name another partition in `to`");
}

static void channel_ends(struct check *check)
{
	each_channel(check, ends);
}

static void third(struct check *check, const struct model_channel *channel)
{
	if (channel->type == CHANNEL_QUEUING && channel->to_count > 1)
		fault(check, place(check, channel->at, "to"),
			say(check, "the queuing channel %s has %zu receivers", channel->name,
				channel->to_count),
			"leave one, and describe a channel for each of the others");
}

static void channel_third(struct check *check)
{
	each_channel(check, third);
}

static void receiver_twice(struct check *check, const struct model_channel *channel)
{
	if (channel->type == CHANNEL_QUEUING)
		return; /* said by channel-third */
	for (size_t i = 0; i < channel->to_count; i++)
		for (size_t k = 0; k < i; k++)
			if (channel->to[i] == channel->to[k])
				fault(check, place(check, channel->at, "to"),
					say(check, "the channel %s names %s as receiver twice",
						channel->name,
						check->model->partitions[channel->to[i]].name),
					"name it once");
}

static void channel_receiver(struct check *check)
{
	each_channel(check, receiver_twice);
}

static void message_size(struct check *check, const struct model_channel *channel)
{
	if (channel->message_bytes == 0 || channel->message_bytes > MULLION_CHANNEL_MESSAGE_MOST)
		fault(check, place(check, channel->at, "message-size"),
			say(check, "the messages of %s have %" PRIu32 " bytes", channel->name,
				channel->message_bytes),
			say(check, "choose 1 to %u", MULLION_CHANNEL_MESSAGE_MOST));
}

static void channel_size(struct check *check)
{
	each_channel(check, message_size);
}

static void refresh(struct check *check, const struct model_channel *channel)
{
	if (channel->type == CHANNEL_SAMPLING && !written(check, channel->at, "refresh-ns"))
		fault(check, channel->at,
			say(check,
				"the sampling channel %s does not say how long a message is valid",
				channel->name),
			"add refresh-ns = <...>");
}

static void channel_refresh(struct check *check)
{
	each_channel(check, refresh);
}

static void depth(struct check *check, const struct model_channel *channel)
{
	const uint32_t messages = channel->depth;

	if (channel->type != CHANNEL_QUEUING)
		return;
	if (!written(check, channel->at, "depth"))
		fault(check, channel->at,
			say(check, "the queuing channel %s does not say how many messages it holds",
				channel->name),
			"add depth = <16>");
	else if (messages < SMALLEST_DEPTH || messages > MULLION_CHANNEL_DEPTH_MOST ||
		 (messages & (messages - 1)) != 0)
		fault(check, place(check, channel->at, "depth"),
			say(check, "the channel %s holds %" PRIu32 " messages", channel->name,
				messages),
			say(check, "choose a power of two from %u to %u", SMALLEST_DEPTH,
				MULLION_CHANNEL_DEPTH_MOST));
}

static void channel_depth(struct check *check)
{
	each_channel(check, depth);
}

static void foreign(struct check *check, const struct model_channel *channel)
{
	if (channel->type == CHANNEL_SAMPLING && written(check, channel->at, "depth"))
		fault(check, place(check, channel->at, "depth"),
			say(check, "the sampling channel %s has a depth; it holds one message",
				channel->name),
			"remove `depth`, or write type = \"queuing\"");
	if (channel->type == CHANNEL_QUEUING && written(check, channel->at, "refresh-ns"))
		fault(check, place(check, channel->at, "refresh-ns"),
			say(check,
				"the queuing channel %s has a refresh period; its messages do not "
				"age",
				channel->name),
			"remove `refresh-ns`, or write type = \"sampling\"");
}

static void channel_foreign(struct check *check)
{
	each_channel(check, foreign);
}

static void like_made(struct check *check, const struct model_channel *channel)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->channels_count; i++)
		if (model->channels[i].made && strcmp(model->channels[i].name, channel->name) == 0)
			fault(check, channel->at,
				say(check,
					"the channel %s is made already, for the participant or "
					"client of line %u",
					channel->name, model->channels[i].at.line),
				"give this one another name");
}

static void channel_made(struct check *check)
{
	each_channel(check, like_made);
}

/* ---- Doorbells ---- */

/* Calls `function` for every receiver of every channel with a doorbell. */
static void each_doorbell(struct check *check,
	void (*function)(struct check *check, const struct model_channel *channel,
		const struct model_partition *receiver))
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->channels_count; i++)
		for (size_t k = 0; k < model->channels[i].to_count; k++)
			if (written(check, model->channels[i].at, "doorbell"))
				function(check, &model->channels[i],
					&model->partitions[model->channels[i].to[k]]);
}

static struct location doorbell_at(const struct check *check, const struct model_channel *channel)
{
	return place(check, channel->at, "doorbell");
}

static void heard(struct check *check, const struct model_channel *channel,
	const struct model_partition *receiver)
{
	if (!written(check, receiver->at, "cpus"))
		fault(check, doorbell_at(check, channel),
			say(check, "the doorbell of %s would interrupt %s, which runs in windows",
				channel->name, receiver->name),
			say(check, "remove `doorbell` and let %s poll, or give it CPUs of its own",
				receiver->name));
}

static void doorbell_owned(struct check *check)
{
	each_doorbell(check, heard);
}

static void vector(struct check *check, const struct model_channel *channel)
{
	if (written(check, channel->at, "doorbell") &&
		(channel->doorbell < LOWEST_VECTOR || channel->doorbell > HIGHEST_VECTOR))
		fault(check, doorbell_at(check, channel),
			say(check, "the doorbell of %s has the vector %u", channel->name,
				channel->doorbell),
			say(check,
				"choose one from %u to %u: those below are exceptions, %u is "
				"the spurious one",
				LOWEST_VECTOR, HIGHEST_VECTOR, HIGHEST_VECTOR + 1));
}

static void doorbell_vector(struct check *check)
{
	each_channel(check, vector);
}

/* Where its vcpu 0 runs: vcpus are numbered in the order of CPUs. -1: nowhere. */
static int first_cpu(const struct model_partition *partition)
{
	int first = -1;

	for (size_t i = 0; i < partition->owned_cpus_count; i++)
		if (first < 0 || (int)partition->owned_cpus[i] < first)
			first = (int)partition->owned_cpus[i];
	return first;
}

static void collides(struct check *check, const struct model_channel *channel,
	const struct model_partition *receiver, const char *other)
{
	fault(check, doorbell_at(check, channel),
		say(check, "the doorbell of %s and %s both have vector 0x%x on CPU %u of %s",
			channel->name, other, channel->doorbell,
			check->model->cpus[first_cpu(receiver)].number, receiver->name),
		"give each a vector of its own");
}

static void alone(struct check *check, const struct model_channel *channel,
	const struct model_partition *receiver)
{
	const struct model *model = check->model;
	const int cpu = first_cpu(receiver);

	for (size_t i = 0; i < receiver->interrupts_count; i++)
		if (receiver->interrupts[i].cpu == cpu &&
			receiver->interrupts[i].vector == channel->doorbell)
			collides(check, channel, receiver,
				say(check, "message %u of %s", receiver->interrupts[i].message,
					model->functions[receiver->interrupts[i].function].name));
	for (const struct model_channel *c = model->channels; c < channel && cpu >= 0; c++)
		for (size_t k = 0; c->doorbell == channel->doorbell && k < c->to_count; k++)
			if (&model->partitions[c->to[k]] == receiver)
				collides(check, channel, receiver,
					say(check, "that of %s (line %u)", c->name, c->at.line));
}

static void doorbell_shared(struct check *check)
{
	each_doorbell(check, alone);
}

const struct rule rules_channel[] = {
	{ "channel-type", "A channel is sampling or queuing.", TIER_MEANING, channel_type },
	{ "channel-ends", "A channel leads from one partition to another.", TIER_MEANING,
		channel_ends },
	{ "channel-third", "A queuing channel has one receiver.", TIER_MEANING, channel_third },
	{ "channel-receiver", "A channel names a receiver once.", TIER_MEANING, channel_receiver },
	{ "channel-size", "A message has 1 to 4032 bytes.", TIER_MEANING, channel_size },
	{ "channel-refresh", "A sampling channel says how long a message is valid.", TIER_MEANING,
		channel_refresh },
	{ "channel-depth", "A queuing channel holds a power of two of messages, 2 to 256.",
		TIER_MEANING, channel_depth },
	{ "channel-foreign", "A channel has only the properties of its type.", TIER_MEANING,
		channel_foreign },
	{ "channel-made",
		"No described channel has the name of one that joins somebody with the locks or an "
		"RDMA service.",
		TIER_MEANING, channel_made },
	{ "doorbell-owned", "A doorbell interrupts partitions that own their CPUs.", TIER_MEANING,
		doorbell_owned },
	{ "doorbell-vector", "A doorbell's vector is from 32 to 254.", TIER_MEANING,
		doorbell_vector },
	{ "doorbell-shared",
		"A doorbell's vector is used by nothing else on the CPU where it rings.",
		TIER_MEANING, doorbell_shared },
	{ NULL, NULL, TIER_COUNT, NULL },
};
