# Where things go.

# ECHO_LOGD_EXPAND(VARIABLE, VALUE)
# Sets the shell VARIABLE to VALUE without references to other directories.
# Only good once prefix is no longer NONE.
AC_DEFUN([ECHO_LOGD_EXPAND], [
	$1=$2
	AS_IF([test "$exec_prefix" = NONE], [exec_prefix='${prefix}'])
	while :; do
		AS_CASE([$[$1]], [*'${'*], [eval "$1=\"$[$1]\""], [break])
	done
])

# ECHO_LOGD_DIRS
# Under /usr, given or by default, /etc and /var are the system's; any other
# prefix holds everything.  A directory that was given is never touched.
AC_DEFUN([ECHO_LOGD_DIRS], [
	AS_IF([test "$prefix" = NONE], [prefix="$ac_default_prefix"])
	AS_IF([test "$prefix" = /usr], [
		AS_IF([test "$sysconfdir" = '${prefix}/etc'], [sysconfdir=/etc])
		AS_IF([test "$localstatedir" = '${prefix}/var'], [localstatedir=/var])
		AS_IF([test "$runstatedir" = '${localstatedir}/run'], [runstatedir=/run])
	])
	AC_SUBST([config_file], ['${sysconfdir}/echo-logd.conf'])
	AC_SUBST([log_dir], ['${localstatedir}/log/echo-logd'])
	AC_SUBST([state_dir], ['${localstatedir}/lib/echo-logd'])
	AC_SUBST([runtime_dir], ['${runstatedir}/echo-logd'])
	# For make to expand: autoconf's directories refer to each other to the end.
	AC_SUBST([ECHO_LOGD_PATHS], ["dnl
-DECHO_LOGD_CONFIG_FILE='\"\$(config_file)\"' dnl
-DECHO_LOGD_LOG_DIR='\"\$(log_dir)\"' dnl
-DECHO_LOGD_STATE_DIR='\"\$(state_dir)\"' dnl
-DECHO_LOGD_RUNTIME_DIR='\"\$(runtime_dir)\"' dnl
-DECHO_LOGD_SBINDIR='\"\$(sbindir)\"'"])
	# LogsDirectory= and its like know /var and /run only.
	ECHO_LOGD_EXPAND([echo_logd_dirs], ["$localstatedir $runstatedir"])
	AM_CONDITIONAL([DIRS_BY_UNIT], [test "$echo_logd_dirs" = "/var /run"])
])

# ECHO_LOGD_SYSTEMD_DIR(NAME, DIRECTORY-BELOW-LIB, WHAT)
# Adds --with-NAME.  Under /usr systemd.pc is asked; under another prefix the
# files stay inside it, so that `make install` needs no rights elsewhere
# (systemd finds them by itself under /usr/local).
AC_DEFUN([ECHO_LOGD_SYSTEMD_DIR], [
	AC_ARG_WITH([$1],
		[AS_HELP_STRING([--with-$1=DIR], [directory for $3])],
		[], [with_$1=])
	AS_CASE([$with_$1],
		[yes|no], [AC_MSG_ERROR([--with-$1 needs a directory])])
	AS_IF([test -z "$with_$1" && test "$prefix" = /usr],
		[with_$1=`$PKG_CONFIG --variable=$1 systemd 2>/dev/null`])
	AS_IF([test -z "$with_$1"], [with_$1='${prefix}/lib/$2'])
	AC_SUBST([$1], [$with_$1])
])
