/* SPDX-License-Identifier: MIT */
/*
 * The doorbell, and the master that dozes: no activity is missed for ever.
 *
 * Models on_tick(), on_doorbell() and start_tick() of src/master/master.c, and
 * wake_master(), ring_master(), set_busy() and set_idle() of
 * src/worker/worker.c.
 *
 * Granularity: each load and store of a cell of the scoreboard is a step, and
 * so is each system call.  A worker may be killed between any two; the master
 * hears of that by SIGCHLD.  A worker's plain stores wait in a buffer, as on
 * x86, from which the processor takes them at any time; an atomic exchange and
 * a system call empty it.
 *
 * Left out: the doorbell's other uses (the logger is up, few spare workers),
 * which ring it in any case; the death of the master, which ends all workers.
 *
 * Everything is finite: each worker serves one client with one message.  At
 * the end nothing moves any more, and the master must know of everything.
 *
 * By hand, in a directory of its own (doc/model/check does it for all):
 *   spin -a .../doorbell.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan
 *   spin -t -p -g .../doorbell.pml	shows the steps to an error
 * -DBUG_...: a deliberate error, which must be found.
 */
#define W 2

/* The scoreboard.  Of a worker: bytes received, and whether it is busy. */
byte received[W];
bool is_busy[W];
bool master_dozes;

/* The eventfd, and the timer of on_tick(). */
bool doorbell, tick_is_set = true, sigchld;

/* What the last tick saw. */
byte seen_received[W];
bool seen_busy[W];

/* What each worker has stored, and other processors cannot see yet; CLEAN: nothing. */
#define CLEAN 9
byte buffered[W] = CLEAN;

bool kill_worker, worker_may_be_killed = true;
byte gone;

/* --- the worker */

inline empty_buffer()
{
	atomic {
		if
		:: buffered[me] != CLEAN -> received[me] = buffered[me]; buffered[me] = CLEAN
		:: else
		fi
	}
}

/* A load, which the processor may do before earlier stores are visible; then an exchange. */
inline wake_master()
{
	if
	:: master_dozes ->
		atomic { empty_buffer(); was_dozing = master_dozes; master_dozes = false };
		if
		:: was_dozing -> doorbell = true
		:: else
		fi
	:: else
	fi
}

inline receive()
{
	/* recv(2) */
	empty_buffer();
#ifdef BUG_WAKE_BEFORE_COUNT
	wake_master();
	atomic { count++; received[me] = count }
#else
#ifdef BUG_NO_FENCE
	atomic { count++; buffered[me] = count };
#else
	atomic { count++; received[me] = count };
#endif
	wake_master()
#endif
}

inline set_busy()
{
	is_busy[me] = true;
	wake_master()
}

inline set_idle()
{
	is_busy[me] = false;
#ifndef BUG_IDLE_IN_SILENCE
	wake_master()
#endif
}

proctype worker(byte me)
{
	byte count;
	bool was_dozing;

	{
		set_busy();
		do
		:: count < 1 -> receive()
		:: count == 1 -> break
		:: break
		od;
		if
		:: empty_buffer(); set_idle()
		:: true				/* the client stays, and is silent */
		fi
	} unless {
		/* The master frees the slot when it hears of it. */
		atomic {
			(me == 1 && kill_worker) ->
			kill_worker = false; empty_buffer(); is_busy[me] = false; sigchld = true
		}
	}
	gone++
}

/* The buffers of the processors. */
active proctype processor()
{
	do
	:: atomic { buffered[0] != CLEAN -> received[0] = buffered[0]; buffered[0] = CLEAN }
	:: atomic { buffered[1] != CLEAN -> received[1] = buffered[1]; buffered[1] = CLEAN }
	:: gone == W && buffered[0] == CLEAN && buffered[1] == CLEAN -> break
	od
}

/* --- the master */

inline start_tick()
{
	master_dozes = false;
	tick_is_set = true
}

inline look(w)
{
	atomic {
		if
		:: received[w] != seen_received[w] -> changes = true; seen_received[w] = received[w]
		:: else
		fi
	};
	atomic {
		if
		:: is_busy[w] != seen_busy[w] -> changes = true; seen_busy[w] = is_busy[w]
		:: else
		fi
	}
}

inline on_tick()
{
	tick_is_set = false;
	changes = false;
#ifdef BUG_DOZES_AFTER_LOOK
	look(0);
	look(1);
	master_dozes = true;
#else
	master_dozes = true;
	look(0);
	look(1);
#endif
	if
	:: changes -> start_tick()
	:: else
	fi
}

inline on_doorbell()
{
	doorbell = false;
	start_tick()
}

active proctype master()
{
	bool changes;

	run worker(0);
	run worker(1);
end:
	do
	:: tick_is_set -> on_tick()
	:: doorbell -> on_doorbell()
	:: sigchld -> sigchld = false;
#ifndef BUG_DEATH_IN_SILENCE
		start_tick()
#endif
	:: atomic { worker_may_be_killed && !kill_worker && gone == 0 ->
		worker_may_be_killed = false; kill_worker = true }
	/* Nothing moves any more. */
	:: timeout -> break
	od;
	assert(gone < W || (seen_received[0] == received[0] && seen_received[1] == received[1] &&
			    seen_busy[0] == is_busy[0] && seen_busy[1] == is_busy[1]))
}
