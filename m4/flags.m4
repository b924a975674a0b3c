# The project's compiler and linker flags, each tried with the real compiler.

# ECHO_LOGD_TRY_CFLAG(FLAG, [IF-REFUSED])
# Adds FLAG to ECHO_LOGD_CFLAGS if the compiler accepts it without a warning.
AC_DEFUN([ECHO_LOGD_TRY_CFLAG], [
	AS_VAR_PUSHDEF([cache], [echo_logd_cv_cflag_$1])
	AC_CACHE_CHECK([whether $CC accepts $1], [cache], [
		echo_logd_saved="$CFLAGS"
		CFLAGS="$CFLAGS -Werror $1"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cache], [yes])],
			[AS_VAR_SET([cache], [no])])
		CFLAGS="$echo_logd_saved"])
	AS_VAR_IF([cache], [yes], [ECHO_LOGD_CFLAGS="$ECHO_LOGD_CFLAGS $1"], [$2])
	AS_VAR_POPDEF([cache])
])

# ECHO_LOGD_TRY_LDFLAG(FLAG, [IF-REFUSED])
# The same for linking; the flag is given to the compiler driver.
AC_DEFUN([ECHO_LOGD_TRY_LDFLAG], [
	AS_VAR_PUSHDEF([cache], [echo_logd_cv_ldflag_$1])
	AC_CACHE_CHECK([whether $CC links with $1], [cache], [
		echo_logd_saved_cflags="$CFLAGS"
		echo_logd_saved_ldflags="$LDFLAGS"
		CFLAGS="$CFLAGS $ECHO_LOGD_CFLAGS -Werror"
		LDFLAGS="$LDFLAGS $1"
		AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cache], [yes])],
			[AS_VAR_SET([cache], [no])])
		CFLAGS="$echo_logd_saved_cflags"
		LDFLAGS="$echo_logd_saved_ldflags"])
	AS_VAR_IF([cache], [yes], [ECHO_LOGD_LDFLAGS="$ECHO_LOGD_LDFLAGS $1"], [$2])
	AS_VAR_POPDEF([cache])
])

# _FORTIFY_SOURCE is not defined without optimisation, where it only makes the compiler warn; if the
# user has chosen a level; or with sanitizers, because it hides errors from them.
AC_DEFUN([_ECHO_LOGD_FORTIFY], [
	AC_MSG_CHECKING([whether to define _FORTIFY_SOURCE])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
		#if !defined __OPTIMIZE__ || defined _FORTIFY_SOURCE
		#error "leave it alone"
		#endif
		]])], [echo_logd_fortify=yes], [echo_logd_fortify=no])
	AS_IF([test "$echo_logd_fortify" = yes],
		[ECHO_LOGD_CPPFLAGS="$ECHO_LOGD_CPPFLAGS -D_FORTIFY_SOURCE=2"])
	AC_MSG_RESULT([$echo_logd_fortify])
])

AC_DEFUN([_ECHO_LOGD_HARDENING], [
	m4_map_args([ECHO_LOGD_TRY_CFLAG], [-fstack-protector-strong],
		[-fstack-clash-protection], [-fcf-protection], [-fno-strict-overflow], [-fPIE])
	m4_map_args([ECHO_LOGD_TRY_LDFLAG], [-pie], [-Wl,-z,relro], [-Wl,-z,now],
		[-Wl,-z,noexecstack])
	AS_IF([test "$enable_sanitizers" = no], [_ECHO_LOGD_FORTIFY])
])

AC_DEFUN([_ECHO_LOGD_SANITIZERS], [
	ECHO_LOGD_TRY_CFLAG([-fsanitize=address,undefined],
		[AC_MSG_ERROR([$CC has no sanitizers])])
	m4_map_args([ECHO_LOGD_TRY_CFLAG], [-fno-sanitize-recover=all], [-fno-omit-frame-pointer])
	ECHO_LOGD_TRY_LDFLAG([-fsanitize=address,undefined],
		[AC_MSG_ERROR([the sanitizers' libraries are missing])])
])

# This compiles into all code what libFuzzer needs to see which parts of it run.  Only the targets
# are linked with libFuzzer, which has its own main() (tests/Makefile.am).
AC_DEFUN([_ECHO_LOGD_FUZZERS], [
	AC_CACHE_CHECK([whether $CC builds fuzzers], [echo_logd_cv_fuzzers], [
		echo_logd_saved="$CFLAGS"
		CFLAGS="$CFLAGS -fsanitize=fuzzer,address,undefined"
		AC_LINK_IFELSE([AC_LANG_SOURCE([[
			int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size);
			int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size)
			{
				return data && size ? 0 : 0;
			}
			]])], [echo_logd_cv_fuzzers=yes], [echo_logd_cv_fuzzers=no])
		CFLAGS="$echo_logd_saved"])
	AS_IF([test "$echo_logd_cv_fuzzers" = no],
		[AC_MSG_ERROR(m4_normalize([--enable-fuzzers needs libFuzzer, which $CC does not
			have; on Debian: apt-get install clang libclang-rt-14-dev,
			then configure CC=clang]))])
	enable_sanitizers=yes
	ECHO_LOGD_TRY_CFLAG([-fsanitize=fuzzer-no-link])
])

# ECHO_LOGD_FLAGS
# Sets ECHO_LOGD_CPPFLAGS, ECHO_LOGD_CFLAGS and ECHO_LOGD_LDFLAGS.
AC_DEFUN([ECHO_LOGD_FLAGS], [
	AC_ARG_ENABLE([hardening],
		[AS_HELP_STRING([--disable-hardening], [leave out the hardening flags])],
		[], [enable_hardening=yes])
	AC_ARG_ENABLE([sanitizers],
		[AS_HELP_STRING([--enable-sanitizers],
			[find memory errors and undefined behaviour at run time])],
		[], [enable_sanitizers=no])
	AC_ARG_ENABLE([fuzzers],
		[AS_HELP_STRING([--enable-fuzzers],
			[build tests/fuzz for libFuzzer, everything with sanitizers])],
		[], [enable_fuzzers=no])
	AM_CONDITIONAL([FUZZERS], [test "$enable_fuzzers" != no])
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
		[], [enable_werror=no])

	ECHO_LOGD_CPPFLAGS="-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64"
	ECHO_LOGD_CFLAGS=
	ECHO_LOGD_LDFLAGS=
	ECHO_LOGD_TRY_CFLAG([-std=gnu17],
		[AC_MSG_ERROR(m4_normalize([echo-logd is written in C17 with GNU extensions;
			$CC does not accept -std=gnu17]))])
	m4_map_args([ECHO_LOGD_TRY_CFLAG], [-Wall], [-Wextra], [-Wshadow], [-Wstrict-prototypes],
		[-Wmissing-prototypes], [-Wold-style-definition], [-Wpointer-arith], [-Wundef],
		[-Wvla], [-Wformat=2])
	AS_IF([test "$enable_fuzzers" != no], [_ECHO_LOGD_FUZZERS])
	AS_IF([test "$enable_sanitizers" != no], [_ECHO_LOGD_SANITIZERS])
	AS_IF([test "$enable_hardening" != no], [_ECHO_LOGD_HARDENING])
	AS_IF([test "$enable_werror" != no], [ECHO_LOGD_CFLAGS="$ECHO_LOGD_CFLAGS -Werror"])
	AC_SUBST([ECHO_LOGD_CPPFLAGS])
	AC_SUBST([ECHO_LOGD_CFLAGS])
	AC_SUBST([ECHO_LOGD_LDFLAGS])
])
