/* SPDX-License-Identifier: MIT */
/*
 * probe: tries, from inside a unit's sandbox, what the sandbox must refuse.
 *
 * It also tries what the daemon needs.  For each attempt it prints a line
 * "NAME: RESULT", where RESULT is the name of the errno, or "done".
 * tests/systemd/test_sandbox.py runs it in a unit with the properties of
 * echo-logd.service.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *name, long r)
{
	printf("%s: %s\n", name, r < 0 ? strerrorname_np(errno) : "done");
	fflush(stdout);
}

/* --- files */

static void try_to_write(const char *name, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	tell(name, fd);
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
}

static void try_to_read(const char *name, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char byte;

	tell(name, fd < 0 ? fd : read(fd, &byte, 1));
	if (fd >= 0)
		close(fd);
}

static void try_files(const char *log, const char *state, const char *runtime)
{
	char path[256];

	try_to_write("write-log", log);
	try_to_write("write-state", state);
	try_to_write("write-runtime", runtime);
	try_to_write("write-etc", "/etc/probe");
	try_to_write("write-usr", "/usr/probe");
	try_to_write("write-var", "/var/lib/probe");
	try_to_write("write-run", "/run/probe");
	try_to_write("write-lock", "/run/lock/probe");
	try_to_write("write-tmp", "/tmp/probe");
	try_to_write("write-var-tmp", "/var/tmp/probe");
	try_to_write("write-shm", "/dev/shm/probe");
	try_to_write("write-mqueue", "/dev/mqueue/probe");
	try_to_write("write-config", "/etc/echo-logd.conf");
	try_to_read("read-config", "/etc/echo-logd.conf");
	try_to_read("read-home", "/home/secret");
	try_to_read("read-root", "/root/secret");
	try_to_read("read-tmp", "/tmp/secret");
	try_to_read("read-kmsg", "/dev/kmsg");
	try_to_read("read-mem", "/dev/mem");
	try_to_read("read-pid-1", "/proc/1/cmdline");
	try_to_read("read-sysctl", "/proc/sys/kernel/hostname");
	try_to_write("write-cgroup", "/sys/fs/cgroup/probe");
	snprintf(path, sizeof(path), "%s.suid", log);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	tell("chmod-suid", chmod(path, 04700));
	unlink(path);
	tell("mknod", mknod("/tmp/node", S_IFBLK | 0600, makedev(7, 0)));
	tell("link", link("/etc/echo-logd.conf", log));
	tell("chroot", chroot("/tmp"));
}

/* --- programs and memory */

/* Executes in a child, which exits with the errno if exec fails. */
static void try_to_execute(const char *name, const char *path)
{
	char *argv[] = {(char *)path, NULL};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		/* Its output is not wanted. */
		close(STDOUT_FILENO);
		execv(path, argv);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = WEXITSTATUS(status);
	tell(name, pid < 0 || errno != 0 ? -1 : 0);
}

static void copy_program(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	char buffer[65536];
	ssize_t n;

	while ((n = read(in, buffer, sizeof(buffer))) > 0 && write(out, buffer, (size_t)n) == n)
		;
	fchmod(out, 0700);
	close(in);
	close(out);
}

static void try_programs(const char *log)
{
	char path[256];

	try_to_execute("exec-shell", "/bin/sh");
	try_to_execute("exec-true", "/usr/bin/true");
	snprintf(path, sizeof(path), "%s.program", log);
	copy_program("/usr/bin/true", path);
	try_to_execute("exec-own", path);
	unlink(path);
	copy_program("/usr/bin/true", "/tmp/program");
	try_to_execute("exec-tmp", "/tmp/program");
}

static void try_memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	tell("mmap-wx", p == MAP_FAILED ? -1 : 0);
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	tell("mprotect-x", mprotect(p, page, PROT_READ | PROT_EXEC));
	tell("personality", personality(ADDR_NO_RANDOMIZE));
	tell("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
}

/* --- other processes, the kernel */

static void try_processes(void)
{
	pid_t parent = getppid();
	char byte;
	struct iovec here = {.iov_base = &byte, .iov_len = 1}, there = here;

	tell("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	tell("read-memory", process_vm_readv(parent, &here, 1, &there, 1, 0));
	tell("kill-1", kill(1, 0));
	tell("setuid", setuid(0));
	tell("realtime", sched_setscheduler(0, SCHED_FIFO,
					    &(struct sched_param){.sched_priority = 1}));
	tell("renice", setpriority(PRIO_PROCESS, 0, -5));
	tell("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0, 0, 0));
	tell("unshare-user", unshare(CLONE_NEWUSER));
	tell("unshare-net", unshare(CLONE_NEWNET));
	tell("clone-mount", syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL));
	tell("setns", setns(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), 0));
}

static void try_kernel(void)
{
	struct timeval now = {.tv_sec = 1};

	tell("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
	tell("umount", umount2("/tmp", MNT_DETACH));
	tell("sethostname", sethostname("probe", 5));
	tell("settimeofday", settimeofday(&now, NULL));
	tell("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
	tell("init-module", syscall(SYS_init_module, NULL, 0, ""));
	tell("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	tell("bpf", syscall(SYS_bpf, 0, NULL, 0));
	tell("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	tell("io-uring", syscall(SYS_io_uring_setup, 1, NULL));
	tell("syslog", syscall(SYS_syslog, 3, NULL, 0));
	tell("swapon", syscall(SYS_swapon, "/tmp/swap", 0));
	tell("ioperm", syscall(SYS_ioperm, 0, 1, 1));
}

/* --- network */

static void try_socket(const char *name, int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	tell(name, fd);
	if (fd >= 0)
		close(fd);
}

static void try_network(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(80),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	try_socket("socket-unix", AF_UNIX, SOCK_DGRAM, 0);
	try_socket("socket-ip", AF_INET, SOCK_STREAM, 0);
	try_socket("socket-ip6", AF_INET6, SOCK_STREAM, 0);
	try_socket("socket-raw", AF_INET, SOCK_RAW, IPPROTO_ICMP);
	try_socket("socket-packet", AF_PACKET, SOCK_RAW, 0);
	try_socket("socket-netlink", AF_NETLINK, SOCK_RAW, 0);
	try_socket("socket-vsock", AF_VSOCK, SOCK_STREAM, 0);
	tell("bind-80", bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

/* Prints how the kernel confines this process.  The test compares it with the daemon's. */
static void tell_status(void)
{
	static const char *const keys[] = {"NoNewPrivs", "Seccomp", "Seccomp_filters", "CapBnd"};
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (strncmp(line, keys[i], strlen(keys[i])) == 0 &&
			    line[strlen(keys[i])] == ':')
				printf("%s: %s", keys[i], line + strlen(keys[i]) + 2);
	if (status)
		fclose(status);
}

int main(int argc, char *argv[])
{
	if (argc != 4) {
		fprintf(stderr, "usage: probe FILE-BY-THE-LOG FILE-BY-THE-STATE "
				"FILE-BY-THE-SCOREBOARD\n");
		return 2;
	}
	try_files(argv[1], argv[2], argv[3]);
	try_programs(argv[1]);
	try_memory();
	try_processes();
	try_kernel();
	try_network();
	tell_status();
	return 0;
}
