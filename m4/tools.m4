# Libraries and programs; what is missing is named as Debian names it.

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

# The system's Python, where the distribution's modules are, comes before
# one that somebody put first on the PATH.  Only the tests need it.
AC_DEFUN([ECHO_LOGD_PYTHON], [
	AC_ARG_VAR([PYTHON], [Python 3 that runs the tests, with pytest])
	AC_PATH_PROG([PYTHON], [python3], [python3], [/usr/bin$PATH_SEPARATOR$PATH])
])
