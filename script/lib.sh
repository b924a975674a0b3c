# shellcheck shell=bash
# Functions for script/* and .ci/run.  Sets $top, the source tree.

# The tools of the system come first: only its own python3 finds Debian's Python modules.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
me=${0##*/}

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { say "$@"; exit 1; }

# The Debian packages that each part needs.
# shellcheck disable=SC2034
packages_build=(autoconf automake gcc libc6-dev libinih-dev libsystemd-dev make pkg-config)
# shellcheck disable=SC2034
packages_test=(bindfs dbus e2fsprogs gzip iproute2 libcmocka-dev logrotate mount ncat
	netcat-openbsd procps python3 python3-pytest python3-seccomp socat strace systemd
	util-linux)
# shellcheck disable=SC2034
packages_package=(debhelper dpkg-dev libcmocka-dev systemd)
# shellcheck disable=SC2034
packages_ci=(clang libclang-rt-14-dev lintian mandoc shellcheck spin)
# shellcheck disable=SC2034
packages_bench=(gnuplot-nox iproute2 libbsd0 libestr0 libevent-2.1-7 libfastjson4 libglib2.0-0
	libivykis0 libjson-c5 liblognorm5 libnet1 libtirpc3 libwrap0 ncat netbase procps python3
	socat)
# script/bench unpacks these, and does not install them.
# shellcheck disable=SC2034
packages_bench_peers=(inetutils-inetd openbsd-inetd rsyslog syslog-ng-core ucspi-tcp xinetd)

installed() {
	[[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

as_root() {
	if [[ $EUID -eq 0 ]]; then
		"$@"
	else
		sudo -- "$@"
	fi
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq --yes --no-install-recommends "$@" </dev/null >&2
}

# need PACKAGE... - installs those that are missing; if none is, it needs no root.
need() {
	local package missing=()
	command -v dpkg-query >/dev/null || {
		say "not a Debian system; please install what these packages have: $*"
		return 0
	}
	for package; do
		installed "$package" || missing+=("$package")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
		die "packages are missing and there is no sudo; run as root:" \
			"apt-get install ${missing[*]}"
	fi
	say "installing ${missing[*]}"
	# Package lists may be absent or too old: update them and try again.
	if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null &&
		apt_install "${missing[@]}"; then
		return 0
	fi
	as_root apt-get update -qq </dev/null >&2
	apt_install "${missing[@]}" || die "cannot install ${missing[*]}"
}

# configured DIR [ARG...] - configures DIR, unless it is already configured with these arguments.
configured() {
	local dir=$1 stamp
	shift
	stamp=$dir/configured-with
	[[ ! -e $top/config.status ]] ||
		die "the source tree itself was built in; first run 'make distclean' in $top"
	[[ -x $top/configure ]] || "$top/autogen.sh" >&2
	mkdir -p "$dir"
	[[ -w $dir ]] ||
		die "cannot write to $dir; if another user made it, remove it or build elsewhere"
	if [[ ! -e $dir/Makefile || $(cat "$stamp" 2>/dev/null) != "$*" ]]; then
		(cd "$dir" && "$top/configure" --quiet "$@") >&2
		printf '%s\n' "$*" >"$stamp"
	fi
}

# build DIR [ARG...] - configures DIR if needed, and builds everything.
build() {
	configured "$@"
	make -C "$1" --no-print-directory -j"$(nproc)" all >&2
}

# first_look DIR PORT - prepares DIR for a daemon that a user tries.  Writes DIR/echo-logd.conf, if
# it is missing, and has the daemon make DIR/run/scoreboard, which echo-logctl reads.
first_look() {
	local dir=$1 port=$2
	export RUNTIME_DIRECTORY=$dir/run
	mkdir -p "$RUNTIME_DIRECTORY"
	[[ ! -e $dir/echo-logd.conf ]] || return 0
	cat >"$dir/echo-logd.conf" <<-CONFIG
		# script/server wrote this file once and never changes it: edit it as you like.
		# All keys: echo-logd.conf(5), or conf/echo-logd.conf in the build directory.
		[server]
		# address = 127.0.0.1, ::1
		port = $port

		[log]
		path = $dir/messages.log
	CONFIG
}
