# Libraries and programs.  If one is missing, the message names the Debian package.

AC_DEFUN([ECHO_LOGD_PKG_CONFIG], [
	PKG_PROG_PKG_CONFIG
	AS_IF([test -z "$PKG_CONFIG"],
		[AC_MSG_ERROR([pkg-config is missing; on Debian: apt-get install pkg-config])])
])

# ECHO_LOGD_LIBRARY(VARIABLE, PKG-CONFIG-EXPRESSION, DEBIAN-PACKAGE)
AC_DEFUN([ECHO_LOGD_LIBRARY], [
	PKG_CHECK_MODULES([$1], [$2], [],
		[AC_MSG_ERROR([$2 is missing ($[$1]_PKG_ERRORS); on Debian: apt-get install $3])])
])

# /usr/bin is searched first: the system's Python finds the modules of the distribution.  Only the
# tests need Python.
AC_DEFUN([ECHO_LOGD_PYTHON], [
	AC_ARG_VAR([PYTHON], [Python 3 that runs the tests, with pytest])
	AC_PATH_PROG([PYTHON], [python3], [python3], [/usr/bin$PATH_SEPARATOR$PATH])
])
