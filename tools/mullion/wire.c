/*
 * Opening, writing and reading the way to a node. See wire.h.
 */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SERIAL_SPEED    B115200
#define DATAGRAMS_BYTES (4 << 20)

static bool complain(const struct wire *wire, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_name, wire->address, what);
	return false;
}

int64_t wire_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Addresses ---- */

static const char *after(const char *address, const char *prefix)
{
	const size_t length = strlen(prefix);

	return strncmp(address, prefix, length) ? NULL : address + length;
}

/* "HOST:PORT" or "[HOST]:PORT"; false if it is neither. */
static bool split_host(const char *text, char host[256], const char **port)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;

	if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return false;
	}
	if (!length || length > 255 || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")] ||
		strlen(colon + 1) > 5)
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	*port = colon + 1;
	return true;
}

bool wire_address_valid(const char *address)
{
	const char *path = after(address, "unix:"), *name = after(address, "udp:"), *port;
	char host[256];

	if (path)
		return *path && strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
	if (name)
		return split_host(name, host, &port);
	return *address == '/';
}

/* ---- Opening ---- */

static bool open_unix(struct wire *wire, const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	wire->file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (wire->file >= 0 && !connect(wire->file, (struct sockaddr *)&name, sizeof(name)))
		return true;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return complain(wire, "nobody listens there: does the node run, with "
				      "-serial unix:PATH,server?");
	return complain(wire, strerror(errno));
}

static bool open_udp(struct wire *wire, const char *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	static const int room = DATAGRAMS_BYTES;
	struct addrinfo *found, *one;
	const char *port = NULL;
	char host[256];
	int status;

	if (!split_host(name, host, &port))
		return complain(wire, "an address by UDP is udp:HOST:PORT");
	status = getaddrinfo(host, port, &hints, &found);
	if (status)
		return complain(wire, gai_strerror(status));
	for (one = found; one && wire->file < 0; one = one->ai_next) {
		wire->file = socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (wire->file >= 0 && connect(wire->file, one->ai_addr, one->ai_addrlen)) {
			close(wire->file);
			wire->file = -1;
		}
	}
	freeaddrinfo(found);
	/* A long answer comes faster than it is read; where less is allowed, it is less. */
	setsockopt(wire->file, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	wire->datagrams = true;
	return wire->file >= 0 || complain(wire, strerror(errno));
}

static bool open_serial(struct wire *wire, const char *path)
{
	struct termios settings;

	wire->file = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (wire->file < 0)
		return complain(wire, strerror(errno));
	if (tcgetattr(wire->file, &wire->before))
		return complain(wire, "it is not a serial device; a socket is unix:PATH");
	settings = wire->before;
	cfmakeraw(&settings);
	cfsetispeed(&settings, SERIAL_SPEED);
	cfsetospeed(&settings, SERIAL_SPEED);
	settings.c_cflag |= CLOCAL | CREAD;
	wire->is_terminal = true;
	return !tcsetattr(wire->file, TCSANOW, &settings) || complain(wire, strerror(errno));
}

bool wire_open(struct wire *wire, const char *address)
{
	bool open;

	*wire = (struct wire){ .file = -1, .address = address };
	if (after(address, "unix:"))
		open = open_unix(wire, after(address, "unix:"));
	else if (after(address, "udp:"))
		open = open_udp(wire, after(address, "udp:"));
	else
		open = open_serial(wire, address);
	if (!open)
		wire_close(wire);
	return open;
}

void wire_close(struct wire *wire)
{
	if (wire->file < 0)
		return;
	if (wire->is_terminal)
		tcsetattr(wire->file, TCSADRAIN, &wire->before);
	close(wire->file);
	wire->file = -1;
}

/* ---- Writing ---- */

static bool put_all(int file, const char *bytes, size_t count)
{
	while (count) {
		const ssize_t done = write(file, bytes, count);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			bytes += done;
			count -= (size_t)done;
		}
	}
	return true;
}

bool wire_send(struct wire *wire, const char *line)
{
	char text[WIRE_LINE_BYTES + 1];
	const int length = snprintf(text, sizeof(text), "%s\n", line);

	if (length > (int)WIRE_LINE_BYTES)
		return complain(wire, "the request is longer than the 1,024 bytes of a line");
	/* What an earlier datagram brought as an error of the network is not this one's. */
	if (put_all(wire->file, text, (size_t)length) ||
		(wire->datagrams && put_all(wire->file, text, (size_t)length)))
		return true;
	return complain(wire, errno == EPIPE || errno == ECONNREFUSED
				      ? "nobody listens there any more: has the node ended?"
				      : strerror(errno));
}

/* ---- Reading ---- */

static bool take_bytes(struct wire *wire)
{
	while (wire->first < wire->count)
		if (line_reader_take(&wire->reader, (char)wire->bytes[wire->first++]))
			return true;
	/* A datagram is a line, with its newline or without. */
	return wire->datagrams && wire->count && line_reader_take(&wire->reader, '\n');
}

static enum wire_result fill(struct wire *wire)
{
	const ssize_t count = read(wire->file, wire->bytes, sizeof(wire->bytes));

	wire->first = 0;
	wire->count = count > 0 ? (size_t)count : 0;
	if (count > 0)
		return WIRE_LINE;
	if (wire->datagrams)
		return WIRE_TIMEOUT; /* an empty datagram, or nobody listens yet */
	return count < 0 && errno == EINTR ? WIRE_OTHER : WIRE_CLOSED;
}

static int milliseconds_left(int64_t deadline_ms)
{
	const int64_t left = deadline_ms - wire_now_ms();

	if (deadline_ms < 0)
		return -1;
	return left > 0 ? (int)left : 0;
}

enum wire_result wire_read(struct wire *wire, int64_t deadline_ms, int also)
{
	for (;;) {
		struct pollfd inputs[2] = { { .fd = wire->file, .events = POLLIN },
			{ .fd = also, .events = POLLIN } };
		int ready;

		if (take_bytes(wire))
			return WIRE_LINE;
		wire->count = 0;
		ready = poll(inputs, 2, milliseconds_left(deadline_ms));
		if (ready < 0 || inputs[1].revents)
			return WIRE_OTHER;
		if (!ready)
			return WIRE_TIMEOUT;
		switch (fill(wire)) {
		case WIRE_CLOSED:
			return WIRE_CLOSED;
		case WIRE_OTHER:
			return WIRE_OTHER;
		default:
			break;
		}
	}
}
