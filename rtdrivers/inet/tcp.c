/*
 * A connection of TCP. Invariant: oldest <= next <= latest <= the end of what waits, in sequence numbers; a byte
 * is handed out once, in order; every state but closed, listening, open and half closed has a deadline.
 * Specification: RFC 9293, 3.10; the order of judging a segment is 3.10.7.
 */
#include <inet/tcp.h>

#define MOST_IF_UNSAID 536u /* 3.7.1 */

static bool is_before(const uint32_t a, const uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void copy(uint8_t *const to, const uint8_t *const from, const unsigned bytes)
{
	for (unsigned i = 0; i < bytes && i < TCP_BUFFER_BYTES; i++)
		to[i] = from[i];
}

/* The first bytes of a buffer are done with. */
static void drop_first(uint8_t *const buffer, unsigned *const there, const unsigned bytes)
{
	*there -= bytes;
	copy(buffer, buffer + bytes, *there);
}

static bool is_opening(const struct tcp *const tcp)
{
	return tcp->state == TCP_SYN_SENT || tcp->state == TCP_SYN_RECEIVED;
}

/* Its FIN is to be acknowledged, sent or not. */
static bool is_closing(const struct tcp *const tcp)
{
	return tcp->state == TCP_FIN_WAIT_1 || tcp->state == TCP_CLOSING ||
	       tcp->state == TCP_LAST_ACK;
}

/* Behind all that waits: a SYN or a FIN is one. */
static uint32_t end_of(const struct tcp *const tcp)
{
	return tcp->oldest + is_opening(tcp) + tcp->sent_bytes + is_closing(tcp);
}

/* ---- Its owner's calls ---- */

void tcp_open(struct tcp *const tcp, const uint32_t random)
{
	tcp->state = TCP_CLOSED;
	tcp->end = TCP_END_NONE;
	tcp->random = random;
	tcp->deadline_ns = TCP_NEVER;
	tcp->received_bytes = tcp->sent_bytes = 0;
	tcp->answer = tcp->finished = tcp->passive = false;
}

/* Nothing sent, nothing received; where it begins nobody knows who does not know the last one. */
static void begin(struct tcp *const tcp, const enum tcp_state state, const uint16_t port)
{
	tcp->random = tcp->random * 1664525u + 1013904223u;
	tcp->oldest = tcp->next = tcp->latest = tcp->random;
	tcp->state = state;
	tcp->end = TCP_END_NONE;
	tcp->port = port;
	tcp->most = MOST_IF_UNSAID;
	tcp->window = 1;
	tcp->tries = 0;
	tcp->deadline_ns = TCP_NEVER;
	tcp->sent_bytes = tcp->received_bytes = 0;
	tcp->answer = tcp->finished = false;
}

void tcp_listen(struct tcp *const tcp, const uint16_t port)
{
	begin(tcp, TCP_LISTEN, port);
	tcp->passive = true;
}

void tcp_connect(
	struct tcp *const tcp, const uint16_t port, const uint32_t peer, const uint16_t peer_port)
{
	begin(tcp, TCP_SYN_SENT, port);
	tcp->passive = false;
	tcp->peer = peer;
	tcp->peer_port = peer_port;
}

unsigned tcp_write(struct tcp *const tcp, const uint8_t *const octets, const unsigned bytes)
{
	const unsigned room = TCP_BUFFER_BYTES - tcp->sent_bytes;
	const unsigned taken = bytes < room ? bytes : room;

	if (tcp->finished ||
		(!is_opening(tcp) && tcp->state != TCP_ESTABLISHED && tcp->state != TCP_CLOSE_WAIT))
		return 0;
	copy(tcp->sent + tcp->sent_bytes, octets, taken);
	tcp->sent_bytes += taken;
	return taken;
}

/* The peer is told of the room once it is worth a segment. 3.8.6.2.2. */
unsigned tcp_read(struct tcp *const tcp, uint8_t *const octets, const unsigned bytes)
{
	const unsigned there = tcp->received_bytes;
	const unsigned taken = bytes < there ? bytes : there;
	const bool narrow = TCP_BUFFER_BYTES - there < TCP_BUFFER_BYTES / 2;

	copy(octets, tcp->received, taken);
	drop_first(tcp->received, &tcp->received_bytes, taken);
	if (narrow && TCP_BUFFER_BYTES - tcp->received_bytes >= TCP_BUFFER_BYTES / 2 &&
		(tcp->state == TCP_ESTABLISHED || tcp->state == TCP_FIN_WAIT_1 ||
			tcp->state == TCP_FIN_WAIT_2))
		tcp->answer = true;
	return taken;
}

bool tcp_ended(const struct tcp *const tcp)
{
	return tcp->received_bytes == 0 &&
	       (tcp->state == TCP_CLOSED || tcp->state >= TCP_CLOSE_WAIT);
}

static void end(struct tcp *const tcp, const enum tcp_end why)
{
	tcp->state = TCP_CLOSED;
	tcp->end = why;
	tcp->deadline_ns = TCP_NEVER;
	tcp->sent_bytes = 0;
	tcp->answer = false;
}

void tcp_close(struct tcp *const tcp)
{
	tcp->finished = true;
	if (tcp->state == TCP_LISTEN || tcp->state == TCP_SYN_SENT)
		end(tcp, TCP_END_DONE);
	else if (tcp->state == TCP_ESTABLISHED)
		tcp->state = TCP_FIN_WAIT_1;
	else if (tcp->state == TCP_CLOSE_WAIT)
		tcp->state = TCP_LAST_ACK;
}

/* ---- A segment that came ---- */

/* It failed before it was open, or after: a listener listens again. 3.10.7.4. */
static void fail(struct tcp *const tcp, const enum tcp_end why)
{
	if (tcp->passive && tcp->state == TCP_SYN_RECEIVED && !tcp->finished)
		begin(tcp, TCP_LISTEN, tcp->port);
	else
		end(tcp, why);
}

static void take_window(struct tcp *const tcp, const struct tcp_segment *const segment)
{
	if (is_before(segment->sequence, tcp->window_seq) ||
		(segment->sequence == tcp->window_seq &&
			is_before(segment->acknowledgment, tcp->window_ack)))
		return;
	tcp->window = segment->window;
	tcp->window_seq = segment->sequence;
	tcp->window_ack = segment->acknowledgment;
}

static void meet(struct tcp *const tcp, const struct tcp_segment *const segment)
{
	tcp->expected = segment->sequence + 1;
	if (segment->most != 0)
		tcp->most = segment->most < TCP_PAYLOAD_BYTES ? segment->most : TCP_PAYLOAD_BYTES;
	tcp->window = segment->window;
	tcp->window_seq = segment->sequence;
	tcp->window_ack = segment->acknowledgment;
}

static void become_open(struct tcp *const tcp)
{
	tcp->oldest++;
	tcp->state = tcp->finished ? TCP_FIN_WAIT_1 : TCP_ESTABLISHED;
}

/* All is sent and acknowledged, our FIN too. */
static void last_acknowledged(struct tcp *const tcp, const uint64_t now_ns)
{
	if (tcp->state == TCP_FIN_WAIT_1) {
		tcp->state = TCP_FIN_WAIT_2;
	} else if (tcp->state == TCP_CLOSING) {
		tcp->state = TCP_TIME_WAIT;
		tcp->deadline_ns = now_ns + TCP_LINGER_NS;
	} else {
		end(tcp, TCP_END_DONE);
	}
}

/* What the acknowledgment is the first of: it lies behind `oldest`, and not behind `latest`. */
static void take_progress(struct tcp *const tcp, const uint64_t now_ns, const uint32_t to)
{
	uint32_t count = to - tcp->oldest;

	if (is_opening(tcp)) {
		become_open(tcp);
		count--;
	}
	tcp->tries = 0;
	tcp->deadline_ns = to == tcp->latest ? TCP_NEVER : now_ns + TCP_FIRST_NS;
	tcp->oldest = to;
	if (is_before(tcp->next, to))
		tcp->next = to;
	if (count > tcp->sent_bytes) {
		tcp->sent_bytes = 0;
		last_acknowledged(tcp, now_ns);
		return;
	}
	drop_first(tcp->sent, &tcp->sent_bytes, count);
}

/* False: the segment is not to be looked at further. */
static bool take_acknowledgment(
	struct tcp *const tcp, const uint64_t now_ns, const struct tcp_segment *const segment)
{
	const uint32_t to = segment->acknowledgment;

	if (is_before(tcp->latest, to)) {
		tcp->answer = true;
		return false;
	}
	if (is_before(tcp->oldest, to))
		take_progress(tcp, now_ns, to);
	if (tcp->state == TCP_CLOSED)
		return false;
	take_window(tcp, segment);
	/* A peer without room that says so is there. 3.8.6.1. */
	if (tcp->window == 0)
		tcp->tries = 0;
	return true;
}

static void take_fin(struct tcp *const tcp, const uint64_t now_ns)
{
	tcp->expected++;
	tcp->answer = true;
	if (tcp->state == TCP_ESTABLISHED) {
		tcp->state = TCP_CLOSE_WAIT;
	} else if (tcp->state == TCP_FIN_WAIT_1) {
		tcp->state = TCP_CLOSING;
	} else if (tcp->state == TCP_FIN_WAIT_2) {
		tcp->state = TCP_TIME_WAIT;
		tcp->deadline_ns = now_ns + TCP_LINGER_NS;
	}
}

/* What is new of it, as far as there is room; a FIN behind what found none is not seen. */
static void take_payload(struct tcp *const tcp, const uint64_t now_ns,
	const struct tcp_segment *const segment, const uint32_t known)
{
	const unsigned fresh = segment->bytes - known;
	const unsigned room = TCP_BUFFER_BYTES - tcp->received_bytes;
	const unsigned taken = fresh < room ? fresh : room;

	if (tcp->state != TCP_ESTABLISHED && tcp->state != TCP_FIN_WAIT_1 &&
		tcp->state != TCP_FIN_WAIT_2)
		return;
	if (fresh != 0) {
		copy(tcp->received + tcp->received_bytes, segment->payload + known, taken);
		tcp->received_bytes += taken;
		tcp->expected += taken;
		tcp->answer = true;
	}
	if (taken == fresh && (segment->flags & TCP_FIN))
		take_fin(tcp, now_ns);
}

/*
 * Behind what is expected, or all of it known already: acknowledged again, unless it asks for nothing. In
 * TIME-WAIT, a FIN that comes again makes it wait again.
 */
static void take_other(
	struct tcp *const tcp, const uint64_t now_ns, const struct tcp_segment *const segment)
{
	if (segment->flags & TCP_RST)
		return;
	tcp->answer = true;
	if (tcp->state == TCP_TIME_WAIT && (segment->flags & TCP_FIN))
		tcp->deadline_ns = now_ns + TCP_LINGER_NS;
}

/* In front of everything else in a connection that both ends know of. 3.10.7.4, first to fourth. */
static bool is_acceptable(
	struct tcp *const tcp, const uint64_t now_ns, const struct tcp_segment *const segment)
{
	const uint32_t length = segment->bytes + ((segment->flags & TCP_FIN) != 0) +
				((segment->flags & TCP_SYN) != 0);
	const uint32_t known = tcp->expected - segment->sequence;

	/* What lies ahead is known to be less than nothing, which is much. */
	if (known > length || (known == length && length != 0)) {
		take_other(tcp, now_ns, segment);
		return false;
	}
	if (segment->flags & TCP_RST) {
		/* At exactly the expected number; another may be a stranger's guess. RFC 5961, 3. */
		if (known == 0)
			fail(tcp, tcp->state >= TCP_CLOSING && tcp->sent_bytes == 0
					  ? TCP_END_DONE
					  : TCP_END_RESET);
		return false;
	}
	if (segment->flags & TCP_SYN)
		tcp->answer = true;
	return (segment->flags & (TCP_SYN | TCP_ACK)) == TCP_ACK;
}

static bool take_while_listening(
	struct tcp *const tcp, const uint32_t from, const struct tcp_segment *const segment)
{
	if (segment->flags & TCP_RST)
		return true;
	if ((segment->flags & (TCP_ACK | TCP_SYN)) != TCP_SYN)
		return false;
	tcp->peer = from;
	tcp->peer_port = segment->source;
	tcp->state = TCP_SYN_RECEIVED;
	meet(tcp, segment);
	return true;
}

/* It acknowledges our SYN. */
static bool opens(const struct tcp *const tcp, const struct tcp_segment *const segment)
{
	return is_before(tcp->oldest, segment->acknowledgment) &&
	       !is_before(tcp->latest, segment->acknowledgment);
}

static bool take_while_connecting(
	struct tcp *const tcp, const uint64_t now_ns, const struct tcp_segment *const segment)
{
	const bool acknowledges = (segment->flags & TCP_ACK) != 0;

	if (acknowledges && !opens(tcp, segment))
		return false;
	if (segment->flags & TCP_RST) {
		if (acknowledges)
			end(tcp, TCP_END_RESET);
		return true;
	}
	if ((segment->flags & TCP_SYN) == 0)
		return true;
	meet(tcp, segment);
	tcp->answer = true;
	if (acknowledges) {
		take_progress(tcp, now_ns, segment->acknowledgment);
	} else {
		tcp->state = TCP_SYN_RECEIVED;
		tcp->next = tcp->oldest;
	}
	return true;
}

bool tcp_take(struct tcp *const tcp, const uint64_t now_ns, const uint32_t from,
	const struct tcp_segment *const segment)
{
	if (tcp->state == TCP_CLOSED || segment->destination != tcp->port)
		return false;
	if (tcp->state == TCP_LISTEN)
		return take_while_listening(tcp, from, segment);
	if (from != tcp->peer || segment->source != tcp->peer_port)
		return false;
	if (tcp->state == TCP_SYN_SENT)
		return take_while_connecting(tcp, now_ns, segment);
	if (!is_acceptable(tcp, now_ns, segment))
		return true;
	if (tcp->state == TCP_SYN_RECEIVED && !opens(tcp, segment))
		return false;
	if (take_acknowledgment(tcp, now_ns, segment))
		take_payload(tcp, now_ns, segment, tcp->expected - segment->sequence);
	return true;
}

/* ---- A segment to be sent ---- */

static void write_head(const struct tcp *const tcp, struct tcp_segment *const segment)
{
	*segment = (struct tcp_segment){ .source = tcp->port,
		.destination = tcp->peer_port,
		.sequence = tcp->next,
		.window = (uint16_t)(TCP_BUFFER_BYTES - tcp->received_bytes),
		.flags = tcp->state == TCP_SYN_SENT ? 0 : TCP_ACK,
		.payload = tcp->sent };
	if (segment->flags != 0)
		segment->acknowledgment = tcp->expected;
}

/* `next` moves on; the timer runs while anything is on its way. RFC 6298, 5.1. */
static void advance(struct tcp *const tcp, const uint64_t now_ns, const uint32_t count)
{
	const unsigned doublings = tcp->tries < TCP_DOUBLINGS ? tcp->tries : TCP_DOUBLINGS;

	tcp->next += count;
	if (is_before(tcp->latest, tcp->next))
		tcp->latest = tcp->next;
	if (tcp->deadline_ns == TCP_NEVER)
		tcp->deadline_ns = now_ns + (TCP_FIRST_NS << doublings);
}

/* A byte is sent where the peer had no room, now and then, to be told of any. 3.8.6.1. */
static uint32_t sendable(const struct tcp *const tcp)
{
	const uint32_t window = tcp->window == 0 && tcp->tries != 0 ? 1 : tcp->window;
	const uint32_t on_the_way = tcp->next - tcp->oldest;
	const uint32_t waits = end_of(tcp) - tcp->next;
	const uint32_t room = window > on_the_way ? window - on_the_way : 0;

	/* A SYN asks for no room, and nothing goes before it is acknowledged. */
	if (is_opening(tcp))
		return on_the_way == 0;
	return waits < room ? waits : room;
}

static void write_payload(
	struct tcp *const tcp, const uint32_t count, struct tcp_segment *const segment)
{
	const uint32_t offset = tcp->next - tcp->oldest;
	const uint32_t left = tcp->sent_bytes > offset ? tcp->sent_bytes - offset : 0;
	const uint32_t most = tcp->most < TCP_PAYLOAD_BYTES ? tcp->most : TCP_PAYLOAD_BYTES;
	uint32_t bytes = count < left ? count : left;

	bytes = bytes < most ? bytes : most;
	segment->payload = tcp->sent + offset;
	segment->bytes = bytes;
	if (bytes != 0 && bytes == left)
		segment->flags |= TCP_PSH;
	if (is_closing(tcp) && bytes == left && count > left)
		segment->flags |= TCP_FIN;
}

static bool write_data(
	struct tcp *const tcp, const uint64_t now_ns, struct tcp_segment *const segment)
{
	const uint32_t count = sendable(tcp);

	if (count == 0) {
		if (end_of(tcp) != tcp->oldest)
			advance(tcp, now_ns, 0);
		return false;
	}
	write_head(tcp, segment);
	if (is_opening(tcp)) {
		segment->flags |= TCP_SYN;
		segment->most = TCP_PAYLOAD_BYTES;
		advance(tcp, now_ns, 1);
	} else {
		write_payload(tcp, count, segment);
		advance(tcp, now_ns, segment->bytes + ((segment->flags & TCP_FIN) != 0));
	}
	tcp->answer = false;
	return true;
}

static void expire(struct tcp *const tcp)
{
	tcp->deadline_ns = TCP_NEVER;
	if (tcp->state == TCP_TIME_WAIT) {
		end(tcp, TCP_END_DONE);
	} else if (tcp->tries == TCP_TRIES) {
		fail(tcp, TCP_END_SILENT);
	} else {
		tcp->tries++;
		tcp->next = tcp->oldest;
	}
}

bool tcp_next(struct tcp *const tcp, const uint64_t now_ns, struct tcp_segment *const segment)
{
	if (now_ns >= tcp->deadline_ns)
		expire(tcp);
	if (tcp->state == TCP_CLOSED || tcp->state == TCP_LISTEN)
		return false;
	if (write_data(tcp, now_ns, segment))
		return true;
	if (!tcp->answer)
		return false;
	tcp->answer = false;
	write_head(tcp, segment);
	/* What is answered has nothing in it, and stands behind all that was sent. */
	segment->sequence = tcp->latest;
	return true;
}
