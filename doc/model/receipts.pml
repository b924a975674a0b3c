/* SPDX-License-Identifier: MIT */
/*
 * Receipts: what tells a worker that its record is safe, so that it may echo.
 *
 * Models src/ipc/receipt.c, src/logger/logger_idle.c, the rounds and syncs of
 * src/logger/logger.c, and refuse_receipts() of src/master/spill_on_stop.c.
 *
 * Granularity: each load and store of a cell of the scoreboard is a step, and
 * so is each system call.  A cell that only the caller writes is read and
 * written in one step.  The logger may be killed between any two steps, and
 * the next one takes over; one worker may be killed too.  All accesses are
 * sequentially consistent, as in the code; a missing fence is modelled by two
 * steps in the other order.
 *
 * Round numbers count modulo 32 instead of 2^32, and share 2 futex bits instead
 * of 32; they begin shortly before they wrap.  As no worker of the code sleeps
 * through 2^30 rounds between two of its own steps, none here sleeps through
 * 7: start_round() waits for it.
 *
 * Everything is finite: one message of each worker, and the faults that the
 * command line allows (KILLS of the logger, and so on).  A state from which no step
 * leads on is reported, unless the service has ended.  So nobody waits for
 * ever, and a stop ends.
 *
 * The timeout of the futex (100 ms) counts only where the logger was killed
 * between publishing and waking: everywhere else the wake has to arrive.
 *
 * Left out: what the records contain, more than one record of a worker at a
 * time, when_stalled = drop and close (stall.h ends the wait then), stdout.
 *
 * By hand, in a directory of its own (doc/model/check does it for all):
 *   spin -DSYNCED -a .../receipts.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan
 *   spin -DSYNCED -t -p -g .../receipts.pml	shows the steps to an error
 * -DWRITTEN instead of -DSYNCED: echo_after = written.  -DSTALLED: the log may
 * take nothing from some moment on, until the service is stopped.
 * -DBUG_...: a deliberate error, which must be found.
 */
#ifndef KILLS
#define KILLS 0
#endif
#ifndef WORKER_KILLS
#define WORKER_KILLS 0
#endif
#ifndef SYNC_FAILURES
#define SYNC_FAILURES 0
#endif
#ifndef REOPENS
#define REOPENS 0
#endif
#ifndef ALONE
#define ALONE 0		/* 1: the second worker has no message */
#endif
#ifndef NAPS
#define NAPS 0
#endif
#define W 2
#define M 32
#define MAX_LAG (M / 4)
#define reached(a, b) (((a) - (b) + M) % M < M / 2)
#define bit_of(r) (1 << ((r) % 2))
#define ALL_BITS 3

/* Where the last record of each worker is.  DIRTY: in the file, but not yet on disk. */
mtype = {NONE, IN_PIPE, IN_STAGE, DIRTY, SAFE, LOST};
mtype rec[W] = NONE;

/* The scoreboard.  No round has failed for long, so round_failed is as far behind as it may be. */
byte round_started = 29, round_done = 29, round_failed = 29 - MAX_LAG, round_wanted = 29;
bool round_syncing, logger_is_idle;

bool bell, usr1;		/* the logger's bell, and SIGUSR1 */
bool order_reopen, order_finish;	/* logger_order */
bool asleep[W];			/* in the queue of the futex */
byte sleeps_for[W];		/* with this bit */
bool wake_lost[W];		/* its waker was killed: the timeout has to help */

/* Not in the code: what the properties need. */
bool waiting[W];		/* in receipt_wait() */
bool holds[W];			/* has computed `want`, and uses it still */
byte first[W], want[W];
bool failed_since[W];		/* a round failed, or its failure came out, since `first` */
byte gone;			/* workers that have left */
bool stopping, finished, given_up, kill_logger, kill_worker;
bool publishing;		/* the logger is between publishing and waking */
byte logger_kills = KILLS, worker_kills = WORKER_KILLS, sync_failures = SYNC_FAILURES;
byte reopens = REOPENS, naps = NAPS;

#define pipe_is_empty (rec[0] != IN_PIPE && rec[1] != IN_PIPE)
#define is_wanted (!reached(round_done, round_wanted))

#ifdef WRITTEN
#define is_safe(w) (rec[w] == DIRTY)
#else
#define is_safe(w) (rec[w] == SAFE)
#endif

/* --- the worker */

inline raise_wanted()
{
	/* A loop around one compare and exchange: one step. */
	d_step {
		if
		:: !reached(round_wanted, want[me]) -> round_wanted = want[me]; raised = true
		:: else
		fi
	}
}

inline ring_if_idle()
{
	if
#ifdef BUG_BELL_ONLY_BY_RAISER
	:: raised && logger_is_idle -> bell = true
#else
	:: logger_is_idle -> bell = true
#endif
	:: else
	fi
}

inline receipt_wait()
{
#ifndef BUG_WANT_BEFORE_WRITE
	want[me] = (round_started + 1) % M;
#endif
	raised = false;
#ifdef BUG_BELL_BEFORE_WANTED
	ring_if_idle();
	raise_wanted();
#else
	raise_wanted();
	ring_if_idle();
#endif
	do
	:: atomic {
			seen = round_done;
			if
			:: reached(seen, want[me]) -> break
			:: else
			fi
		};
		atomic {
			if
			:: round_done == seen -> asleep[me] = true; sleeps_for[me] = bit_of(want[me])
			:: else
			fi
		}
		atomic {
			(!asleep[me] || (wake_lost[me] && round_done != seen));
			asleep[me] = false;
			wake_lost[me] = false
		}
	od;
}

inline forget()
{
	waiting[me] = false; holds[me] = false; asleep[me] = false; wake_lost[me] = false
}

proctype worker(byte me)
{
	byte seen, messages = 1 - (me * ALONE);
	bool raised;

again:
	{
		do
		:: atomic { !stopping && messages > 0 -> messages-- };
			atomic {
				first[me] = (round_done + 1) % M;
				failed_since[me] = false;
				holds[me] = true
			};
#ifdef BUG_WANT_BEFORE_WRITE
			want[me] = (round_started + 1) % M;
#endif
			d_step { rec[me] = IN_PIPE; waiting[me] = true }
#ifdef BUG_FIRST_AFTER_WRITE
			first[me] = (round_started + 1) % M;
#endif
			receipt_wait();
			atomic {
				if
				:: reached(round_failed, first[me]) ->
					/* -EIO: no echo. */
					assert(failed_since[me])
				:: else ->
					/* Here is the echo. */
					assert(is_safe(me))
				fi;
				forget()
			}
		:: stopping || messages == 0 -> break
		od
	} unless {
		atomic { (me == 1 && kill_worker) -> kill_worker = false; forget() }
		goto again
	}
	gone++
}

/* --- the logger */

inline start_round(r)
{
	(!holds[0] || (round_started - first[0] + M) % M != MAX_LAG - 1) &&
	(!holds[1] || (round_started - first[1] + M) % M != MAX_LAG - 1);
	d_step { round_started = (round_started + 1) % M; r = round_started }
}

inline limit_lag(r)
{
	/* Nobody else stores in between, but for a higher round_wanted. */
	d_step {
		if
		:: (r - round_failed + M) % M > MAX_LAG -> round_failed = (r - MAX_LAG + M) % M
		:: else
		fi;
		if
		:: reached(r, round_wanted) && (r - round_wanted + M) % M > MAX_LAG ->
			round_wanted = r
		:: else
		fi
	}
}

inline end_round(r, failed)
{
	if
	:: failed -> d_step { round_failed = r; failed_since[0] = true; failed_since[1] = true }
	:: else
	fi;
	d_step {
		was_done = round_done;
		bits = 0;
		i = (was_done + 1) % M;
		do
		:: bits != ALL_BITS && !reached(was_done, i) && reached(r, i) ->
			bits = bits | bit_of(i);
			i = (i + 1) % M
		:: else -> break
		od;
		i = 0
	}
	limit_lag(r);
	d_step {
		round_done = r;
		publishing = true;
		failed_since[0] = failed_since[0] || failed;
		failed_since[1] = failed_since[1] || failed
	}
	if
	:: bits != 0 && !reached(was_done, round_wanted) ->
		d_step {
			i = 0;
			do
			:: i < W ->
				if
				:: asleep[i] && (sleeps_for[i] & bits) -> asleep[i] = false
				:: else
				fi;
				i++
			:: else -> break
			od;
			i = 0; bits = 0; was_done = 0; publishing = false
		}
	:: else -> d_step { bits = 0; was_done = 0; publishing = false }
	fi
}

/* All records that are at FROM go to TO. */
inline move(from, to)
{
	if :: rec[0] == from -> rec[0] = to :: else fi;
	if :: rec[1] == from -> rec[1] = to :: else fi
}

/* A second fdatasync(2) after a failed one reports success, and saves nothing. */
inline fdatasync()
{
	if
	:: atomic { move(DIRTY, SAFE); sync_ok = true }
	:: atomic { sync_failures > 0 -> sync_failures--; move(DIRTY, LOST); sync_ok = false }
	fi
}

inline sync_file()
{
	sync_ok = true;
#ifdef SYNCED
	if
	:: !is_synced ->
		round_syncing = true;
		fdatasync();
#ifdef BUG_SYNC_RETRIED
		if :: !sync_ok -> fdatasync() :: else fi;
#endif
		if
		:: sync_ok -> round_syncing = false; is_synced = true
		:: else -> end_round(round, true); goto sync_failed
		fi
	:: else
	fi
#endif
}

inline move_stage()
{
#ifdef STALLED
	if
	:: d_step { move(IN_STAGE, DIRTY) }
	:: (rec[0] == IN_STAGE || rec[1] == IN_STAGE) -> is_stalled = true; false
	fi;
#else
	d_step { move(IN_STAGE, DIRTY) }
#endif
	is_synced = false
}

inline see_pipe()
{
	d_step { batch[0] = (rec[0] == IN_PIPE); batch[1] = (rec[1] == IN_PIPE) }
}

inline move_batch()
{
	d_step {
		if :: batch[0] && rec[0] == IN_PIPE -> rec[0] = IN_STAGE :: else fi;
		if :: batch[1] && rec[1] == IN_PIPE -> rec[1] = IN_STAGE :: else fi;
		batch[0] = false; batch[1] = false
	}
	move_stage()
}

inline wait_for_bell(for_pipe)
{
	atomic { (!for_pipe || bell || usr1 || !pipe_is_empty) -> bell = false; usr1 = false }
}

inline idle()
{
	logger_is_idle = true;
	if
	:: is_wanted
	:: !is_wanted ->
		if
		:: atomic { naps > 0 -> naps-- }; wait_for_bell(false)
		/* Only if nothing came of late: so it has seen an order before it sleeps. */
		:: has_moved -> has_moved = false; wait_for_bell(false)
		:: !has_moved -> wait_for_bell(true)
		fi
	fi;
	logger_is_idle = false
}

/* The next logger has another file: what was not synced in the old one will never be. */
inline take_new_file()
{
#ifdef SYNCED
	d_step { move(DIRTY, LOST) }
#else
	skip
#endif
}

/* One logger after the other.  What the master does between two of them is here too. */
active proctype logger()
{
	byte round, was_done, bits, i;
	bool is_synced, sync_ok, is_stalled, has_moved, batch[W];

again:
	{
		d_step { usr1 = false; is_synced = false; sync_ok = false; has_moved = false; round = 0 }
#ifdef BUG_TRUSTS_THE_DEAD
		is_synced = true;
#endif
		/* recover() */
		if
		:: (rec[0] == IN_STAGE || rec[1] == IN_STAGE) -> move_stage()
		:: else
		fi;
#ifdef SYNCED
		if
#ifndef BUG_SYNCING_NOT_SEEN
		:: round_syncing -> start_round(round); end_round(round, true); goto sync_failed
#endif
		:: else
		fi;
#endif
		do
		:: true ->
#ifdef BUG_LOOK_BEFORE_START
			see_pipe();
#endif
			start_round(round);
			if
			:: order_reopen ->
#ifndef BUG_LEAVES_UNSYNCED
				sync_file();
#endif
				goto reopened
			:: else
			fi;
#ifndef BUG_LOOK_BEFORE_START
			see_pipe();
#endif
			if
			:: order_finish && pipe_is_empty -> sync_file(); goto finished_all
			:: else
			fi;
			if
			:: batch[0] || batch[1] -> has_moved = true; move_batch()
			:: else
			fi;
#ifdef BUG_PUBLISH_BEFORE_SYNC
			end_round(round, false);
			sync_file();
#else
			sync_file();
			end_round(round, false);
#endif
			idle()
		od
	} unless {
		atomic {
			kill_logger ->
			kill_logger = false;
			wake_lost[0] = wake_lost[0] || (publishing && asleep[0]);
			wake_lost[1] = wake_lost[1] || (publishing && asleep[1]);
#ifdef BUG_NO_TIMEOUT
			wake_lost[0] = false; wake_lost[1] = false;
#endif
			publishing = false;
			bits = 0; was_done = 0; i = 0; batch[0] = false; batch[1] = false
		}
		if
		:: given_up -> goto refuse
		:: else -> goto again
		fi
	}
sync_failed:
	take_new_file();
	d_step { round_syncing = false; order_reopen = false }
	goto again;
reopened:
	take_new_file();
	order_reopen = false;
	goto again;
refuse:
	/* spill_on_stop.c, every 100 ms until the workers are gone.  Nothing goes to the file. */
	do
	/* A turn while nobody sleeps changes nothing but the numbers. */
	:: (asleep[0] || asleep[1]) ->
		d_step { move(IN_PIPE, LOST); move(IN_STAGE, LOST) }
		start_round(round);
		end_round(round, true)
#ifdef BUG_REFUSED_ONCE
		; break
#endif
	:: gone == W -> break
	od;
	gone == W;
finished_all:
	finished = true
}

/* --- the master's other half, and what happens to the service */

active proctype master()
{
	run worker(0);
	run worker(1);
	do
	:: atomic { logger_kills > 0 && !kill_logger && !finished && !given_up ->
		logger_kills--; kill_logger = true }
	:: atomic { worker_kills > 0 && !kill_worker && gone == 0 && !stopping ->
		worker_kills--; kill_worker = true }
#ifndef STALLED
	:: atomic { reopens > 0 && !stopping -> reopens--; order_reopen = true }; usr1 = true
#endif
#ifdef STALLED
	:: atomic { !stopping -> stopping = true }
	:: atomic { logger:is_stalled && stopping && !given_up && !kill_logger ->
		given_up = true; kill_logger = true }
#endif
	:: gone == W && !order_finish && !given_up -> order_finish = true; usr1 = true
	:: finished -> break
	od
}
