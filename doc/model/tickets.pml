/* SPDX-License-Identifier: MIT */
/*
 * Tickets: with at_message_limit = stop, a file gets exactly message_limit
 * messages, also if a reload changes the limit, or takes it away.
 *
 * Models src/ipc/tickets.c, take_ticket() and transcript_commit() of
 * src/worker/transcript.c, should_leave() and run_rounds() of
 * src/logger/logger.c, src/logger/logger_limit.c, apply_message_limit() of
 * src/master/logger_process.c, and the commit of a reload in
 * src/master/reload.c.
 *
 * Granularity: each load and store of a cell of the scoreboard is a step, and
 * so is each system call.  An atomic operation is one step.  The logger may be
 * killed between any two steps, and the next one takes over; one worker may be
 * killed too.  All accesses are sequentially consistent, as in the code.
 *
 * The pipe holds whole messages, and only their number matters.  One worker
 * logs two messages in one write, if they get their tickets at once, the other
 * logs one.  The file is counted as for text and JSON.
 *
 * Left out: raw, whose messages are counted by their tickets; a stalled log
 * and a stop, which end a wait in tickets_hold() by a clock; the order of the
 * records, which handover.pml has.
 *
 * Everything is finite, so a worker that waits for ever is a state from which
 * no step leads on.  That, a limit that is exceeded, and a message that is
 * dropped although there is room, are reported.
 *
 * By hand, in a directory of its own (doc/model/check does it for all):
 *   spin -a .../tickets.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan
 *   spin -t -p -g .../tickets.pml	shows the steps to an error
 * -DFROM=n, -DTO=n: message_limit before and after the reload, 0 for none.
 * -DBUG_...: a deliberate error, which must be found.
 */
#ifndef FROM
#define FROM 2
#endif
#ifndef TO
#define TO 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef WORKER_KILLS
#define WORKER_KILLS 0
#endif
#ifndef REOPENS
#define REOPENS 0
#endif
#define W 2

/* The counter: its three parts are one word, and change in one step. */
bool closed, limited = (FROM > 0);
byte left_over = FROM;

bool held[W];			/* holds_tickets of each worker's slot */
bool limit_reached, order_reopen, order_finish;

byte in_pipe, in_file;		/* messages */

/* Not in the code: what the properties need. */
byte limit = FROM;		/* message_limit of the configuration in force */
byte logger_limit = FROM;	/* of the running logger's configuration */
byte cap = FROM;			/* most messages in this file: set when tickets are issued */
byte promised;			/* tickets that are taken, and whose message is not in the pipe */
byte in_hand[W];		/* of these, each worker's */
byte free_in_hand[W];		/* the same without a limit */
byte lost;			/* tickets of a killed worker: messages that the file will miss */
byte gone;
bool kill_logger, kill_worker, finished;
bool new_file;			/* the path names another file: the next logger gets that */
byte logger_kills = KILLS, worker_kills = WORKER_KILLS, reloads = 1, reopens = REOPENS;

#define none_held (!held[0] && !held[1])
#define stops_at_limit (logger_limit > 0)

/* --- the worker */

inline tickets_hold()
{
	do
	:: true ->
		held[me] = true;
		was_closed = closed;
		if
		:: !was_closed -> break
		:: else -> held[me] = false
		fi;
		/* It looks every millisecond; until the counter is open it sees the same. */
		!closed
	od
}

inline write_batch()
{
	d_step {
		in_pipe = in_pipe + in_hand[me] + free_in_hand[me];
		promised = promised - in_hand[me];
		in_hand[me] = 0; free_in_hand[me] = 0
	}
}

/* tickets_take() is a loop around one compare and exchange: one step. */
inline take_ticket()
{
	do
	:: closed ->
		write_batch();
		held[me] = false;
		tickets_hold()
	:: atomic { !closed && !limited -> free_in_hand[me]++; break }
	:: atomic { !closed && limited && left_over > 0 ->
			left_over--; promised++; in_hand[me]++; break }
	:: atomic { !closed && limited && left_over == 0 ->
			/* -ENOSPC: echoed, and counted as dropped.  Only if the file has its messages. */
			assert(in_file + in_pipe + promised + lost >= cap);
			break }
	od
}

inline message()
{
	if
	:: !held[me] -> tickets_hold()
	:: else
	fi;
	take_ticket()
}

inline commit()
{
#ifdef BUG_RELEASES_BEFORE_WRITE
	held[me] = false;
	write_batch()
#else
	write_batch();
	held[me] = false
#endif
}

proctype worker(byte me)
{
	bool was_closed;

	{
#ifdef BUG_HOLDS_ONLY_UNDER_LIMIT
		/* As configured when the worker was forked. */
		if
		:: FROM > 0 -> message(); message(); commit()
		:: else -> free_in_hand[me] = 1; write_batch()
		fi
#else
		if
		:: me == 0 -> message(); message(); commit()
		:: me == 1 -> message(); commit()
		fi
#endif
	} unless {
		/* worker_pool.c frees the slot. */
		atomic {
			(me == 1 && kill_worker) ->
			kill_worker = false;
			lost = lost + in_hand[me];
			promised = promised - in_hand[me];
			in_hand[me] = 0; free_in_hand[me] = 0;
			held[me] = false
		}
	}
	gone++
}

/* --- the logger */

inline must_settle(ret)
{
	if
	:: closed -> ret = true
	:: else -> ret = (stops_at_limit && limited && left_over == 0 && !limit_reached)
	fi
}

inline settle()
{
	if
	:: !closed -> limit_reached = true
	:: closed && order_reopen -> goto reopened
	/* The order comes in a moment. */
	:: closed && !order_reopen && !stops_at_limit
	:: closed && !order_reopen && stops_at_limit ->
		used = in_file;
		atomic {
			/* Every message with a ticket, or without a limit, is in the file. */
			assert(in_pipe == 0 && promised == 0 && free_in_hand[0] + free_in_hand[1] == 0);
			closed = false; limited = true; lost = 0;
			if
			:: logger_limit > used -> left_over = logger_limit - used; cap = logger_limit
			:: else -> left_over = 0; cap = used
			fi
		};
		if
		:: left_over > 0 -> limit_reached = false
		:: else
		fi
	fi
}

/* What was seen in the pipe goes to the file. */
inline move_batch()
{
	atomic {
		in_file = in_file + n;
		in_pipe = in_pipe - n;
		assert(!limited || closed || in_file + in_pipe + promised <= cap)
	}
}

/* The next logger.  What the master does between two of them is here too. */
active proctype logger()
{
	byte n, used;
	bool ask_settle, saw_none, saw_reopen;

again:
	{
		d_step { n = 0; used = 0; ask_settle = false; saw_none = false; saw_reopen = false }
		/* apply_message_limit() of the master, which does nothing else meanwhile */
		atomic {
			if
			:: limit > 0 && !limited -> closed = true; limited = true
			:: limit > 0 && limited
			:: limit == 0 ->
#ifndef BUG_NO_END_OF_LIMIT
				closed = false; limited = false; left_over = 0; lost = 0;
#endif
#ifndef BUG_LIMIT_STAYS_REACHED
				limit_reached = false
#endif
			fi;
			logger_limit = limit
		};
		assert(logger_limit > 0 || !limit_reached);
		do
		:: true ->
#ifdef BUG_HELD_AFTER_ROUND
			skip;
#else
			must_settle(ask_settle);
			saw_none = none_held && ask_settle;
#endif
			/* should_leave() */
			if
			:: order_reopen && (stops_at_limit || closed) -> closed = true
			:: order_reopen && !stops_at_limit && !closed && (saw_reopen || in_pipe == 0) ->
				goto reopened
			:: order_reopen && !stops_at_limit && !closed && !saw_reopen && in_pipe > 0 ->
				saw_reopen = true
			:: !order_reopen
			fi;
			n = in_pipe;
			if
			:: n == 0 && order_finish && in_pipe == 0 -> goto finished_all
			:: else
			fi;
			move_batch();
#ifdef BUG_HELD_AFTER_ROUND
			must_settle(ask_settle);
			if
			:: ask_settle && in_pipe == 0 -> saw_none = none_held
			:: else -> saw_none = false
			fi;
			if
			:: saw_none -> settle()
			:: else
			fi;
#else
			if
			:: saw_none && in_pipe == 0 -> settle()
			:: else
			fi;
#endif
			/* Sleeps, unless the tickets need it. */
			must_settle(ask_settle);
			if
			:: ask_settle -> none_held || in_pipe > 0 || !closed;
				!closed || stops_at_limit || order_reopen
			:: !ask_settle -> in_pipe > 0 || order_reopen || order_finish || closed ||
				(stops_at_limit && limited && left_over == 0 && !limit_reached)
			fi
		od
	} unless {
		atomic { kill_logger -> kill_logger = false };
		goto again
	}
reopened:
	/* message_log_reopen(): another file if the reopen was asked for, else the same one. */
	atomic {
		order_reopen = false;
		if
		:: new_file ->
			new_file = false; in_file = 0;
			if
			:: limited -> closed = true
			:: else
			fi
		:: else
		fi
	};
	goto again;
finished_all:
	assert(in_pipe == 0);
	finished = true
}

/* --- the master's other half, and what happens to the service */

active proctype master()
{
	run worker(0);
	run worker(1);
	do
	:: atomic { logger_kills > 0 && !kill_logger && !finished -> logger_kills--; kill_logger = true }
	:: atomic { worker_kills > 0 && !kill_worker && gone == 0 -> worker_kills--; kill_worker = true }
	:: atomic { reloads > 0 && !order_reopen && gone < W -> reloads--; limit = TO };
		/* tickets_begin_limit() */
		if
		:: TO > 0 ->
			atomic {
				if
				:: !limited -> closed = true; limited = true
				:: else
				fi
			}
		:: else
		fi;
		order_reopen = true
	:: atomic { reopens > 0 && !order_reopen && gone < W -> reopens--; new_file = true };
		order_reopen = true
	:: gone == W && !order_finish && !order_reopen -> order_finish = true
	:: finished -> break
	od
}
