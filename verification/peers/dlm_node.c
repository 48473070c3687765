/*
 * A node of the Linux kernel's lock manager, without corosync and dlm_controld: what they write to configfs and sysfs is
 * written here, and locks are asked for through the lockspace's device, as libdlm does it.
 *
 * usage: dlm_node NUMBER NODES. Node 1 measures; node 2 is the master of what node 1 locks; node 3, if there is one, is the
 * master of LOCKS locks that the others hold, and dies. Nodes are 10.9.0.NUMBER. Prints `busy` lines (marks.h), and `NAME
 * VALUE`; where frames of the network are to be counted, a datagram to port MARKER tells the capture.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dlm.h>
#include <linux/dlm_device.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "marks.h"

#define SPACE       "bench"
#define CONFIG      "/sys/kernel/config/dlm/cluster"
#define STATE       "/sys/kernel/dlm/" SPACE
#define TCP_PORT    18602
#define MARKER      18603
#define NODES_MOST  3
#define CYCLES      500u
#define WARM_CYCLES 20u
#define GRANTS      200u
#define LOCKS       5000u
#define DEATH_PORT  0xf4

enum { MARK_REMOTE = 10, MARK_LOCAL = 20, MARK_MASTER = 30, MARK_HANDOFF = 40 };

/* What the bystander saw, in memory that both processes have. */
struct sight {
	volatile uint64_t longest_ns, grants, stop;
};

static int number, nodes, device = -1;
static int links[NODES_MOST + 1];

static void need(const int good, const char *const format, ...)
{
	va_list words;

	if (good)
		return;
	va_start(words, format);
	fprintf(stderr, "dlm_node: ");
	vfprintf(stderr, format, words);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(words);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- The other nodes ---- */

static struct sockaddr_in address_of(const int node, const uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };

	at.sin_addr.s_addr = htonl(0x0a090000u | (uint32_t)node);
	return at;
}

static int reach(const int node)
{
	const struct sockaddr_in at = address_of(node, TCP_PORT);

	for (int tries = 0; tries < 600; tries++) {
		const int to = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(to, (const struct sockaddr *)&at, sizeof(at)) == 0)
			return to;
		close(to);
		usleep(100000);
	}
	need(0, "node %d cannot be reached", node);
	return -1;
}

/* Node 1 has a connection to each; they greet with their number. */
static void meet(void)
{
	const int one = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = address_of(1, TCP_PORT);
	uint8_t who = (uint8_t)number;

	if (number != 1) {
		links[1] = reach(1);
		need(write(links[1], &who, 1) == 1, "greeting");
		return;
	}
	setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	need(bind(listening, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listening, 2) == 0,
		"listen");
	for (int i = 2; i <= nodes; i++) {
		const int from = accept(listening, NULL, NULL);

		need(read(from, &who, 1) == 1 && who <= NODES_MOST, "being greeted");
		links[who] = from;
	}
}

static void say(const int node)
{
	need(write(links[node], "", 1) == 1, "telling node %d", node);
}

static void hear(const int node)
{
	char word;

	need(read(links[node], &word, 1) == 1, "hearing from node %d", node);
}

/* All are here. */
static void barrier(void)
{
	if (number != 1) {
		say(1);
		hear(1);
		return;
	}
	for (int node = 2; node <= nodes; node++)
		hear(node);
	for (int node = 2; node <= nodes; node++)
		say(node);
}

static void tell_capture(const char *const what)
{
	const struct sockaddr_in at = address_of(3 - number, MARKER);
	const int from = socket(AF_INET, SOCK_DGRAM, 0);

	need(sendto(from, what, strlen(what), 0, (const struct sockaddr *)&at, sizeof(at)) > 0,
		"mark");
	close(from);
	usleep(20000); /* what was sent before has arrived, what comes has not begun */
}

/* ---- What dlm_controld does ---- */

static void put(const void *const bytes, const size_t count, const char *const format, ...)
{
	char path[256];
	va_list words;
	int file;

	va_start(words, format);
	vsnprintf(path, sizeof(path), format, words);
	va_end(words);
	file = open(path, O_WRONLY);
	need(file >= 0 && write(file, bytes, count) == (ssize_t)count, "%s", path);
	close(file);
}

static void make(const char *const format, const int node)
{
	char path[256];

	snprintf(path, sizeof(path), format, node);
	need(mkdir(path, 0755) == 0 || errno == EEXIST, "%s", path);
}

static void put_number(const char *const path, const int node, const int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	put(text, strlen(text), path, node);
}

static void configure(void)
{
	make(CONFIG, 0);
	put("1", 1, CONFIG "/log_info");
	for (int node = 1; node <= nodes; node++) {
		struct sockaddr_storage at = { 0 };
		const struct sockaddr_in in = address_of(node, 0);

		memcpy(&at, &in, sizeof(in));
		make(CONFIG "/comms/%d", node);
		put_number(CONFIG "/comms/%d/nodeid", node, node);
		put(&at, sizeof(at), CONFIG "/comms/%d/addr", node);
		put_number(CONFIG "/comms/%d/local", node, node == number);
	}
}

static void admit(void)
{
	for (int tries = 0; access(STATE "/id", F_OK) != 0; tries++) {
		need(tries < 10000, "no lockspace appears");
		usleep(1000);
	}
	make(CONFIG "/spaces/" SPACE, 0);
	for (int node = 1; node <= nodes; node++) {
		make(CONFIG "/spaces/" SPACE "/nodes/%d", node);
		put_number(CONFIG "/spaces/" SPACE "/nodes/%d/nodeid", node, node);
	}
	put("4660", 4, STATE "/id");
	put("1", 1, STATE "/control");
	put("0", 1, STATE "/event_done");
}

/* ---- Locks ---- */

static void blank(struct dlm_write_request *const request, const uint8_t command)
{
	memset(request, 0, sizeof(*request));
	request->version[0] = DLM_DEVICE_VERSION_MAJOR;
	request->version[1] = DLM_DEVICE_VERSION_MINOR;
	request->version[2] = DLM_DEVICE_VERSION_PATCH;
	request->cmd = command;
	request->is64bit = 1;
}

union request {
	struct dlm_write_request head;
	uint8_t bytes[sizeof(struct dlm_write_request) + DLM_RESNAME_MAXLEN];
};

static int open_space(void)
{
	const int file = open("/dev/dlm_" SPACE, O_RDWR);

	need(file >= 0, "/dev/dlm_" SPACE);
	return file;
}

static void join(void)
{
	static union request request;
	const int control = open("/dev/dlm-control", O_RDWR);
	const pid_t daemon = fork();
	int status;

	if (daemon == 0) {
		admit();
		_exit(0);
	}
	blank(&request.head, DLM_USER_CREATE_LOCKSPACE);
	strcpy(request.head.i.lspace.name, SPACE);
	need(control >= 0 && write(control, &request, sizeof(request.head) + strlen(SPACE)) >= 0,
		"creating the lockspace");
	need(waitpid(daemon, &status, 0) == daemon && status == 0, "admission");
	device = open_space();
}

static bool blocking; /* what is held, or about to be, keeps another one waiting */

/* The next completion; notices before it are remembered. */
static struct dlm_lksb completion(void)
{
	uint8_t answer[sizeof(struct dlm_lock_result) + DLM_USER_LVB_LEN];
	const struct dlm_lock_result *const result = (const void *)answer;

	do {
		need(read(device, answer, sizeof(answer)) >= (ssize_t)sizeof(*result), "a result");
		blocking |= result->bast_mode != 0;
	} while (result->bast_mode != 0);
	return result->lksb;
}

static void await_blocking(void)
{
	uint8_t answer[sizeof(struct dlm_lock_result) + DLM_USER_LVB_LEN];

	if (!blocking)
		need(read(device, answer, sizeof(answer)) > 0 &&
				((const struct dlm_lock_result *)(const void *)answer)->bast_mode !=
					0,
			"a notice");
}

static struct dlm_lksb done(const void *const request, const size_t bytes)
{
	need(write(device, request, bytes) >= 0, "a request");
	return completion();
}

static uint32_t lock(const char *const name, const uint8_t mode)
{
	static union request request;
	static struct dlm_lksb own;
	struct dlm_lksb lksb;

	blocking = false;
	blank(&request.head, DLM_USER_LOCK);
	request.head.i.lock.bastaddr = request.head.i.lock.bastparam = &own;
	request.head.i.lock.mode = mode;
	request.head.i.lock.namelen = (uint8_t)strlen(name);
	request.head.i.lock.castaddr = request.head.i.lock.castparam = &own;
	request.head.i.lock.lksb = &own;
	memcpy(request.head.i.lock.name, name, strlen(name));
	lksb = done(&request, sizeof(request.head) + strlen(name));
	errno = -lksb.sb_status;
	need(lksb.sb_status == 0, "%s is not granted", name);
	return lksb.sb_lkid;
}

static void unlock(const uint32_t id)
{
	static struct dlm_write_request request;
	static struct dlm_lksb own;

	blank(&request, DLM_USER_UNLOCK);
	request.i.lock.lkid = id;
	request.i.lock.castparam = &own;
	request.i.lock.lksb = &own;
	need(done(&request, sizeof(request)).sb_status == -DLM_EUNLOCK, "it is not unlocked");
}

static void cycles(const char *const name, const unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		unlock(lock(name, DLM_LOCK_EX));
}

/* Each gives way when the other one waits, and asks again: granted in turn. */
static void take_turns(const char *const name, const unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const uint32_t id = lock(name, DLM_LOCK_EX);

		if (i + 1 < count)
			await_blocking();
		unlock(id);
	}
}

/* ---- Two nodes ---- */

static void requester(void)
{
	struct marked at;
	uint64_t since;

	barrier();
	cycles("remote", WARM_CYCLES);
	tell_capture("remote begins");
	barrier();
	barrier();
	MARK_BEGIN(MARK_REMOTE, &at);
	since = now_ns();
	cycles("remote", CYCLES);
	since = now_ns() - since;
	MARK_END(MARK_REMOTE, &at, "remote", CYCLES);
	tell_capture("remote ends");
	printf("remote_ns %" PRIu64 "\n", since / CYCLES);
	barrier();
	cycles("local", WARM_CYCLES);
	tell_capture("local begins");
	MARK_BEGIN(MARK_LOCAL, &at);
	cycles("local", CYCLES);
	MARK_END(MARK_LOCAL, &at, "local", CYCLES);
	tell_capture("local ends");
	tell_capture("handoff begins");
	barrier();
	MARK_BEGIN(MARK_HANDOFF, &at);
	since = now_ns();
	take_turns("remote", GRANTS);
	since = now_ns() - since;
	MARK_END(MARK_HANDOFF, &at, "handoff", GRANTS);
	barrier();
	tell_capture("handoff ends");
	printf("handoff_ns %" PRIu64 "\n", since / (2 * GRANTS - 1));
	barrier();
}

/* Blocked in the barriers while node 1 measures. Its NL lock keeps it the master. */
static void master(void)
{
	struct marked at;

	lock("remote", DLM_LOCK_NL);
	barrier();
	barrier();
	MARK_BEGIN(MARK_MASTER, &at);
	barrier();
	barrier();
	MARK_END(MARK_MASTER, &at, "master", CYCLES);
	barrier();
	take_turns("remote", GRANTS);
	barrier();
	barrier();
}

/* ---- Three nodes ---- */

static void hold_all(const uint8_t mode)
{
	char name[16];

	for (unsigned i = 0; i < LOCKS; i++) {
		snprintf(name, sizeof(name), "lock %u", i);
		lock(name, mode);
	}
}

/* A lock that only this process uses, and of which its own node is the master. */
static void stand_by(struct sight *const sight)
{
	char name[16];

	device = open_space();
	snprintf(name, sizeof(name), "own %d", number);
	while (!sight->stop) {
		const uint64_t since = now_ns();

		cycles(name, 1);
		if (now_ns() - since > sight->longest_ns)
			sight->longest_ns = now_ns() - since;
		sight->grants++;
		usleep(1000);
	}
	_exit(0);
}

static void recover(struct sight *const sight)
{
	const uint64_t calm_ns = sight->longest_ns;
	uint64_t since;
	char name[16];

	if (number == 1) {
		say(3);
		usleep(500000); /* it is dead */
		say(2);
	} else {
		hear(1);
	}
	sight->longest_ns = 0;
	since = now_ns();
	put("0", 1, STATE "/control");
	need(rmdir(CONFIG "/spaces/" SPACE "/nodes/3") == 0, "removing node 3");
	put("1", 1, STATE "/control");
	snprintf(name, sizeof(name), "after %d", number);
	unlock(lock(name, DLM_LOCK_EX));
	printf("recovery_ns %" PRIu64 "\n", now_ns() - since);
	usleep(100000);
	printf("calm_ns %" PRIu64 "\nbystander_ns %" PRIu64 "\n", calm_ns, sight->longest_ns);
}

static void survivor(void)
{
	struct sight *const sight = mmap(
		NULL, sizeof(*sight), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t bystander;

	barrier(); /* node 3 is the master of all */
	hold_all(DLM_LOCK_PR);
	printf("held %u\n", LOCKS);
	fflush(stdout);
	bystander = fork();
	if (bystander == 0)
		stand_by(sight);
	barrier();
	usleep(200000);
	recover(sight);
	sight->stop = 1;
	waitpid(bystander, NULL, 0);
	printf("grants %" PRIu64 "\n", sight->grants);
	fflush(stdout);
	/* Neither leaves while the other one may wait for it. */
	say(3 - number);
	hear(3 - number);
}

static void victim(void)
{
	hold_all(DLM_LOCK_NL);
	barrier();
	barrier();
	hear(1);
	ioperm(DEATH_PORT, 1, 1);
	outb(0, DEATH_PORT);
}

int main(const int argc, char **const argv)
{
	number = argc == 3 ? atoi(argv[1]) : 0;
	nodes = argc == 3 ? atoi(argv[2]) : 0;
	if (nodes < 2 || nodes > NODES_MOST || number < 1 || number > nodes) {
		fprintf(stderr, "usage: dlm_node NUMBER NODES\n");
		return 2;
	}
	meet();
	configure();
	barrier();
	join();
	barrier();
	if (nodes == 2)
		(number == 1 ? requester : master)();
	else
		(number == 3 ? victim : survivor)();
	return 0;
}
