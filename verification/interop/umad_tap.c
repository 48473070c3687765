/*
 * Between a program and libibumad: what is sent and received is appended to the file UMAD_TAP names, as it is, 256
 * bytes each. Loaded with LD_PRELOAD. A message of another length, put together by libibumad of several, is counted
 * neither way. Interface: libibumad's umad.h.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define MAD_BYTES 256

void *umad_get_mad(void *umad);
int umad_send(int fd, int agent, void *umad, int length, int timeout_ms, int retries);
int umad_recv(int fd, void *umad, int *length, int timeout_ms);

/* One write: several threads append. */
static void keep(void *const umad, const int length)
{
	const char *const path = getenv("UMAD_TAP");
	static int file = -1;

	if (file < 0 && path != NULL)
		file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (file < 0 || length != MAD_BYTES ||
		write(file, umad_get_mad(umad), MAD_BYTES) != MAD_BYTES)
		return;
}

int umad_send(const int fd, const int agent, void *const umad, const int length,
	const int timeout_ms, const int retries)
{
	int (*real)(int, int, void *, int, int, int);

	*(void **)&real = dlsym(RTLD_NEXT, "umad_send");
	keep(umad, length);
	return real(fd, agent, umad, length, timeout_ms, retries);
}

int umad_recv(const int fd, void *const umad, int *const length, const int timeout_ms)
{
	int (*real)(int, void *, int *, int);
	int result;

	*(void **)&real = dlsym(RTLD_NEXT, "umad_recv");
	result = real(fd, umad, length, timeout_ms);
	if (result >= 0)
		keep(umad, *length);
	return result;
}
