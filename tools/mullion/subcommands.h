/*
 * The subcommands of mullion. argv[0] is "mullion NAME"; the result is the exit status: 0 done,
 * 1 the input is wrong, 2 the command line is wrong.
 */
#ifndef SUBCOMMANDS_H
#define SUBCOMMANDS_H

int check_main(int argc, char **argv);
int build_main(int argc, char **argv);
int explain_main(int argc, char **argv);
int run_main(int argc, char **argv);
int jitter_main(int argc, char **argv);
int audit_main(int argc, char **argv);
int ctl_main(int argc, char **argv);
int top_main(int argc, char **argv);
int trace_main(int argc, char **argv);

/* What `mullion build` and `mullion check` look at when nothing else is said. */
#define DEFAULT_IMAGES "build/partitions"
#define DEFAULT_KERNEL "build/kernel"

#endif
