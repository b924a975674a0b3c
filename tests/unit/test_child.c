/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config.h"
#include "master/child.h"

#define MAX_FDS 64
#define N_LISTENERS 3

/* What a child reports about itself. */
static struct report {
	int fds[MAX_FDS];
	unsigned n_fds;
	char comm[16];
	bool is_blocked, is_default;
	pid_t pid;
	struct descriptors held;
} *report;

static int next_fd;

/* Moves FD to the next number; numbers go down. */
static int make_fd(int fd)
{
	int to = next_fd--;

	assert_int_equal(dup3(fd, to, O_CLOEXEC), to);
	close(fd);
	return to;
}

static struct descriptors make_all(void)
{
	struct descriptors d = {.listeners.n = N_LISTENERS};
	int fds[2];

	next_fd = 90;
	for (unsigned i = 0; i < N_LISTENERS; i++)
		d.listeners.item[i].fd = make_fd(eventfd(0, 0));
	assert_int_equal(pipe(fds), 0);
	d.log_read = make_fd(fds[0]);
	d.log_write = make_fd(fds[1]);
	/* Descriptors that only the master has, above, between and below the others. */
	assert_true(dup2(STDERR_FILENO, 100) == 100 && dup2(STDERR_FILENO, 500) == 500);
	make_fd(eventfd(0, 0));
	assert_int_equal(pipe(fds), 0);
	d.stage_read = make_fd(fds[0]);
	d.stage_write = make_fd(fds[1]);
	d.log_file = make_fd(open("/dev/null", O_RDWR));
	make_fd(eventfd(0, 0));
	d.doorbell = make_fd(eventfd(0, 0));
	d.logger_bell = make_fd(eventfd(0, 0));
	return d;
}

static void close_all(void)
{
	close_range(3, ~0U, 0);
}

/* Runs in the child. */
static void look_at_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir) &&
		    report->n_fds < MAX_FDS)
			report->fds[report->n_fds++] = atoi(entry->d_name);
	if (dir)
		closedir(dir);
}

static void look_at_self(const struct descriptors *held)
{
	struct sigaction action;
	sigset_t blocked;

	look_at_fds();
	prctl(PR_GET_NAME, report->comm);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	report->is_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGHUP);
	sigaction(SIGTERM, NULL, &action);
	report->is_default = action.sa_handler == SIG_DFL;
	report->held = *held;
	report->pid = getpid();
}

/* Forks a child as the master does, with signals blocked, and has it report. */
static void run_child(enum child_kind kind, struct descriptors *d)
{
	sigset_t block, before;
	int status;
	pid_t pid;

	memset(report, 0, sizeof(*report));
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGHUP);
	sigprocmask(SIG_BLOCK, &block, &before);
	pid = child_fork(kind, d);
	if (pid == 0) {
		look_at_self(d);
		_exit(0);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(report->pid, pid);
}

static bool has(int fd)
{
	for (unsigned i = 0; i < report->n_fds; i++)
		if (report->fds[i] == fd)
			return true;
	return false;
}

/* Asserts that the child holds exactly standard input, output, error and these. */
static void assert_holds(const int *fds, unsigned n)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		assert_true(has(fd));
	for (unsigned i = 0; i < n; i++)
		assert_true(has(fds[i]));
	assert_int_equal(report->n_fds, 3 + n);
}

static void test_worker(void **state)
{
	struct descriptors d = make_all(), before = d;
	const struct descriptors *held = &report->held;

	(void)state;
	run_child(CHILD_WORKER, &d);
	assert_memory_equal(&d, &before, sizeof(d));
	assert_holds((int[]){d.listeners.item[0].fd, d.listeners.item[1].fd,
			     d.listeners.item[2].fd, d.log_write, d.doorbell,
			     d.logger_bell}, 6);
	assert_int_equal(held->listeners.n, N_LISTENERS);
	assert_int_equal(held->listeners.item[2].fd, d.listeners.item[2].fd);
	assert_int_equal(held->log_write, d.log_write);
	assert_int_equal(held->doorbell, d.doorbell);
	assert_int_equal(held->log_read, -1);
	assert_int_equal(held->stage_read, -1);
	assert_int_equal(held->stage_write, -1);
	assert_int_equal(held->log_file, -1);
	assert_string_equal(report->comm, "echo-log-worker");
	assert_true(report->is_blocked);
	assert_true(report->is_default);
	close_all();
}

static void test_logger(void **state)
{
	struct descriptors d = make_all(), before = d;
	const struct descriptors *held = &report->held;

	(void)state;
	run_child(CHILD_LOGGER, &d);
	assert_memory_equal(&d, &before, sizeof(d));
	assert_holds((int[]){d.log_read, d.stage_read, d.stage_write, d.log_file, d.doorbell,
			     d.logger_bell}, 6);
	assert_int_equal(held->listeners.n, 0);
	assert_int_equal(held->log_write, -1);
	assert_int_equal(held->log_read, d.log_read);
	assert_int_equal(held->stage_read, d.stage_read);
	assert_int_equal(held->stage_write, d.stage_write);
	assert_int_equal(held->log_file, d.log_file);
	assert_int_equal(held->doorbell, d.doorbell);
	assert_string_equal(report->comm, "echo-log-logger");
	close_all();
}

/* A master with all possible listeners, and one that has not opened anything but the doorbell. */
static void test_most_and_least(void **state)
{
	struct descriptors d = NO_DESCRIPTORS;
	int fds[CONFIG_MAX_ADDRESSES + 1];

	(void)state;
	next_fd = 90;
	d.doorbell = make_fd(eventfd(0, 0));
	run_child(CHILD_LOGGER, &d);
	assert_holds(&d.doorbell, 1);

	d.listeners.n = CONFIG_MAX_ADDRESSES;
	for (unsigned i = 0; i < CONFIG_MAX_ADDRESSES; i++)
		fds[i] = d.listeners.item[i].fd = make_fd(eventfd(0, 0));
	fds[CONFIG_MAX_ADDRESSES] = d.doorbell;
	run_child(CHILD_WORKER, &d);
	assert_holds(fds, CONFIG_MAX_ADDRESSES + 1);
	close_all();
}

/* --- the death of the master */

/* The master of this test: its children become ours when it dies. */
static pid_t fork_master(void)
{
	pid_t pid;

	memset(report, 0, sizeof(*report));
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	return pid;
}

static void wait_for_signal(pid_t pid, int signo)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signo);
}

static pid_t start_child_and_kill_master(enum child_kind kind, struct descriptors *d)
{
	pid_t master = fork_master();
	eventfd_t rung;

	if (master == 0) {
		if (child_fork(kind, d) == 0) {
			char byte = 0;

			/* Reports that it runs.  If it outlives the master, it answers once. */
			report->pid = getpid();
			eventfd_write(d->doorbell, 1);
			if (kind == CHILD_LOGGER && read(d->log_read, &byte, 1) == 1)
				_exit(byte);
			for (;;)
				pause();
		}
		for (;;)
			pause();
	}
	assert_int_equal(eventfd_read(d->doorbell, &rung), 0);
	kill(master, SIGKILL);
	wait_for_signal(master, SIGKILL);
	return report->pid;
}

static void test_worker_dies_with_the_master(void **state)
{
	struct descriptors d = make_all();

	(void)state;
	alarm(20);
	wait_for_signal(start_child_and_kill_master(CHILD_WORKER, &d), SIGKILL);
	alarm(0);
	close_all();
}

static void test_logger_outlives_the_master(void **state)
{
	struct descriptors d = make_all();
	pid_t pid = start_child_and_kill_master(CHILD_LOGGER, &d);
	int status;

	(void)state;
	assert_int_equal(write(d.log_write, "\x2a", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	close_all();
}

static pid_t doomed_master;

/* master/child.c calls this too: the child continues only when its master is gone. */
pid_t _Fork(void)
{
	pid_t (*of_libc)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "_Fork");
	pid_t pid = of_libc();

	while (pid == 0 && doomed_master != 0 && getppid() == doomed_master)
		usleep(1000);
	return pid;
}

/* The master dies right after fork, before the child has set PR_SET_PDEATHSIG. */
static void test_worker_sees_that_the_master_is_gone(void **state)
{
	struct descriptors d = make_all();
	pid_t master = fork_master();
	int status;

	(void)state;
	if (master == 0) {
		doomed_master = getpid();
		if (child_fork(CHILD_WORKER, &d) != 0)
			raise(SIGKILL);
		_exit(0);
	}
	wait_for_signal(master, SIGKILL);
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worker),
		cmocka_unit_test(test_logger),
		cmocka_unit_test(test_most_and_least),
		cmocka_unit_test(test_worker_dies_with_the_master),
		cmocka_unit_test(test_logger_outlives_the_master),
		cmocka_unit_test(test_worker_sees_that_the_master_is_gone),
	};

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
