/*
 * mullion build: description -> tables -> one image.
 *
 * The invariant: the output directory holds a whole build or is not touched, and the same input
 * gives the same bytes: file names inside are relative, nothing depends on the host.
 */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocate.h"
#include "command.h"
#include "emit.h"
#include "load.h"
#include "model_rdma.h"
#include "output.h"
#include "subcommands.h"
#include "svg.h"

#define KERNEL_SCRIPT "arch/x86/kernel.ld"

struct request {
	struct load_request load;
	const char *output, *kernel;
};

static const struct argp_option options[] = {
	{ "output", 'o', "DIR", 0, "where the build goes; an earlier build there is replaced", 0 },
	{ "kernel", 'k', "DIR", 0, "where libkernel.a and its cflags are", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->load;
		return 0;
	case 'o':
		request->output = argument;
		return 0;
	case 'k':
		request->kernel = argument;
		return 0;
	case ARGP_KEY_END:
		if (!request->output)
			argp_error(state, "-o DIR is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &load_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = { options, parse, "FILE.dts -o DIR",
	"Build the image of a deployment: tables, linker script, chart, and mullion.elf.\v"
	"Partition images are looked up in " DEFAULT_IMAGES " and the kernel in " DEFAULT_KERNEL
	" unless said otherwise. Exit status: 0 built, 1 the input is wrong, 2 the command line "
	"is.",
	children, NULL, NULL };

/* ---- Files ---- */

static bool write_with(const char *directory, const char *name, const struct plan *plan,
	void (*emit)(FILE *out, const struct plan *plan))
{
	FILE *file = output_open(directory, name);

	if (!file)
		return false;
	emit(file, plan);
	return output_close(file, name);
}

static void draw(FILE *out, const struct plan *plan)
{
	svg_draw(out, plan->model);
}

static bool copy_images(const char *directory, const struct plan *plan)
{
	char *images = format("%s/images", directory);
	bool copied = mkdir(images, 0755) == 0;
	size_t p;

	for (p = 0; copied && p < plan->model->partitions_count; p++) {
		char *name = emit_image_name(plan, p);

		copied = output_copy(plan->model->partitions[p].image_path, directory, name);
	}
	return copied;
}

static bool write_rdma(const char *directory, const struct plan *plan)
{
	bool written = true;
	size_t i;

	for (i = 0; written && i < plan->model->rdma_count; i++) {
		const struct model_rdma *rdma = &plan->model->rdma[i];
		char *name = format(LAYOUT_RDMA_FILE, plan->layout.partitions[rdma->partition].id);
		FILE *file = output_open(directory, name);

		written = file != NULL;
		if (!file)
			continue;
		emit_rdma(file, plan, rdma);
		written = output_close(file, name);
	}
	return written;
}

static bool write_files(const char *directory, const struct plan *plan)
{
	return write_with(directory, "system.c", plan, emit_system) &&
	       write_with(directory, "system.json", plan, emit_json) &&
	       write_with(directory, "schedule.svg", plan, draw) &&
	       write_with(directory, "images.S", plan, emit_images) &&
	       write_with(directory, "system.ld", plan, emit_linker_script) &&
	       (!plan->model->locks ||
		       write_with(directory, LAYOUT_LOCKS_FILE, plan, emit_locks)) &&
	       write_rdma(directory, plan) && copy_images(directory, plan);
}

/* ---- Compiler and linker ---- */

static bool run(struct command *command, const char *what)
{
	bool timed_out;
	const int status = command_run(command, 0, &timed_out);

	command_free(command);
	if (status)
		fprintf(stderr, "mullion build: %s failed (exit status %d)\n", what, status);
	return status == 0;
}

static char *read_flags(const char *kernel)
{
	char *path = format("%s/cflags", kernel), *flags = NULL;
	FILE *file = fopen(path, "re");
	size_t bytes = 0;

	if (!file)
		fprintf(stderr,
			"mullion build: there is no %s; build the kernel first (make kernel), or "
			"name its directory with --kernel\n",
			path);
	else if (getdelim(&flags, &bytes, '\0', file) < 0)
		flags = allocate(1, 1);
	if (file)
		fclose(file);
	return flags;
}

/* The kernel's own flags, so that both see the same structures; its warnings are not for tables. */
static bool compile_tables(const char *directory, const char *kernel)
{
	char *flags = read_flags(kernel);
	struct command command = { 0 };

	if (!flags)
		return false;
	command_add(&command, "gcc");
	command_add_words(&command, flags);
	command_add_words(&command, "-Wno-pedantic -Wno-overlength-strings -g0");
	command_add(&command, "-ffile-prefix-map=%s=.", directory);
	command_add_words(&command, "-c -o");
	command_add(&command, "%s/system.o", directory);
	command_add(&command, "%s/system.c", directory);
	free(flags);
	return run(&command, "compiling system.c");
}

static bool assemble_images(const char *directory)
{
	struct command command = { 0 };

	command_add_words(&command, "as --64 -I");
	command_add(&command, "%s", directory);
	command_add(&command, "-o");
	command_add(&command, "%s/images.o", directory);
	command_add(&command, "%s/images.S", directory);
	return run(&command, "assembling images.S");
}

static void add_script(struct command *command, const char *kernel)
{
	char *own = format("%s/kernel.ld", kernel);

	command_add(command, "-T");
	command_add(command, "%s", access(own, R_OK) == 0 ? own : KERNEL_SCRIPT);
}

static bool link_image(const char *directory, const char *kernel, const struct plan *plan)
{
	struct command command = { 0 };

	command_add_words(&command,
		"ld -m elf_x86_64 -static -nostdlib --build-id=none -z noexecstack "
		"-z max-page-size=4096 --no-warn-rwx-segments --fatal-warnings");
	command_add(&command, "-L%s", directory); /* first: where the script's INCLUDE looks */
	add_script(&command, kernel);
	command_add(
		&command, "--defsym=data_base=%#llx", (unsigned long long)plan->layout.data_base);
	command_add(&command, "--defsym=data_end=%#llx", (unsigned long long)plan->layout.data_end);
	command_add(&command, "-o");
	command_add(&command, "%s/mullion.elf", directory);
	command_add(&command, "--whole-archive");
	command_add(&command, "%s/libkernel.a", kernel);
	command_add(&command, "--no-whole-archive");
	command_add(&command, "%s/system.o", directory);
	command_add(&command, "%s/images.o", directory);
	return run(&command, "linking mullion.elf");
}

static bool build(const struct request *request, const struct plan *plan)
{
	char *directory = output_begin(request->output);

	if (!directory)
		return false;
	if (write_files(directory, plan) && compile_tables(directory, request->kernel) &&
		assemble_images(directory) && link_image(directory, request->kernel, plan))
		return output_commit(directory, request->output);
	output_abandon(directory);
	fprintf(stderr, "mullion build: %s was not written\n", request->output);
	return false;
}

int build_main(int argc, char **argv)
{
	struct request request = { .kernel = DEFAULT_KERNEL };
	struct load load;
	bool built;

	argp_parse(&argp, argc, argv, 0, NULL, &request);
	if (!request.load.images.count)
		load_add_directory(&request.load.images, DEFAULT_IMAGES);
	if (!load_or_say(&load, request.load.source, request.load.images.paths))
		return 1;
	built = build(&request, &load.plan);
	load_free(&load);
	free(request.load.images.paths);
	return built ? 0 : 1;
}
