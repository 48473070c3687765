/*
 * A partition's life (core/lifecycle.c, core/window.c) on a memory with total store order: each CPU has a
 * store buffer, first in, first out, and reads its own stores from it; a locked instruction or a fence waits
 * until it is empty.
 *
 * CPUs 0 and 1 run its two vcpus, window after window, and now and then stop or restart it themselves; CPU 0
 * takes its devices off the bus and restores it; another CPU's health stops or restarts it; control stops, starts,
 * restarts it and looks at its memory. Asserted: nobody touches its memory while a vcpu runs, no vcpu starts while somebody touches it, and
 * whenever nobody is about to change anything, a running partition has a first vcpu that runs or starts, and a
 * stopped one has none that does.
 */
#define CPUS   4
#define BUFFER 3

/* Addresses. */
#define STATUS  0
#define STEP    1
#define STATE0  2
#define STATE1  3
#define INSIDE0 4
#define INSIDE1 5

/* Of the status. */
#define RUNNING    1
#define STOPPED    2
#define RESTARTING 3
#define CHANGING   4

/* The step of a partition at rest. */
#define AT_REST 2

/* Of a vcpu. */
#define OFF      5
#define STARTING 6
#define RUN      7
#define HALT     8

typedef buffer {
	byte address[BUFFER];
	byte value[BUFFER];
	byte n
};
byte memory[6];
buffer stores[CPUS];
/* Ghosts: vcpus that run, somebody who touches memory, operations that are not over, devices that may write. */
byte runs, touches, busy;
bool bus = true;
byte own_events = EVENTS;

inline load(from, into)
{
	d_step {
		into = memory[from];
		k = 0;
		do
		:: k < stores[me].n ->
			if
			:: stores[me].address[k] == from -> into = stores[me].value[k]
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0
	}
}

inline store(to, what)
{
	atomic {
		stores[me].n < BUFFER;
		stores[me].address[stores[me].n] = to;
		stores[me].value[stores[me].n] = what;
		stores[me].n++
	}
}

inline fence()
{
	stores[me].n == 0
}

inline exchange(to, what)
{
	atomic { stores[me].n == 0; memory[to] = what }
}

inline compare_exchange(to, old, new)
{
	atomic {
		stores[me].n == 0;
		if
		:: memory[to] == old -> memory[to] = new; done = true; busy = busy + (new == CHANGING)
		:: else -> done = false
		fi
	}
}

inline leave_all()
{
#ifdef PLANT_LEAVE
	store(STATE0, HALT)
#else
	store(STATE0, HALT);
	store(STATE1, HALT)
#endif
}

inline stop()
{
	compare_exchange(STATUS, RUNNING, CHANGING);
	if
	:: done ->
		store(STEP, 0);
		leave_all();
		atomic { exchange(STATUS, STOPPED); busy-- }
	:: else
	fi
}

inline restart(by_command)
{
	compare_exchange(STATUS, RUNNING, CHANGING);
	if
	:: done ->
		store(STEP, 0);
		leave_all();
		atomic { store(STATUS, RESTARTING); busy-- }
	:: !done && by_command ->
		compare_exchange(STATUS, STOPPED, CHANGING);
		if
		:: done -> atomic { store(STATUS, RESTARTING); busy-- }
		:: else
		fi
	:: else
	fi
}

inline touch()
{
	atomic { touches++; assert(runs == 0 && !bus) }
	atomic { assert(runs == 0 && !bus); touches-- }
}

/* The fence, and nobody inside. */
inline left()
{
	fence();
	load(INSIDE0, seen);
	if
	:: seen == 0 -> load(INSIDE1, seen)
	:: else
	fi;
	done = (seen == 0)
}

/* One step of partition_restore(). */
inline restore()
{
	load(STEP, step);
	load(STATUS, seen);
	if
	:: seen == RESTARTING || (seen == STOPPED && step < AT_REST) ->
		if
		:: step == 0 ->
			left();
			if
			:: done -> store(STEP, 1)
			:: else
			fi
		:: step == 1 -> bus = false; store(STEP, AT_REST)
		:: step == AT_REST -> touch(); store(STEP, AT_REST + 1)
		:: else ->
			atomic { store(STATE1, OFF); busy++; bus = true }
#ifdef PLANT_START
			store(STATUS, RUNNING);
			atomic { store(STATE0, STARTING); busy-- }
#else
			store(STATE0, STARTING);
			atomic { store(STATUS, RUNNING); busy-- }
#endif
		fi
	:: else
	fi
}

/* What a partition's own event leads to, in its exit. */
inline own_event()
{
	if
	:: atomic { own_events > 0 -> own_events-- }
		if
		:: stop()
		:: restart(false)
		fi
	:: true
	fi
}

inline enter(inside)
{
#ifdef PLANT_ENTER
	store(inside, 1)
#else
	exchange(inside, 1)
#endif
}

/* A window: enter, look, run or not, leave. ran says which. */
inline window(state, inside)
{
	enter(inside);
	load(state, seen);
	ran = (seen == RUN);
	if
	:: seen == STARTING -> compare_exchange(state, STARTING, RUN); ran = done
	:: else
	fi;
	if
	:: ran ->
		atomic { assert(touches == 0); runs++ }
		own_event();
		atomic { assert(touches == 0); runs-- }
	:: else
	fi;
	store(inside, 0)
}

proctype cpu0()
{
	byte me = 0, k, seen, step;
	bool done, ran;

end:
	do
	:: window(STATE0, INSIDE0);
		if
		:: ran ->
			if
			:: compare_exchange(STATE1, OFF, STARTING)
			:: true
			fi
		:: else -> restore()
		fi
	od
}

proctype cpu1()
{
	byte me = 1, k, seen;
	bool done, ran;

end:
	do
	:: window(STATE1, INSIDE1)
	od
}

proctype health()
{
	byte me = 2, turn;
	bool done;

	do
	:: turn == EVENTS -> break
	:: turn < EVENTS ->
		turn++;
		if
		:: stop()
		:: restart(false)
		fi
	od
}

proctype control()
{
	byte me = 3, k, seen, turn;
	bool done;

	do
	:: turn == COMMANDS -> break
	:: turn < COMMANDS ->
		turn++;
		if
		:: stop()
		:: restart(true)
		:: load(STATUS, seen);
			if
			:: seen == STOPPED ->
				left();
				if
				:: done ->
#ifndef PLANT_REST
					load(STEP, seen);
					done = (seen == AT_REST);
#endif
					if
					:: done -> touch()
					:: else
					fi
				:: else
				fi
			:: else
			fi
		fi
	od
}

inline drain_one(c)
{
	d_step {
		stores[c].n > 0;
		memory[stores[c].address[0]] = stores[c].value[0];
		k = 0;
		do
		:: k + 1 < stores[c].n ->
			stores[c].address[k] = stores[c].address[k + 1];
			stores[c].value[k] = stores[c].value[k + 1];
			k++
		:: else -> break
		od;
		stores[c].n--;
		stores[c].address[stores[c].n] = 0;
		stores[c].value[stores[c].n] = 0;
		k = 0
	}
}

proctype drain()
{
	byte k;

end:
	do
	:: drain_one(0)
	:: drain_one(1)
	:: drain_one(2)
	:: drain_one(3)
	od
}

#define QUIET (busy == 0 && stores[0].n + stores[1].n + stores[2].n + stores[3].n == 0)

#define SOUND                                                                                      \
	(memory[STATUS] == RESTARTING ||                                                           \
		(memory[STATUS] == RUNNING && (memory[STATE0] == STARTING || memory[STATE0] == RUN)) || \
		(memory[STATUS] == STOPPED && memory[STATE0] == HALT && memory[STATE1] == HALT))

proctype judge()
{
end:
	d_step { QUIET && !SOUND -> assert(false) }
}

init
{
	atomic {
		memory[STATUS] = RUNNING;
		memory[STATE0] = RUN;
		run cpu0();
		run cpu1();
		run health();
		run control();
		run drain();
		run judge()
	}
}
