/* SPDX-License-Identifier: MIT */
/* The right number in a message: "%u client%s" is 1 client, 2 clients.  Any process. */
#ifndef ECHO_LOGD_PLURAL_H
#define ECHO_LOGD_PLURAL_H

#define PLURAL(n) ((n) == 1 ? "" : "s")

#endif
