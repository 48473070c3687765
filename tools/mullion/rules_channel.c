/*
 * Rules about channels: two different ends, a size, and what their type needs.
 */
#include <inttypes.h>

#include "check.h"

#define LARGEST_MESSAGE 4032u
#define SMALLEST_DEPTH  2u
#define LARGEST_DEPTH   256u

/* Calls `function` for every channel. */
static void each_channel(struct check *check,
	void (*function)(struct check *check, const struct model_channel *channel))
{
	for (size_t i = 0; i < check->model->channels_count; i++)
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
	if (channel->message_bytes == 0 || channel->message_bytes > LARGEST_MESSAGE)
		fault(check, place(check, channel->at, "message-size"),
			say(check, "the messages of %s have %" PRIu32 " bytes", channel->name,
				channel->message_bytes),
			say(check, "choose 1 to %u", LARGEST_MESSAGE));
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
	else if (messages < SMALLEST_DEPTH || messages > LARGEST_DEPTH ||
		 (messages & (messages - 1)) != 0)
		fault(check, place(check, channel->at, "depth"),
			say(check, "the channel %s holds %" PRIu32 " messages", channel->name,
				messages),
			say(check, "choose a power of two from %u to %u", SMALLEST_DEPTH,
				LARGEST_DEPTH));
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
	{ NULL, NULL, TIER_COUNT, NULL },
};
