/*
 * Shares and gaps from a schedule's windows. See shares.h.
 */
#include "shares.h"

#include <string.h>

#include "allocate.h"

static void take_gap(struct share *share, uint64_t from, uint64_t to)
{
	if (to - from <= share->worst_gap_ns)
		return;
	share->worst_gap_ns = to - from;
	share->worst_gap_at_ns = from;
}

struct share share_of(
	const struct model_schedule *schedule, const struct model_cpu_schedule *cpu, int partition)
{
	struct share share = { 0 };
	uint64_t first = 0, end = 0;
	size_t w;

	for (w = 0; w < cpu->windows_count; w++) {
		const struct model_window *window = &cpu->windows[w];

		if (window->partition != partition)
			continue;
		if (share.windows++)
			take_gap(&share, end, window->offset_ns);
		else
			first = window->offset_ns;
		end = window->offset_ns + window->duration_ns;
		share.time_ns += window->duration_ns;
	}
	if (share.windows)
		take_gap(&share, end, schedule->major_frame_ns + first);
	share.worst_gap_at_ns %= schedule->major_frame_ns ? schedule->major_frame_ns : 1;
	return share;
}

static char *trim_zeros(char *text)
{
	char *end = text + strlen(text);

	if (!strchr(text, '.'))
		return text;
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
	return text;
}

char *share_percent(uint64_t part, uint64_t whole)
{
	__extension__ const unsigned __int128 scaled =
		((unsigned __int128)part * 200000 + whole) / (2 * (unsigned __int128)whole);
	char *digits = trim_zeros(format("%llu.%03llu", (unsigned long long)(scaled / 1000),
		(unsigned long long)(scaled % 1000)));

	return format("%s %%", digits);
}

char *share_duration(uint64_t ns)
{
	static const struct {
		uint64_t ns;
		unsigned digits;
		const char *name;
	} units[] = { { 1000000000, 9, "s" }, { 1000000, 6, "ms" }, { 1000, 3, "us" } };
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (ns >= units[i].ns)
			return format("%s %s",
				trim_zeros(format("%llu.%0*llu",
					(unsigned long long)(ns / units[i].ns),
					(int)units[i].digits,
					(unsigned long long)(ns % units[i].ns))),
				units[i].name);
	return format("%llu ns", (unsigned long long)ns);
}
