/* SPDX-License-Identifier: MIT */
/*
 * The characters of a configuration: which are allowed in a line or a value,
 * and how a mistake shows them.  Pure; any process may call it.
 */
#ifndef ECHO_LOGD_CONFIG_TEXT_H
#define ECHO_LOGD_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether TEXT has a control byte other than a tab. */
bool config_text_has_control(const char *text, size_t len);

/*
 * Whether TEXT has a character that looks like a blank or like nothing, but
 * is neither a blank nor a tab: a no-break space, a word joiner or a
 * byte-order mark, for example.  Editors and web pages add them unseen.
 */
bool config_text_has_invisible(const char *text, size_t len);

/*
 * Escapes TEXT, so that a terminal can show it: as escape() with ESCAPE_C
 * does, and each byte of an invisible character as \xNN.  Writes at most SIZE
 * bytes with the NUL; a text that does not fit is cut and ends with "...".
 */
void config_text_show(char *buf, size_t size, const char *text, size_t len);

#endif
