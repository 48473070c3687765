/*
 * The simulator's command line: one run, or a run for each of many seeds. Invariant: a violation is told with
 * the one command that plays it again. Exit 0: nothing violated, 1: something, 2: usage.
 */
#include "sim.h"

#include <argp.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum key { DRIFT = 256, DELAY, SERVICE, HOLD, READERS, LEVELS, LOSSES, WAITS, PATIENCE };

static const struct argp_option known[] = {
	{ "seed", 's', "N", 0, "The run's seed, or the first one (1)", 0 },
	{ "seeds", 'n', "N", 0, "Runs of so many seeds (1)", 0 },
	{ "scenario", 'c', "NAME", 0, "calm, adversarial, lossy, faults, echo, twice or forgetful",
		0 },
	{ "nodes", 'p', "N", 0, "Participants, one on each node", 0 },
	{ "sharers", 'm', "N", 0, "Participants of each lock; divides the nodes", 0 },
	{ "locks", 'l', "N", 0, "Locks that the same participants share", 0 },
	{ "groups", 'g', "N", 0, "Groups of servers", 0 },
	{ "operations", 'o', "N", 0, "Operations of each participant", 0 },
	{ "order", 'd', "NAME", 0, "batched (one level: first come first served) or phased", 0 },
	{ "levels", LEVELS, "N", 0, "Levels of priority", 0 },
	{ "readers", READERS, "PERCENT", 0, "Participants that share, of phased locks", 0 },
	{ "losses", LOSSES, "N", 0, "How often a message may be lost; with faults: whether", 0 },
	{ "delay", DELAY, "NS", 0, "Longest way of a message", 0 },
	{ "service", SERVICE, "NS", 0, "A server's time for a message", 0 },
	{ "hold", HOLD, "NS", 0, "Longest hold", 0 },
	{ "drift", DRIFT, "PPM", 0, "Clocks differ by so much at most", 0 },
	{ "waits", WAITS, "FILE", 0, "Write `lock bound wait`, in ns, of each lock", 0 },
	{ "patience", PATIENCE, "S", 0, "Seconds of computing that a run may take (60)", 0 },
	{ "verbose", 'v', NULL, 0, "Tell the results of each run", 0 },
	{ 0 },
};

static const char *const scenarios[] = { "calm", "adversarial", "lossy", "faults", "echo", "twice",
	"forgetful" };

struct command {
	uint64_t seed, seeds, patience;
	struct options given; /* zero or -1: not */
	int scenario, discipline;
	long readers, losses;
	const char *waits;
	bool verbose;
	char replay[512];
};

static uint64_t number(struct argp_state *state, const char *text)
{
	char *end;
	const uint64_t value = strtoull(text, &end, 10);

	if (!*text || *end || *text == '-')
		argp_error(state, "`%s' is not a number", text);
	return value;
}

static int scenario(struct argp_state *state, const char *text)
{
	int i;

	for (i = 0; i <= FORGETFUL; i++) {
		if (!strcmp(text, scenarios[i]))
			return i;
	}
	argp_error(state,
		"`%s' is not one of calm, adversarial, lossy, faults, echo, twice, forgetful",
		text);
	return -1;
}

static int discipline(struct argp_state *state, const char *text)
{
	if (strcmp(text, "batched") && strcmp(text, "phased"))
		argp_error(state, "`%s' is not one of batched, phased", text);
	return !strcmp(text, "phased") ? LOCK_PHASE_FAIR : LOCK_BATCHED;
}

/* What was given, to be given again. */
static void note(struct command *command, int key, const char *text)
{
	const struct argp_option *option;
	const size_t used = strlen(command->replay);

	for (option = known; option->name; option++) {
		if (option->key == key)
			snprintf(command->replay + used, sizeof(command->replay) - used, " --%s=%s",
				option->name, text);
	}
}

static error_t parse_shape(struct options *given, int key, uint64_t value)
{
	switch (key) {
	case 'p':
		given->participants = (uint32_t)value;
		return 0;
	case 'm':
		given->sharers = (uint32_t)value;
		return 0;
	case 'l':
		given->locks = (uint32_t)value;
		return 0;
	case 'g':
		given->groups = (uint32_t)value;
		return 0;
	case 'o':
		given->operations = (uint32_t)value;
		return 0;
	case LEVELS:
		given->levels = (uint32_t)value;
		return 0;
	case DELAY:
		given->delay_ns = value;
		return 0;
	case SERVICE:
		given->service_ns = value;
		return 0;
	case HOLD:
		given->hold_ns = value;
		return 0;
	case DRIFT:
		given->drift_ppm = (uint32_t)value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct command *command = state->input;

	switch (key) {
	case 's':
		command->seed = number(state, text);
		return 0;
	case 'n':
		command->seeds = number(state, text);
		return 0;
	case 'v':
		command->verbose = true;
		return 0;
	case WAITS:
		command->waits = text;
		return 0;
	case PATIENCE:
		command->patience = number(state, text);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "`%s': there are options only", text);
		return EINVAL;
	default:
		break;
	}
	if (!text)
		return ARGP_ERR_UNKNOWN;
	note(command, key, text);
	switch (key) {
	case 'c':
		command->scenario = scenario(state, text);
		return 0;
	case 'd':
		command->discipline = discipline(state, text);
		return 0;
	case READERS:
		command->readers = (long)number(state, text);
		return 0;
	case LOSSES:
		command->losses = (long)number(state, text);
		return 0;
	default:
		return parse_shape(&command->given, key, number(state, text));
	}
}

#define OVERRIDE(field) options.field = given->field ? given->field : options.field

static struct options options_of(const struct command *command, uint64_t seed)
{
	const struct options *given = &command->given;
	struct options options;

	options_from_seed(&options, seed);
	OVERRIDE(participants);
	OVERRIDE(sharers);
	OVERRIDE(locks);
	OVERRIDE(groups);
	OVERRIDE(operations);
	OVERRIDE(levels);
	OVERRIDE(delay_ns);
	OVERRIDE(service_ns);
	OVERRIDE(hold_ns);
	OVERRIDE(drift_ppm);
	if (command->scenario >= 0)
		options.scenario = (enum scenario)command->scenario;
	if (options.scenario < FAULTS)
		options.lock_options = 0;
	if (command->discipline >= 0)
		options.discipline = (uint8_t)command->discipline;
	if (options.discipline != LOCK_PHASE_FAIR)
		options.reader_percent = 0;
	if (command->readers >= 0)
		options.reader_percent = (uint32_t)command->readers;
	if (command->losses >= 0)
		options.losses = (uint32_t)command->losses;
	options_time(&options);
	return options;
}

static void tell(const struct sim *sim)
{
	const struct options *o = &sim->options;
	const struct results *r = &sim->results;

	printf("seed %llu: %s, %u nodes, %u of them at each of %u locks, %u groups: %llu events, "
	       "%llu "
	       "operations, %llu messages, %llu faults, %llu failovers, recovery %llu ns of %llu, "
	       "wait "
	       "%llu ns, %.3f of its bound, %llu messages at once\n",
		(unsigned long long)o->seed, scenarios[o->scenario], o->participants, o->sharers,
		sim->tables.locks, o->groups, (unsigned long long)r->events,
		(unsigned long long)r->operations, (unsigned long long)r->messages,
		(unsigned long long)r->faults, (unsigned long long)r->failovers,
		(unsigned long long)r->worst_recovery_ns,
		(unsigned long long)judge_recovery_ns(sim, 0), (unsigned long long)r->worst_wait_ns,
		r->worst_ratio, (unsigned long long)r->most_flying);
}

static void write_waits(const struct sim *sim, const char *path)
{
	FILE *file = fopen(path, "w");
	uint32_t l;

	if (!file)
		err(2, "%s", path);
	for (l = 0; l < sim->tables.locks; l++)
		fprintf(file, "%u %llu %llu\n", l, (unsigned long long)sim->ledgers[l].bound_ns,
			(unsigned long long)sim->ledgers[l].wait_ns);
	if (fclose(file))
		err(2, "%s", path);
}

/* Told by the timer when an engine's function does not return. */
static char endless[640];

static void never_returns(int signal)
{
	(void)signal;
	if (write(STDOUT_FILENO, endless, strlen(endless)) < 0)
		_exit(2);
	_exit(1);
}

static void be_patient(const struct command *command, uint64_t seed)
{
	const struct itimerval timer = { .it_value = { .tv_sec = (time_t)command->patience } };

	snprintf(endless, sizeof(endless),
		"violated: a run takes more than %llu s\nreplay: locksim --seed=%llu%s --verbose\n",
		(unsigned long long)command->patience, (unsigned long long)seed, command->replay);
	signal(SIGVTALRM, never_returns);
	setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

static bool run(const struct command *command, uint64_t seed)
{
	const struct options options = options_of(command, seed);
	static struct sim sim;
	bool clean;

	if (!options_valid(&options))
		errx(2, "no such deployment: the sharers must divide the nodes, a group needs "
			"nodes, "
			"and there are 65,534 nodes at most, servers included");
	be_patient(command, seed);
	sim_run(&sim, &options);
	clean = !sim.violation[0];
	if (!clean)
		printf("violated: %s, at %llu ns\nreplay: locksim --seed=%llu%s --verbose\n",
			sim.violation, (unsigned long long)sim.now_ns, (unsigned long long)seed,
			command->replay);
	if (command->verbose)
		tell(&sim);
	if (command->waits)
		write_waits(&sim, command->waits);
	sim_free(&sim);
	return clean;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { known, parse, NULL,
		"The lock service's engine on thousands of simulated nodes.", NULL, NULL, NULL };
	struct command command = {
		.seed = 1, .seeds = 1, .scenario = -1, .discipline = -1, .readers = -1, .losses = -1
	};
	uint64_t i;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &command);
	for (i = 0; i < command.seeds; i++) {
		if (!run(&command, command.seed + i))
			return 1;
	}
	if (command.seeds > 1)
		printf("%llu seeds, nothing violated\n", (unsigned long long)command.seeds);
	return 0;
}
