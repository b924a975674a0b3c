# shellcheck shell=bash
# What script/* and .ci/run share.  Sets $top, the source tree.

# The system's tools first: Debian's python3 has Debian's modules.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
me=${0##*/}

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { say "$@"; exit 1; }

# Debian packages, by what needs them.
# shellcheck disable=SC2034
packages_build=(autoconf automake gcc libc6-dev libinih-dev libsystemd-dev make pkg-config)
# shellcheck disable=SC2034
packages_test=(dbus e2fsprogs gzip iproute2 libcmocka-dev logrotate mount ncat netcat-openbsd procps python3
	python3-pytest socat strace systemd util-linux)
# shellcheck disable=SC2034
packages_package=(debhelper dpkg-dev libcmocka-dev systemd)
# shellcheck disable=SC2034
packages_ci=(clang libclang-rt-14-dev lintian mandoc shellcheck)
# shellcheck disable=SC2034
packages_bench=(gnuplot-nox iproute2 libbsd0 libestr0 libevent-2.1-7 libfastjson4 libglib2.0-0
	libivykis0 libjson-c5 liblognorm5 libnet1 libtirpc3 libwrap0 ncat netbase procps python3 socat)
# Not installed but unpacked, by script/bench.
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

# need PACKAGE... - installs those that are missing; with none missing it needs no rights.
need() {
	local package missing=()
	command -v dpkg-query >/dev/null || {
		say "not a Debian system: please see to the likes of $*"
		return 0
	}
	for package; do
		installed "$package" || missing+=("$package")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
		die "missing, and no sudo here; as root: apt-get install ${missing[*]}"
	fi
	say "installing ${missing[*]}"
	# Package lists may be absent or too old; the second try has fresh ones.
	if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null && apt_install "${missing[@]}"; then
		return 0
	fi
	as_root apt-get update -qq </dev/null >&2
	apt_install "${missing[@]}" || die "cannot install ${missing[*]}"
}

# configured DIR [ARG...] - makes DIR a build directory, once for each set of arguments.
configured() {
	local dir=$1 stamp
	shift
	stamp=$dir/configured-with
	[[ ! -e $top/config.status ]] ||
		die "there is a build in the source tree itself: run 'make distclean' in $top"
	[[ -x $top/configure ]] || "$top/autogen.sh" >&2
	mkdir -p "$dir"
	[[ -w $dir ]] || die "cannot write to $dir: made by another user? remove it or build elsewhere"
	if [[ ! -e $dir/Makefile || $(cat "$stamp" 2>/dev/null) != "$*" ]]; then
		(cd "$dir" && "$top/configure" --quiet "$@") >&2
		printf '%s\n' "$*" >"$stamp"
	fi
}

# build DIR [ARG...] - configures when needed, and makes everything.
build() {
	configured "$@"
	make -C "$1" --no-print-directory -j"$(nproc)" all >&2
}
