/*
 * See whole_file.h.
 */
#include "whole_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(const struct whole_file *file)
{
	fprintf(stderr, "%s: %s was not written: %s\n", program_invocation_name, file->path,
		strerror(errno));
	return false;
}

/* mkstemp makes private files; what we write is an ordinary one. */
static void open_to_umask(int file)
{
	const mode_t mask = umask(0);

	umask(mask);
	(void)fchmod(file, 0666 & ~mask);
}

bool whole_file_open(struct whole_file *file, const char *path)
{
	int descriptor;

	*file = (struct whole_file){ .path = path, .out = stdout };
	if (!strcmp(path, "-"))
		return true;
	if (asprintf(&file->temporary, "%s.XXXXXX", path) < 0)
		abort(); /* out of memory */
	descriptor = mkstemp(file->temporary);
	file->out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
	if (file->out) {
		open_to_umask(descriptor);
		return true;
	}
	complain(file);
	free(file->temporary);
	return false;
}

bool whole_file_close(struct whole_file *file, bool good)
{
	if (!file->temporary)
		return (!fflush(stdout) && !ferror(stdout)) || complain(file);
	if ((ferror(file->out) | fclose(file->out)) && good)
		good = complain(file);
	if (good && rename(file->temporary, file->path))
		good = complain(file);
	if (!good)
		unlink(file->temporary);
	free(file->temporary);
	return good;
}
