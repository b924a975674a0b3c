/* SPDX-License-Identifier: MIT */
/* What src/logger/logger.h assumes about pipes and splice(2), tested with the running kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG_PIPE_BYTES (1024 * 1024)
#define N_WRITERS 3
#define KILLS 300
#define MAX_RUN 16		/* chunks of PIPE_BUF bytes in one write(2) */
#define FILE_BYTES_MIN (1024 * 1024)

/*
 * Names its writer, its number and its length.  A write(2) has one chunk, or
 * several that are as long as a page of the pipe (src/worker/logpipe.h).
 */
struct chunk {
	uint16_t len;
	uint16_t writer;
	uint32_t n;
	unsigned char fill[PIPE_BUF - 8];
};

#define CHUNK_MIN offsetof(struct chunk, fill)

/* Shared by all processes of a test. */
static struct shared {
	_Atomic uint32_t stop;
	_Atomic uint32_t written[N_WRITERS];	/* chunks whose write(2) has returned */
	_Atomic uint32_t failed;
} *shared;

/* What was read, and which chunk of each writer must come next. */
struct reader {
	uint32_t next[N_WRITERS];
	unsigned char buf[2 * LOG_PIPE_BYTES];
	size_t len;
};
static struct reader reader;

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static size_t make_chunk(struct chunk *chunk, unsigned writer, uint32_t n, uint32_t *seed)
{
	uint32_t r = next_random(seed);
	size_t len = CHUNK_MIN + (r % 8 == 0 ? r / 8 % (PIPE_BUF - CHUNK_MIN + 1) : r / 8 % 200);

	if (r % 64 == 1)
		len = PIPE_BUF;
	chunk->len = (uint16_t)len;
	chunk->writer = (uint16_t)writer;
	chunk->n = n;
	memset(chunk->fill, (int)(n + writer), len - CHUNK_MIN);
	return len;
}

/* Checks the whole chunks in DATA.  Returns their bytes, or -1 if one is torn, lost or doubled. */
static ssize_t check_chunks(const unsigned char *data, size_t len, uint32_t next[N_WRITERS])
{
	size_t done = 0;
	struct chunk chunk;

	while (len - done >= CHUNK_MIN) {
		memcpy(&chunk, data + done, CHUNK_MIN);
		if (chunk.len < CHUNK_MIN || chunk.len > PIPE_BUF || chunk.writer >= N_WRITERS ||
		    chunk.n != next[chunk.writer])
			return -1;
		if (chunk.len > len - done)
			break;
		memset(chunk.fill, (int)(chunk.n + chunk.writer), chunk.len - CHUNK_MIN);
		if (memcmp(data + done, &chunk, chunk.len) != 0)
			return -1;
		next[chunk.writer]++;
		done += chunk.len;
	}
	return (ssize_t)done;
}

static int bytes_in(int pipe_fd)
{
	int n = 0;

	return ioctl(pipe_fd, FIONREAD, &n) < 0 ? -errno : n;
}

static void pause_usec(unsigned usec)
{
	struct timespec ts = {.tv_nsec = (long)usec * 1000};

	nanosleep(&ts, NULL);
}

/* Forks a child that the kernel kills when this process ends, so also if the test fails. */
static pid_t fork_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void make_pipe(int fds[2], int size)
{
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if (size > 0)
		assert_true(fcntl(fds[1], F_SETPIPE_SZ, size) >= size);
}

static void close_pipe(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* Makes the CHUNKS of one write, from number N on.  Returns their bytes. */
static size_t make_write(struct chunk chunks[MAX_RUN], unsigned writer, uint32_t n, uint32_t *seed,
			 uint32_t *ret_chunks)
{
	size_t len = make_chunk(&chunks[0], writer, n, seed);
	uint32_t run = 1;

	if (len == PIPE_BUF)
		run += next_random(seed) % MAX_RUN;
	for (uint32_t i = 1; i < run; i++) {
		chunks[i] = chunks[0];
		chunks[i].n = n + i;
		memset(chunks[i].fill, (int)(n + i + writer), sizeof(chunks[i].fill));
	}
	*ret_chunks = run;
	return len * run;
}

/* Writes until `stop` is set.  With RESTS it pauses now and then, so that a file stays small. */
static void write_chunks(int fd, unsigned writer, uint32_t seed, bool rests)
{
	struct chunk chunks[MAX_RUN];
	size_t since_rest = 0;

	for (uint32_t n = 0, run; !atomic_load(&shared->stop); n += run) {
		size_t len = make_write(chunks, writer, n, &seed, &run);

		if (write(fd, chunks, len) != (ssize_t)len) {
			atomic_store(&shared->failed, 1);
			return;
		}
		atomic_store(&shared->written[writer], n + run);
		since_rest += len;
		if (rests && since_rest > 16384) {
			pause_usec(100);
			since_rest = 0;
		}
	}
}

static pid_t fork_writer(int fd, unsigned writer, bool rests)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		write_chunks(fd, writer, 0x9e3779b9u * (writer + 1), rests);
		_exit(0);
	}
	return pid;
}

static void wait_for_exit(pid_t pid, int status)
{
	int got;

	assert_int_equal(waitpid(pid, &got, 0), pid);
	assert_true(WIFEXITED(got));
	assert_int_equal(WEXITSTATUS(got), status);
}

static int set_up(void **state)
{
	(void)state;
	memset(shared, 0, sizeof(*shared));
	memset(&reader, 0, sizeof(reader));
	return 0;
}

/* Moves exactly as many bytes as FIONREAD counted to a second pipe.  They must be whole chunks. */
static void move_and_check(int pipe_fd, const int stage[2], int n)
{
	while (n > 0) {
		ssize_t moved = splice(pipe_fd, NULL, stage[1], NULL, (size_t)n, 0), got;

		assert_true(moved > 0);
		n -= (int)moved;
		for (; moved > 0; moved -= got) {
			got = read(stage[0], reader.buf + reader.len, (size_t)moved);
			assert_true(got > 0);
			reader.len += (size_t)got;
		}
	}
	assert_int_equal(check_chunks(reader.buf, reader.len, reader.next), reader.len);
	reader.len = 0;
}

/* Whether each writer has written something; on a busy machine one may start late. */
static bool has_heard_all(void)
{
	for (unsigned i = 0; i < N_WRITERS; i++)
		if (reader.next[i] == 0)
			return false;
	return true;
}

static void race_fionread(int pipe_bytes, unsigned rounds)
{
	int fds[2], stage[2], n;
	pid_t pids[N_WRITERS];

	make_pipe(fds, pipe_bytes);
	make_pipe(stage, LOG_PIPE_BYTES);
	for (unsigned i = 0; i < N_WRITERS; i++)
		pids[i] = fork_writer(fds[1], i, false);
	close(fds[1]);
	while (rounds > 0 || !has_heard_all()) {
		n = bytes_in(fds[0]);
		rounds -= n > 0 && rounds > 0;
		move_and_check(fds[0], stage, n);
	}
	atomic_store(&shared->stop, 1);
	for (struct pollfd p = {.fd = fds[0], .events = POLLIN}; poll(&p, 1, -1) > 0;) {
		n = bytes_in(fds[0]);
		if (n == 0 && !(p.revents & POLLIN))
			break;
		move_and_check(fds[0], stage, n);
	}
	for (unsigned i = 0; i < N_WRITERS; i++) {
		wait_for_exit(pids[i], 0);
		assert_int_equal(reader.next[i], atomic_load(&shared->written[i]));
	}
	assert_int_equal(atomic_load(&shared->failed), 0);
	close(fds[0]);
	close_pipe(stage);
}

static void test_fionread_counts_whole_writes(void **state)
{
	(void)state;
	race_fionread(LOG_PIPE_BYTES, 1000);
}

/* Writers that wait for room are woken at any time. */
static void test_fionread_of_a_full_pipe(void **state)
{
	(void)state;
	race_fionread(2 * PIPE_BUF, 3000);
}

/* Reads the pipe.  It must have whole chunks: all that were written, and at most one write more. */
static void check_after_kill(int fd)
{
	uint32_t written = atomic_load(&shared->written[0]), *next = reader.next;
	ssize_t got = bytes_in(fd) > 0 ? read(fd, reader.buf, sizeof(reader.buf)) : 0;

	next[0] = 0;
	assert_true(got >= 0);
	assert_int_equal(check_chunks(reader.buf, (size_t)got, next), got);
	assert_in_range(next[0], written, written + MAX_RUN);
}

static void wait_until_full(int pipe_fd)
{
	struct pollfd p = {.fd = pipe_fd, .events = POLLOUT};

	while (poll(&p, 1, 0) > 0)
		sched_yield();
}

static void test_write_is_cut_between_chunks_when_killed(void **state)
{
	uint32_t seed = 4711;

	(void)state;
	for (unsigned i = 0; i < KILLS; i++) {
		bool blocked = i % 3 == 0;
		int fds[2], status;
		pid_t pid;

		memset(shared, 0, sizeof(*shared));
		make_pipe(fds, blocked ? 2 * PIPE_BUF : LOG_PIPE_BYTES);
		pid = fork_writer(fds[1], 0, false);
		while (atomic_load(&shared->written[0]) == 0)
			sched_yield();
		if (blocked)
			wait_until_full(fds[1]);
		pause_usec(next_random(&seed) % 300);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		check_after_kill(fds[0]);
		close_pipe(fds);
	}
}

/* --- splice */

/* As the logger does it: first empties the stage, then moves batch by batch. */
static void move_to_file(const int log[2], const int stage[2], int file_fd)
{
	for (;;) {
		int n;

		while ((n = bytes_in(stage[0])) > 0)
			if (splice(stage[0], NULL, file_fd, NULL, (size_t)n, 0) <= 0)
				_exit(1);
		n = bytes_in(log[0]);
		if (n == 0 && atomic_load(&shared->stop) == 2)
			_exit(0);
		if (n > 0 && splice(log[0], NULL, stage[1], NULL, (size_t)n, 0) <= 0)
			_exit(1);
	}
}

static pid_t fork_mover(const int log[2], const int stage[2], int file_fd)
{
	pid_t pid = fork_child();

	if (pid == 0)
		move_to_file(log, stage, file_fd);
	return pid;
}

static void check_file(int file_fd)
{
	off_t offset = 0;
	ssize_t got, used;

	while ((got = pread(file_fd, reader.buf, sizeof(reader.buf), offset)) > 0) {
		used = check_chunks(reader.buf, (size_t)got, reader.next);
		assert_true(used > 0);
		offset += used;
	}
	assert_int_equal(got, 0);
	assert_int_equal(offset, lseek(file_fd, 0, SEEK_END));
	for (unsigned i = 0; i < N_WRITERS; i++)
		assert_int_equal(reader.next[i], atomic_load(&shared->written[i]));
}

/* Returns an unnamed file in DIRECTORY, or -1 if none can be made there. */
static int open_unnamed(const char *directory)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/test_kernel.XXXXXX", directory);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static void kill_movers(int file_fd)
{
	int log[2], stage[2], status;
	pid_t writers[N_WRITERS];
	unsigned kills = 0, with_bytes = 0, in_stage = 0;
	uint32_t seed = 815;

	make_pipe(log, LOG_PIPE_BYTES);
	make_pipe(stage, LOG_PIPE_BYTES);
	for (unsigned i = 0; i < N_WRITERS; i++)
		writers[i] = fork_writer(log[1], i, true);
	for (; kills < KILLS || lseek(file_fd, 0, SEEK_CUR) < FILE_BYTES_MIN; kills++) {
		pid_t pid = fork_mover(log, stage, file_fd);

		pause_usec(next_random(&seed) % 1200);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		with_bytes += bytes_in(log[0]) > 0 || bytes_in(stage[0]) > 0;
		in_stage += bytes_in(stage[0]) > 0;
	}
	atomic_store(&shared->stop, 1);
	for (unsigned i = 0; i < N_WRITERS; i++) {
		/* A writer that waits needs a mover that makes room. */
		pid_t pid = fork_mover(log, stage, file_fd);

		wait_for_exit(writers[i], 0);
		if (i == N_WRITERS - 1) {
			atomic_store(&shared->stop, 2);
			wait_for_exit(pid, 0);
		} else {
			kill(pid, SIGKILL);
			assert_int_equal(waitpid(pid, &status, 0), pid);
		}
	}
	print_message("# bytes waited at %u of %u kills, at %u in the stage\n", with_bytes, kills,
		      in_stage);
	assert_true(with_bytes > kills / 2 && in_stage > 0);
	assert_int_equal(atomic_load(&shared->failed), 0);
	close_pipe(log);
	close_pipe(stage);
	check_file(file_fd);
}

static const char *disk_directory(void)
{
	const char *directory = getenv("TMPDIR");

	return directory && directory[0] ? directory : "/tmp";
}

static void test_splice_is_exact_when_killed_on_disk(void **state)
{
	int fd = open_unnamed(disk_directory());

	(void)state;
	assert_true(fd >= 0);
	kill_movers(fd);
	close(fd);
}

static void test_splice_is_exact_when_killed_on_tmpfs(void **state)
{
	int fd = open_unnamed("/dev/shm");

	(void)state;
	if (fd < 0)
		skip();
	kill_movers(fd);
	close(fd);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fionread_counts_whole_writes),
		TEST(test_fionread_of_a_full_pipe),
		TEST(test_write_is_cut_between_chunks_when_killed),
		TEST(test_splice_is_exact_when_killed_on_disk),
		TEST(test_splice_is_exact_when_killed_on_tmpfs),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
