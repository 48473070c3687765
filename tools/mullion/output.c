/*
 * Directories and files that appear whole. See output.h.
 */
#include "output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocate.h"

static bool complain(const char *what, const char *path)
{
	fprintf(stderr, "mullion: %s %s: %s\n", what, path, strerror(errno));
	return false;
}

char *output_begin(const char *path)
{
	size_t length = strlen(path);
	char *temporary;

	while (length > 1 && path[length - 1] == '/')
		length--;
	temporary = format("%.*s.XXXXXX", (int)length, path);
	if (mkdtemp(temporary) && !chmod(temporary, 0755))
		return temporary;
	complain("cannot make a directory beside", path);
	return NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void output_abandon(char *temporary)
{
	remove_tree(temporary);
}

/* Ours to replace: an empty directory, or one that an earlier build filled. */
static bool is_replaceable(const char *path)
{
	char *system = format("%s/system.json", path);
	const bool built = access(system, F_OK) == 0;

	return built || rmdir(path) == 0;
}

bool output_commit(char *temporary, const char *path)
{
	if (access(path, F_OK) == 0 && !is_replaceable(path)) {
		fprintf(stderr, "mullion: %s exists and is not a build; nothing was changed\n",
			path);
		output_abandon(temporary);
		return false;
	}
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
		output_abandon(temporary);
		return true;
	}
	if (rename(temporary, path) == 0)
		return true;
	complain("cannot rename the output to", path);
	output_abandon(temporary);
	return false;
}

FILE *output_open(const char *directory, const char *name)
{
	char *path = format("%s/%s", directory, name);
	FILE *file = fopen(path, "we");

	if (!file)
		complain("cannot write", path);
	return file;
}

bool output_close(FILE *file, const char *name)
{
	const bool failed = ferror(file);

	if (fclose(file) || failed)
		return complain("cannot write", name);
	return true;
}

bool output_copy(const char *from, const char *directory, const char *name)
{
	char buffer[65536];
	FILE *in = fopen(from, "re"), *out;
	size_t bytes;
	bool copied;

	if (!in)
		return complain("cannot read", from);
	out = output_open(directory, name);
	while (out && (bytes = fread(buffer, 1, sizeof(buffer), in)) > 0)
		fwrite(buffer, 1, bytes, out);
	copied = out && !ferror(in);
	fclose(in);
	return out && output_close(out, name) && copied;
}
