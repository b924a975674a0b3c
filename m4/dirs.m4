# The directories of the installation.

# ECHO_LOGD_EXPAND(VARIABLE, VALUE)
# Sets the shell VARIABLE to VALUE without references to other directories.
# Use it only when prefix is no longer NONE.
AC_DEFUN([ECHO_LOGD_EXPAND], [
	$1=$2
	AS_IF([test "$exec_prefix" = NONE], [exec_prefix='${prefix}'])
	while :; do
		AS_CASE([$[$1]], [*'${'*], [eval "$1=\"$[$1]\""], [break])
	done
])

# ECHO_LOGD_DIRS
# If the prefix is /usr, the default for files below /etc and /var is the system's /etc and /var.
# Any other prefix holds all files.  A directory that the user has given is never changed.
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
	# make expands these, because directories refer to each other until configure has ended.
	AC_SUBST([ECHO_LOGD_PATHS], ["dnl
-DECHO_LOGD_CONFIG_FILE='\"\$(config_file)\"' dnl
-DECHO_LOGD_LOG_DIR='\"\$(log_dir)\"' dnl
-DECHO_LOGD_STATE_DIR='\"\$(state_dir)\"' dnl
-DECHO_LOGD_RUNTIME_DIR='\"\$(runtime_dir)\"' dnl
-DECHO_LOGD_SBINDIR='\"\$(sbindir)\"'"])
	# In a unit, LogsDirectory= and similar settings mean directories below /var and /run.
	ECHO_LOGD_EXPAND([echo_logd_dirs], ["$localstatedir $runstatedir"])
	AM_CONDITIONAL([DIRS_BY_UNIT], [test "$echo_logd_dirs" = "/var /run"])
])

# ECHO_LOGD_SYSTEMD_DIR(NAME, DIRECTORY-BELOW-LIB, WHAT)
# Adds --with-NAME.  If the prefix is /usr, systemd.pc says where the files go.  Otherwise they stay
# below the prefix, so that `make install` needs no rights elsewhere.  systemd also looks below
# /usr/local.
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
