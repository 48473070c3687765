/*
 * The lock service (partitions/lockd): two clients at one lock, a server that leads, one that stands by and a
 * witness, on a network that loses, repeats, reorders and delays without limit; time in ticks, the same for all.
 *
 * What was sent stays in a set and may be received at any time, any number of times, or never. Leases are the
 * exception: an answer that arrives late only shortens what it grants, so it comes at once or not at all.
 * Clients ask for PR or EX, convert up and down, release, crash and come back without memory; the leader dies for good; the
 * witness forgets everything. LEASE is the length of authority and sessions, SURVIVE how long a session outlives
 * the authority that gave it, INCS how often a client lives, SEQS its operations in one life. Asserted at
 * every grant that a client accepts: holders are compatible, and the token is greater than that of every hold it
 * excludes; at every report: so are the holders that the new leader knows.
 *
 * A rule left out, one of -DNO_..., must be noticed: see verification/gates/lock.t.
 */
#define P  0 /* primary, epoch 0 */
#define S  1 /* standby, epoch 1 once it is elected */
#define NL 0
#define PR 1
#define EX 2

#define IDLE 0
#define WAIT 1
#define HOLD 2
#define CONV 3 /* holds, and waits for another mode */

#define COMPATIBLE(a, b) ((a) == NL || (b) == NL || ((a) == PR && (b) == PR))
#define MESSAGE(i, s, e) (((i) * SEQS + (s) - 1) * 2 + (e))
#define REQUEST(i, s)    ((i) * SEQS + (s) - 1)
#define BIT(n)           (1 << (n))
#define MESSAGES         (2 * INCS * SEQS)
#define UNKNOWN          INCS

/* Clients. */
byte st[2], mode[2], inc[2], seq[2], epoch[2], lease[2];
bool gone[2];   /* after its last life */
/* Masters: what each knows of each client. */
typedef master {
	byte inc[2];
	byte seq[2];
	byte held[2];
	byte want[2];
	byte session[2];
	byte first; /* of two that wait */
	byte counter
};
master at[2];
bool alive = true; /* the first leader */
byte authority = LEASE;
byte promise_s = LEASE, promise_w = LEASE; /* to vote for no other before it is over */
bool asked, voted, elected, serving;
bool forgetful;    /* the witness lost its memory */
byte silent;       /* and keeps silent so long */
byte old_sessions; /* at the standby: how long a client it has not heard of may still hold */

/* The network. Requests say mode and kind, reports what the client held or wanted. */
byte requests[2], releases[2], grants[2];
byte wants_ex[2], converts[2], refused[2];
byte tokens[2 * MESSAGES];
bool reported[2 * INCS], counted[2 * INCS];
byte report_st[2 * INCS], report_mode[2 * INCS], report_seq[2 * INCS];

byte top, top_ex; /* ghosts: the greatest token accepted, and of an exclusive hold */
byte k;           /* scratch, zero between steps */

/* What each rule forbids, allowed when it is left out. */
#ifdef NO_C1
#define NEXT_SEQ(c) (seq[c] == 0 -> 1 : seq[c])
#else
#define NEXT_SEQ(c) (seq[c] + 1)
#endif
#ifdef NO_C2
#define SEQ_FITS(c, s) ((s) <= seq[c])
#define MAY_ACCEPT(c)  (st[c] != HOLD && seq[c] > 0)
#else
#define SEQ_FITS(c, s) ((s) == seq[c])
#define MAY_ACCEPT(c)  (st[c] == WAIT || st[c] == CONV)
#endif
#ifdef NO_C3
#define EPOCH_FITS(c, e) true
#else
#define EPOCH_FITS(c, e) ((e) == epoch[c])
#endif
#ifdef NO_C5
#define ANSWERED(span) ((span) + 1) /* it came a tick later, and is counted from then on */
#else
#define ANSWERED(span) (span)
#endif
#ifdef NO_CAP
#define CAP LEASE
#else
#define CAP (authority + SURVIVE < LEASE -> authority + SURVIVE : LEASE)
#endif
#ifdef NO_AUTHORITY
#define HAS_AUTHORITY true
#else
#define HAS_AUTHORITY (authority > 0)
#endif
#ifdef NO_INCARNATION
#define INC_FITS(a, b) true
#define NEWER(a, b)    true
#else
#define INC_FITS(a, b) ((a) == (b))
#define NEWER(a, b)    ((b) == UNKNOWN || (a) > (b))
#endif
#ifdef NO_PROMISE
#define FREE(promise) true
#else
#define FREE(promise) ((promise) == 0)
#endif
#ifdef NO_QUORUM
#define QUORUM true
#else
#define QUORUM !forgetful /* the candidate and the witness are two that remember */
#endif
#ifdef NO_VOTE
#define VOTED asked
#else
#define VOTED voted
#endif
#ifdef NO_COLLECTION
#define COLLECTED true
#else
#define COLLECTED (old_sessions == 0 || (at[S].inc[0] != UNKNOWN && at[S].inc[1] != UNKNOWN))
#endif
#ifdef NO_LATE
#define COLLECTS elected
#else
#define COLLECTS (elected && !serving)
#endif
#ifdef NO_QUEUE
#define GRANTABLE(m, c) (at[m].want[c] != NL)
#else
#define GRANTABLE(m, c)                                                                            \
	(at[m].want[c] != NL && COMPATIBLE(at[m].want[c], at[m].held[1 - c]) &&                    \
		(at[m].want[1 - c] == NL || at[m].first == (c) || at[m].held[c] != NL))
#endif

#ifdef NO_TOP
#define EPOCH_ON_TOP(m) 0
#else
#define EPOCH_ON_TOP(m) ((m) * 32)
#endif

#define CONVERTS(m, c) (at[m].held[c] == PR && at[m].want[c] == EX)
#define TANGLED(m, c)  (CONVERTS(m, c) && CONVERTS(m, 1 - (c)))

#define SESSION(m) ((m) == P -> CAP : LEASE)
#define ACTS(m) ((m) == P && alive && HAS_AUTHORITY || (m) == S && serving)

inline forget(c)
{
	st[c] = IDLE;
	mode[c] = NL;
	lease[c] = 0;
	seq[c] = 0;
	if
	:: inc[c] + 1 < INCS -> inc[c]++
	:: else -> gone[c] = true
	fi
}

inline drop(m, c)
{
	at[m].held[c] = NL;
	at[m].want[c] = NL;
	at[m].session[c] = 0
}

inline send_request(c, exclusive, conversion)
{
	seq[c] = NEXT_SEQ(c);
	st[c] = (conversion -> CONV : WAIT);
	k = BIT(REQUEST(inc[c], seq[c]));
	converts[c] = (conversion -> converts[c] | k : converts[c] & ~k);
	wants_ex[c] = (exclusive -> wants_ex[c] | k : wants_ex[c] & ~k);
	requests[c] = requests[c] | BIT(MESSAGE(inc[c], seq[c], epoch[c]));
	k = 0
}

#define MAY_ASK(c) (lease[c] > 0 && NEXT_SEQ(c) <= SEQS)

/* One step of client c. */
#define CLIENT(c)                                                                                  \
	:: d_step { st[c] == IDLE && MAY_ASK(c) -> send_request(c, true, false); purge() }                  \
	:: d_step { st[c] == IDLE && MAY_ASK(c) -> send_request(c, false, false); purge() }                 \
	:: d_step { st[c] == HOLD && mode[c] == PR && MAY_ASK(c) -> send_request(c, true, true); purge() }  \
	/* a conversion down is in force at once */                                               \
	:: d_step { st[c] == HOLD && mode[c] == EX && MAY_ASK(c) ->                                \
		mode[c] = PR;                                                                      \
		send_request(c, false, true); purge() }                                            \
	/* what it waits for is asked for again, in the epoch that it knows now */                \
	:: d_step { (st[c] == WAIT || st[c] == CONV) &&                                            \
			!(requests[c] & BIT(MESSAGE(inc[c], seq[c], epoch[c]))) ->                 \
		requests[c] = requests[c] | BIT(MESSAGE(inc[c], seq[c], epoch[c])) }               \
	:: d_step { st[c] == HOLD ->                                                               \
		releases[c] = releases[c] | BIT(MESSAGE(inc[c], seq[c], epoch[c]));                \
		st[c] = IDLE;                                                                      \
		mode[c] = NL; purge() }                                                                   \
	:: d_step { elected && epoch[c] == P && !gone[c] ->                                        \
		epoch[c] = S;                                                                      \
		k = c * INCS + inc[c];                                                             \
		reported[k] = true;                                                                \
		report_st[k] = st[c];                                                              \
		report_mode[k] = mode[c];                                                          \
		report_seq[k] = seq[c];                                                            \
		k = 0; purge() }                                                                        \
	/* a session that an answer gave too late is over sooner */                               \
	:: d_step { lease[c] > 0 -> lease[c] = 1; tick_client(c); purge() }                        \
	/* a crash: the epoch is forgotten, too */                                                \
	:: d_step { inc[c] + 1 < INCS -> forget(c); epoch[c] = P; purge() }

/* Client c takes the grant of request s of its life i, in epoch e. */
#define ACCEPT(c, i, s, e)                                                                         \
	:: d_step { (grants[c] & BIT(MESSAGE(i, s, e))) && !gone[c] && MAY_ACCEPT(c) &&            \
			INC_FITS(i, inc[c]) && SEQ_FITS(c, s) && EPOCH_FITS(c, e) ->               \
		mode[c] = ((refused[c] & BIT(REQUEST(i, s))) -> mode[c] :                          \
				((wants_ex[c] & BIT(REQUEST(i, s))) -> EX : PR));                  \
		st[c] = HOLD;                                                                      \
		assert(COMPATIBLE(mode[0], mode[1]));                                              \
		check_token(c, REQUEST(i, s), MESSAGE(i, s, e)); purge() }

/* Who is refused a conversion keeps mode and token. */
inline check_token(c, request, message)
{
#ifdef TOKENS
	if
	:: refused[c] & BIT(request)
	:: else ->
		k = tokens[c * MESSAGES + message];
		assert(k > top_ex && (mode[c] == PR || k > top));
		top = (k > top -> k : top);
		top_ex = (mode[c] == EX -> k : top_ex);
		k = 0
	fi
#else
	skip
#endif
}

#define ASKED(m, c, i, s) (ACTS(m) && INC_FITS(i, at[m].inc[c]) && at[m].session[c] > 0)

/* Master m receives request, or release, s of life i of client c. */
#define ASK(m, c, i, s)                                                                            \
	:: d_step { (requests[c] & BIT(MESSAGE(i, s, m))) && ASKED(m, c, i, s) && s > at[m].seq[c] -> \
		at[m].seq[c] = s;                                                                  \
		at[m].held[c] = ((converts[c] & BIT(REQUEST(i, s))) -> at[m].held[c] : NL);        \
		at[m].want[c] = ((wants_ex[c] & BIT(REQUEST(i, s))) -> EX : PR);                   \
		at[m].first = (at[m].want[1 - c] != NL -> 1 - c : 0); purge() }                             \
	:: d_step { (releases[c] & BIT(MESSAGE(i, s, m))) && ASKED(m, c, i, s) && s == at[m].seq[c] && \
			at[m].held[c] != NL ->                                                     \
		at[m].held[c] = NL; purge() }

/* Master m grants to client c, or answers its heartbeat, which is also how a new life begins. */
#define SERVE(m, c)                                                                                \
	:: d_step { ACTS(m) && GRANTABLE(m, c) ->                                                  \
		at[m].held[c] = at[m].want[c];                                                     \
		at[m].want[c] = NL;                                                                \
		at[m].first = 0;                                                                   \
		refused[c] = refused[c] & ~BIT(REQUEST((at[m].inc[c]), (at[m].seq[c])));           \
		k = MESSAGE((at[m].inc[c]), (at[m].seq[c]), m);                                    \
		grants[c] = grants[c] | BIT(k);                                                    \
		give_token(m, c);                                                                  \
		k = 0; purge() }                                                                        \
	/* of two that convert and wait for each other, the second is refused */                   \
	:: d_step { ACTS(m) && TANGLED(m, c) && at[m].first == 1 - (c) ->                          \
		at[m].want[c] = NL;                                                                \
		at[m].first = 0;                                                                   \
		refused[c] = refused[c] | BIT(REQUEST((at[m].inc[c]), (at[m].seq[c])));            \
		grants[c] = grants[c] | BIT(MESSAGE((at[m].inc[c]), (at[m].seq[c]), m)); purge() } \
	:: d_step { BEATS(m, c) -> begin(m, c); lease[c] = (ANSWERED(SESSION(m)) > lease[c] -> ANSWERED(SESSION(m)) : lease[c]); purge() } \
	:: d_step { BEATS(m, c) -> begin(m, c); purge() }

/* Who has reported to a new leader lives on; who begins a life waits until it serves. */
#define LIVES_AT(m, c) (at[m].inc[c] == inc[c] && at[m].session[c] > 0)
#define BEATS(m, c)                                                                                \
	(!gone[c] && epoch[c] == m && SESSION(m) > 0 &&                                            \
		(ACTS(m) && (at[m].inc[c] != inc[c] || LIVES_AT(m, c)) ||                          \
			RENEWS(m) && LIVES_AT(m, c)))
#ifdef NO_RENEWAL
#define RENEWS(m) false /* which is safe, but not what the engine does */
#else
#define RENEWS(m) ((m) == S && elected)
#endif

inline begin(m, c)
{
	if
	:: at[m].inc[c] != inc[c] -> at[m].inc[c] = inc[c]; at[m].seq[c] = 0; drop(m, c)
	:: else
	fi;
	at[m].session[c] = SESSION(m)
}

inline give_token(m, c)
{
#ifdef TOKENS
	at[m].counter++;
	tokens[c * MESSAGES + k] = EPOCH_ON_TOP(m) + at[m].counter
#else
	skip
#endif
}

/* The standby receives the report of life i of client c. */
#define COLLECT(c, i)                                                                              \
	:: d_step { COLLECTS && reported[c * INCS + i] && !counted[c * INCS + i] && NEWER(i, at[S].inc[c]) -> \
		counted[c * INCS + i] = true;                                                      \
		at[S].inc[c] = i;                                                                  \
		at[S].seq[c] = report_seq[c * INCS + i] -                                          \
			(report_st[c * INCS + i] == WAIT || report_st[c * INCS + i] == CONV);      \
		at[S].session[c] = LEASE;                                                          \
		at[S].held[c] = report_mode[c * INCS + i];                                         \
		at[S].want[c] = NL;                                                                \
		assert(COMPATIBLE(at[S].held[0], at[S].held[1]));                                  \
		purge() }

inline stop_leader()
{
	alive = false;
	authority = 0;
	drop(P, 0);
	drop(P, 1)
}

inline elect()
{
	elected = true;
	old_sessions = SURVIVE;
	at[S].inc[0] = UNKNOWN;
	at[S].inc[1] = UNKNOWN;
	promise_s = 0
}

/*
 * What nobody will take any more leaves the network, and what nobody will look at any more is zero, so that
 * states differ only where it matters. Not done when a rule is left out: then it may matter.
 */
inline purge_message(c, i, s)
{
	if
	:: i != inc[c] || s != seq[c] || (st[c] != WAIT && st[c] != CONV) || epoch[c] == S || gone[c] ->
		grants[c] = grants[c] & ~BIT(MESSAGE(i, s, P))
	:: else
	fi;
	if
	:: i != inc[c] || s != seq[c] || (st[c] != WAIT && st[c] != CONV) || gone[c] ->
		grants[c] = grants[c] & ~BIT(MESSAGE(i, s, S))
	:: else
	fi;
	purge_to(P, c, i, s, !alive || elected && authority == 0);
	purge_to(S, c, i, s, false);
	if
	:: (requests[c] | grants[c]) & (BIT(MESSAGE(i, s, P)) | BIT(MESSAGE(i, s, S)))
	:: i == inc[c] && s == seq[c] && (st[c] == WAIT || st[c] == CONV)
	:: else ->
		wants_ex[c] = wants_ex[c] & ~BIT(REQUEST(i, s));
		converts[c] = converts[c] & ~BIT(REQUEST(i, s));
		refused[c] = refused[c] & ~BIT(REQUEST(i, s))
	fi
}

inline purge_to(m, c, i, s, deaf)
{
	if
	:: deaf || at[m].inc[c] != UNKNOWN && (i < at[m].inc[c] || i == at[m].inc[c] && s <= at[m].seq[c]) ->
		requests[c] = requests[c] & ~BIT(MESSAGE(i, s, m))
	:: else
	fi;
	if
	:: deaf || at[m].inc[c] != UNKNOWN && (i < at[m].inc[c] || i == at[m].inc[c] && s < at[m].seq[c]) ->
		releases[c] = releases[c] & ~BIT(MESSAGE(i, s, m))
	:: else
	fi
}

inline purge_client(c)
{
	purge_message(c, 0, 1);
#if SEQS > 1
	purge_message(c, 0, 2);
#endif
#if INCS > 1
	purge_message(c, 1, 1);
#if SEQS > 1
	purge_message(c, 1, 2);
#endif
#endif
	if
	:: !alive || elected && authority == 0 -> at[P].inc[c] = 0; at[P].seq[c] = 0
	:: else
	fi;
	k = 0;
	do
	:: k < INCS ->
		if
		:: serving || reported[c * INCS + k] && !NEWER(k, at[S].inc[c]) ->
			reported[c * INCS + k] = false;
			counted[c * INCS + k] = false;
			report_st[c * INCS + k] = 0;
			report_mode[c * INCS + k] = 0;
			report_seq[c * INCS + k] = 0
		:: else
		fi;
		k++
	:: else -> break
	od;
	k = 0
}

/* Each change of what can be seen of a state; the verifier includes lock_observe.h. */
#ifdef OBSERVE
int seen;
#define NOTE() c_code { now.seen = observe_change(now.seen, OBSERVE_MODEL); }
#else
#define NOTE() skip
#endif

inline purge()
{
#ifndef KEEP
	purge_client(0);
	purge_client(1);
#endif
	NOTE()
}

inline count_down(timer)
{
	timer = (timer > 0 -> timer - 1 : 0)
}

inline tick_client(c)
{
	if
	:: lease[c] > 0 ->
		lease[c]--;
#ifndef NO_C4
		if
		:: lease[c] == 0 -> forget(c)
		:: else
		fi
#endif
	:: else
	fi
}

inline tick_session(m, c)
{
	if
	:: at[m].session[c] > 0 ->
		at[m].session[c]--;
		if
		:: at[m].session[c] == 0 -> drop(m, c)
		:: else
		fi
	:: else
	fi
}

inline tick()
{
	tick_client(0);
	tick_client(1);
	tick_session(P, 0);
	tick_session(P, 1);
	tick_session(S, 0);
	tick_session(S, 1);
	count_down(authority);
	count_down(promise_s);
	count_down(promise_w);
	count_down(silent);
	count_down(old_sessions)
}

#if SEQS == 1
#define EACH_SEQ(what, x, c, i) what(x, c, i, 1)
#define EACH_GRANT(c, i)        ACCEPT(c, i, 1, P) ACCEPT(c, i, 1, S)
#else
#define EACH_SEQ(what, x, c, i) what(x, c, i, 1) what(x, c, i, 2)
#define EACH_GRANT(c, i)        ACCEPT(c, i, 1, P) ACCEPT(c, i, 1, S) ACCEPT(c, i, 2, P) ACCEPT(c, i, 2, S)
#endif
#if INCS == 1
#define EACH(m, c) EACH_SEQ(ASK, m, c, 0)
#define TAKE(c)    EACH_GRANT(c, 0) COLLECT(c, 0)
#else
#define EACH(m, c) EACH_SEQ(ASK, m, c, 0) EACH_SEQ(ASK, m, c, 1)
#define TAKE(c)    EACH_GRANT(c, 0) EACH_GRANT(c, 1) COLLECT(c, 0) COLLECT(c, 1)
#endif

active proctype all()
{
	d_step {
		lease[0] = LEASE;
		lease[1] = LEASE;
		at[P].session[0] = LEASE;
		at[P].session[1] = LEASE;
		NOTE()
	}
end:
	do
	CLIENT(0)
	CLIENT(1)
	TAKE(0)
	TAKE(1)
	EACH(P, 0)
	EACH(P, 1)
	EACH(S, 0)
	EACH(S, 1)
	SERVE(P, 0)
	SERVE(P, 1)
	SERVE(S, 0)
	SERVE(S, 1)
	/* authority is renewed by either voter; who voted for another is lost to it, unless it forgot */
	:: d_step { alive && !asked -> promise_s = LEASE; authority = LEASE; NOTE() }
	:: d_step { alive && !voted && silent == 0 && QUORUM -> promise_w = LEASE; authority = LEASE; NOTE() }
	:: d_step { alive -> stop_leader(); purge() }
#ifdef FORGETS
	:: d_step { !forgetful -> forgetful = true; voted = false; promise_w = 0; silent = LEASE }
#endif
	:: d_step { !asked && FREE(promise_s) -> asked = true; NOTE() }
	:: d_step { asked && !elected && !voted && silent == 0 && QUORUM && FREE(promise_w) -> voted = true; NOTE() }
	/* a leader whose time is over, and who forgets what it granted then, votes as well */
	:: d_step { asked && !elected && !voted && alive && authority == 0 -> stop_leader(); voted = true; purge() }
	:: d_step { VOTED && !elected -> elect(); purge() }
	:: d_step { elected && !serving && COLLECTED -> serving = true; old_sessions = 0; purge() }
	:: d_step { tick(); purge() }
	od
}
