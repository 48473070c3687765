/*
 * The commands of `mullion ctl`. Each talks over an open session and returns the exit status.
 */
#ifndef CTL_H
#define CTL_H

#include "node_time.h"
#include "session.h"

struct ctl_request {
	struct session_options connect;
	const struct ctl_command *command;
	const char *argument; /* a partition, a schedule, or NULL */
	const char *input, *output, *system;
	bool json, cold, reset;
};

int ctl_list(struct session *session, const struct ctl_request *request);
int ctl_info(struct session *session, const struct ctl_request *request);
int ctl_cpus(struct session *session, const struct ctl_request *request);
int ctl_change(struct session *session, const struct ctl_request *request);
int ctl_schedule(struct session *session, const struct ctl_request *request);
int ctl_health(struct session *session, const struct ctl_request *request);
int ctl_log(struct session *session, const struct ctl_request *request);
int ctl_journal(struct session *session, const struct ctl_request *request);
int ctl_version(struct session *session, const struct ctl_request *request);
int ctl_shutdown(struct session *session, const struct ctl_request *request);
int ctl_console(struct session *session, const struct ctl_request *request);
int ctl_dump(struct session *session, const struct ctl_request *request);
int ctl_load(struct session *session, const struct ctl_request *request);
int ctl_report(struct session *session, const struct ctl_request *request);

const char *ctl_command_name(const struct ctl_command *command);

/* ---- ctl_answer.c: questions that several commands ask ---- */

struct node_clock session_clock(const struct session *session);

/* { "partition": NAME } */
json_t *ctl_partition(const char *name);

/* All entries of the journal, or NULL after an error message. */
json_t *ctl_journal_entries(struct session *session);

int ctl_print_json(const json_t *result);

/* "memory 2, watchdog 1", or "-"; the caller frees it. */
char *ctl_events(const json_t *events);

#endif
