/* SPDX-License-Identifier: MIT */
/*
 * The logger's hand-over: each record is in the file once, in order and whole,
 * whatever process is killed; each pending record of the logger too.
 *
 * Models src/logger/logger_move.c, src/logger/logger_pending.c, prepare() and
 * leaving of src/logger/logger.c, logger_limit_settle() of
 * src/logger/logger_limit.c, use_file() and message_log_adopt() of
 * src/master/message_log.c, and the succession in src/master/logger_process.c.
 *
 * Granularity: each store to the scoreboard is a step, and so is each system
 * call.  The logger may be killed between any two; the next one takes over.
 * Once all processes may be killed at once: then the next master adopts pipes,
 * file and scoreboard from systemd.
 *
 * A record is two units in a pipe.  splice(2) from the log pipe to the empty
 * stage moves a whole batch, since the stage has as many pages (logger.h); from
 * the stage to the file any part of it, here unit by unit.  A full disk is a
 * pause between two units, and so changes nothing.
 *
 * Left out: truncation and torn tails, copying (logger_copy.c, which may
 * double records), syncs, which receipts.pml has.
 *
 * By hand, in a directory of its own (doc/model/check does it for all):
 *   spin -a .../handover.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan
 *   spin -t -p -g .../handover.pml	shows the steps to an error
 * -DBUG_...: a deliberate error, which must be found.
 */
#define RECORDS 2
#define UNITS (2 * RECORDS)

/* Units: of worker records 0, 1, 2, ...; the halves of `start` and `limit`. */
#define START 20
#define LIMIT 30

chan log_pipe = [UNITS] of {byte};
chan stage = [10] of {byte};

/* The scoreboard. */
bool pending_start, pending_limit, wants_start, limit_reached;
bool order_reopen;

/* The file: what it ends with, as far as the properties need it. */
byte next_unit;			/* of the workers' records, over all files */
byte half = 0;			/* 0: between two records; else what the next unit must be */
bool file_is_empty = true;
byte limits;			/* in this file */
byte starts;			/* in all files */
byte begins = 1;		/* runs and files that needed a `start` */
bool start_is_due = true;	/* since the last of them */

byte written;			/* units that workers wrote */
bool kill_logger, kill_all, finished;
byte logger_kills = 1, kills_of_all = 1, reopens = 1, limit_requests = 1;
bool limit_is_due;		/* the last ticket is taken */

inline to_file(unit)
{
	d_step {
		assert(half == 0 || unit == half);
		if
		:: unit < UNITS ->
			assert(unit == next_unit);
			assert(!file_is_empty);		/* a file begins with `start` */
			next_unit++;
			half = (unit % 2 == 0 -> next_unit : 0)
		:: unit == START -> half = START + 1; starts++; start_is_due = false
		:: unit == LIMIT -> half = LIMIT + 1; limits++
		:: else -> half = 0
		fi;
		file_is_empty = false;
		assert(limits <= 1 && starts <= begins)
	}
}

/* --- the logger */

inline move_stage()
{
	do
	:: atomic { stage ? unit -> to_file(unit) }
	:: empty(stage) -> break
	od
}

inline move_batch(n)
{
	do
	:: n > 0 ->
#ifdef BUG_BATCH_IN_MEMORY
		log_pipe ? unit; n--;
		stage ! unit
#else
#ifdef BUG_SMALL_STAGE
		d_step { log_pipe ? unit; stage ! unit; n-- };
		move_stage()
#else
		d_step {
			do
			:: n > 0 -> log_pipe ? unit; stage ! unit; n--
			:: else -> break
			od
		}
#endif
#endif
	:: n == 0 -> break
	od;
	move_stage()
}

inline pending_write()
{
	d_step { see_start = pending_start; see_limit = pending_limit };
	if
	:: see_start || see_limit ->
#ifdef BUG_LIMIT_FLAG_LAST
		skip;
#else
		if
		:: see_limit -> limit_reached = true
		:: else
		fi;
#endif
#ifdef BUG_CLEARED_BEFORE_STAGED
		d_step { pending_start = false; pending_limit = false };
#endif
		/* One write(2) of all that is pending. */
		d_step {
			if
			:: see_start -> stage ! START; stage ! START + 1
			:: else
			fi;
			if
			:: see_limit -> stage ! LIMIT; stage ! LIMIT + 1
			:: else
			fi
		};
		d_step { pending_start = false; pending_limit = false };
		move_stage()
	:: else
	fi
}

inline prepare()
{
	/* logger_pending_forget_staged() */
#ifndef BUG_STAGED_NOT_FORGOTTEN
	if
	:: nempty(stage) ->
#ifndef BUG_LIMIT_FLAG_LAST
		if
		:: pending_limit -> limit_reached = true
		:: else
		fi;
#endif
		d_step { pending_start = false; pending_limit = false }
	:: empty(stage)
	fi;
#endif
	move_stage();
	/* logger_pending_add_start() */
	if
	:: wants_start ->
#ifdef BUG_WANTS_CLEARED_FIRST
		wants_start = false;
		pending_start = true
#else
		pending_start = true;
		wants_start = false
#endif
	:: else
	fi;
	pending_write()
}

/* logger_limit_settle(): the file has its messages. */
inline settle()
{
	if
	:: limit_is_due && !limit_reached ->
		pending_limit = true;
		limit_reached = true
	:: else
	fi
}

active proctype logger()
{
	byte unit, n;
	bool see_start, see_limit;

	/* use_file(), at the first start. */
	pending_start = true;
again:
	{
		prepare();
		do
		:: true ->
			if
			:: order_reopen && empty(log_pipe) -> goto reopened
			:: else
			fi;
			n = len(log_pipe);
			if
			:: n == 0 && written == UNITS && empty(log_pipe) && !order_reopen &&
			   (!limit_is_due || limit_reached) ->
				goto finished_all
			:: else
			fi;
			move_batch(n);
			settle();
			pending_write();
			/* Sleeps until there is something to do. */
			nempty(log_pipe) || order_reopen || written == UNITS ||
				(limit_is_due && !limit_reached)
		od
	} unless {
		atomic { (kill_logger || kill_all) -> unit = 0; n = 0; see_start = false; see_limit = false };
		if
		:: kill_logger -> kill_logger = false; goto again
		:: kill_all -> kill_all = false
		fi
	}
	/* message_log_adopt() of the next master: this run's `start` comes after what is in the stage. */
	d_step { begins++; start_is_due = true; wants_start = true };
	goto again;
reopened:
	/* message_log_reopen(), use_file(): no logger lives, the stage is empty. */
	assert(empty(stage));
	assert(half == 0);
	d_step {
		file_is_empty = true; limits = 0; limit_is_due = false; limit_reached = false;
		begins++; start_is_due = true
	};
	d_step { pending_start = true; pending_limit = false };
	order_reopen = false;
	goto again;
finished_all:
	assert(empty(stage) && empty(log_pipe) && half == 0);
	assert(next_unit == UNITS);
	assert(!pending_start && !pending_limit && !wants_start && !start_is_due);
	assert(!limit_is_due || limits == 1);
	finished = true
}

/* --- workers, whose write of a record is atomic, and what happens to the service */

active proctype others()
{
	do
	:: written < UNITS ->
		d_step { log_pipe ! written; log_pipe ! written + 1; written = written + 2 }
	:: atomic { logger_kills > 0 && !kill_logger && !kill_all && !finished ->
		logger_kills--; kill_logger = true }
	:: atomic { kills_of_all > 0 && !kill_logger && !kill_all && !finished ->
		kills_of_all--; kill_all = true }
	:: atomic { reopens > 0 && !finished && written < UNITS -> reopens--; order_reopen = true }
	:: atomic { limit_requests > 0 && !order_reopen && written < UNITS ->
		limit_requests--; limit_is_due = true }
	:: finished -> break
	od
}
