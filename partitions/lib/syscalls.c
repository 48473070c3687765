/*
 * What newlib asks of a system: a console, a heap, an end. No files, no processes, no clock but
 * ours.
 *
 * Invariant: the heap lies in RAM the boot protocol named, directly behind the image, and never
 * reaches the stack or a hole. Specification: newlib libc manual, "System Calls".
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <unistd.h>

#include <mullion/console.h>
#include <mullion/platform.h>
#include <mullion/time.h>

#define MAPPED_END 0xf0000000ull /* the SDK maps 4 GiB; what lies above the hole is not used */

extern char partition_end[];

int write(int file, const void *text, size_t bytes);
int read(int file, void *buffer, size_t bytes);
void *sbrk(ptrdiff_t bytes);

int write(const int file, const void *const text, const size_t bytes)
{
	if (file != STDOUT_FILENO && file != STDERR_FILENO) {
		errno = EBADF;
		return -1;
	}
	console_write(text, bytes);
	return (int)bytes;
}

int read(const int file, void *const buffer, const size_t bytes)
{
	(void)file;
	(void)buffer;
	(void)bytes;
	return 0;
}

static uintptr_t heap_end(void)
{
	const uintptr_t start = (uintptr_t)partition_end;

	for (uint32_t i = 0; i < boot.ram_count; i++) {
		const uint64_t end = boot.ram[i].base + boot.ram[i].bytes;

		if (boot.ram[i].base <= start && start < end)
			return end < MAPPED_END ? end : MAPPED_END;
	}
	return start; /* no map: no heap; printf then writes unbuffered */
}

void *sbrk(const ptrdiff_t bytes)
{
	static uintptr_t position;
	static uintptr_t end;
	void *result;

	if (position == 0) {
		position = (uintptr_t)partition_end;
		end = heap_end();
	}
	if (bytes > 0 && (uintptr_t)bytes > end - position) {
		errno = ENOMEM;
		return (void *)-1;
	}
	result = (void *)position;
	position += (uintptr_t)bytes;
	return result;
}

int close(const int file)
{
	(void)file;
	errno = EBADF;
	return -1;
}

off_t lseek(const int file, const off_t offset, const int whence)
{
	(void)file;
	(void)offset;
	(void)whence;
	errno = ESPIPE;
	return -1;
}

int fstat(const int file, struct stat *const status)
{
	(void)file;
	*status = (struct stat){ .st_mode = S_IFCHR };
	return 0;
}

int isatty(const int file)
{
	return file <= STDERR_FILENO;
}

pid_t getpid(void)
{
	return 1;
}

int kill(const pid_t process, const int signal)
{
	(void)process;
	platform_exit(128 + signal); /* abort() and failed assertions end here */
}

void _exit(const int status)
{
	platform_exit(status);
}
