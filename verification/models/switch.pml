/*
 * A switch of schedules (core/schedule.c): framed CPUs advance from frame to frame, each as early as its last
 * window lets it, none later than the frame's end; one of them and an owned CPU ask for switches.
 *
 * `now` is the frame the clock is in: a CPU's own number is that or the next. The switch is one word, changed by
 * a locked instruction. A framed CPU asks in a window or just before it; an owned one reads the timekeeper's
 * number, and up to one end of a frame may pass before its compare-and-exchange. Asserted: every CPU takes up
 * every switch with the frame that was answered.
 */
#define CPUS   3
#define FRAMES 9
#define NONE   15

#ifdef PLANT_AHEAD
#define AHEAD 1
#else
#define AHEAD 2
#endif
#ifdef PLANT_UNTIMED
#define UNTIMED 2
#else
#define UNTIMED 3
#endif
#ifdef PLANT_AGAIN
#define AGAIN(last, clock) (last >= clock + 1)
#else
#define AGAIN(last, clock) (last >= clock)
#endif

byte now;
byte number[CPUS];
bit mine[CPUS];
/* The word: the frame of the last switch, 0 none, and its schedule; the ghost: the schedule of each frame. */
byte word_frame;
bit word_schedule;
bit schedule_of[FRAMES + 4];
byte reading = NONE; /* when the owned CPU read the clock it asks by */

inline advance(c)
{
	d_step {
		number[c] == now && now < FRAMES;
		number[c]++;
		if
		:: word_frame != 0 && word_frame == number[c] -> mine[c] = word_schedule
		:: else
		fi;
		assert(mine[c] == schedule_of[number[c]])
	}
}

proctype cpus()
{
end:
	do
	:: advance(0)
	:: advance(1)
	:: advance(2)
	/* The end of a frame: all are done with it, and the owned CPU is not held up over two of them. */
	:: d_step {
		number[0] > now && number[1] > now && number[2] > now && (reading == NONE || now == reading);
		now++
	}
	od
}

inline publish(frame)
{
	d_step {
		f = frame;
		do
		:: f < FRAMES + 4 -> schedule_of[f] = 1 - word_schedule; f++
		:: else -> break
		od;
		f = 0;
		word_frame = frame;
		word_schedule = 1 - word_schedule
	}
}

/* CPU 0: its own clock does not move while it asks. */
proctype framed()
{
	byte f;

end:
	do
	:: atomic {
		number[0] < FRAMES && !(word_frame != 0 && AGAIN(word_frame, number[0])) ->
		publish(number[0] + AHEAD)
	}
	od
}

/* By CPU 0's clock, in two steps. */
proctype owned()
{
	byte clock, last, f;

end:
	do
	:: atomic {
		number[0] < FRAMES -> last = word_frame;
		clock = number[0];
		reading = now
	}
		if
		:: atomic { word_frame == last && !(last != 0 && AGAIN(last, clock)) ->
			publish(clock + UNTIMED);
			reading = NONE
		}
		:: atomic { else -> reading = NONE }
		fi
	od
}

init
{
	atomic {
		run cpus();
		run framed();
		run owned()
	}
}
