/* SPDX-License-Identifier: MIT */
#include "config/config_load.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <string.h>

#include "config/config_file.h"
#include "config/config_host.h"
#include "config/config_keys.h"
#include "config/config_rules.h"
#include "config/config_text.h"
#include "config/config_value.h"

/* inih has room for 200 bytes with newline and NUL, and takes the rest for another line. */
#define LINE_MAX_BYTES 198
#define FILE_MAX_BYTES 65536
#define MAX_MISTAKES 256
#define SHOWN_BYTES 160	/* of a quotation in a mistake, including escapes */

/* The source of a value, by precedence: 0 default, 1... line of the file, then overrides. */
#define RANK_DEFAULT 0u
#define RANK_OVERRIDE (FILE_MAX_BYTES + 2u)

struct loader {
	char file[1024];	/* its name, escaped */
	const char *const *overrides;
	struct config config;	/* copied to the caller only if there are no mistakes */
	struct diagnostics *diagnostics;
	struct {
		unsigned rank;
		size_t start;	/* in diagnostics->text */
	} mistakes[MAX_MISTAKES];
	size_t n_mistakes;
	struct {
		unsigned rank;
		bool bad;
	} seen[CONFIG_MAX_KEYS];

	char section[LINE_MAX_BYTES + 1];	/* "" before the first header */
	bool section_unknown;			/* its keys are not reported */
	unsigned line;
	size_t len, at;
	char text[FILE_MAX_BYTES + 1];
};

/* Sorts by rank, since the rules between keys are checked last but belong to earlier lines. */
static void insert_mistake(struct loader *l, unsigned rank, const char *message, size_t len)
{
	struct diagnostics *d = l->diagnostics;
	size_t i = l->n_mistakes, start = d->len;

	if (d->omitted > 0 || i == MAX_MISTAKES || len >= sizeof(d->text) - d->len) {
		d->omitted++;
		return;
	}
	for (; i > 0 && l->mistakes[i - 1].rank > rank; i--) {
		start = l->mistakes[i - 1].start;
		l->mistakes[i] = l->mistakes[i - 1];
		l->mistakes[i].start += len;
	}
	memmove(d->text + start + len, d->text + start, d->len - start);
	memcpy(d->text + start, message, len);
	d->len += len;
	d->text[d->len] = '\0';
	l->mistakes[i].rank = rank;
	l->mistakes[i].start = start;
	l->n_mistakes++;
}

/* SUBJECT is "section.key", or NULL if the mistake is not about a key. */
__attribute__((format(printf, 4, 5)))
static void mistake(struct loader *l, unsigned rank, const char *subject, const char *format, ...)
{
	char message[2560], what[1024], where[SHOWN_BYTES];
	va_list ap;
	int n;

	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	if (rank >= RANK_OVERRIDE) {
		const char *override = l->overrides[rank - RANK_OVERRIDE];

		config_text_show(where, sizeof(where), override, strlen(override));
		n = snprintf(message, sizeof(message), "-o %s: %s\n", where, what);
	} else if (rank == RANK_DEFAULT) {
		n = snprintf(message, sizeof(message), "%.900s: %s\n", l->file, what);
	} else {
		n = snprintf(message, sizeof(message), "%.900s:%u: %s%s%s\n", l->file, rank,
			     subject ? subject : "", subject ? ": " : "", what);
	}
	insert_mistake(l, rank, message, (size_t)n);	/* n < sizeof(message) */
}

static size_t trim(const char **text, size_t len)
{
	for (; len > 0 && strchr(" \t", (*text)[0]); len--)
		++*text;
	for (; len > 0 && strchr(" \t", (*text)[len - 1]); len--)
		;
	return len;
}

static void refuse_unknown_section(struct loader *l, unsigned rank, const char *name)
{
	const char *guess = config_section_guess(name);
	char shown[SHOWN_BYTES];

	config_text_show(shown, sizeof(shown), name, strlen(name));
	mistake(l, rank, NULL, "unknown section [%s]; %s[%s]%s", shown,
		guess ? "did you mean " : "there are [server] and ", guess ? guess : "log",
		guess ? "?" : "");
}

static void refuse_unknown_key(struct loader *l, unsigned rank, const char *section,
			       const char *name)
{
	const struct config_key *guess = config_key_guess(section, name);
	char shown[SHOWN_BYTES], subject[2 * SHOWN_BYTES];

	config_text_show(shown, sizeof(shown), name, strlen(name));
	snprintf(subject, sizeof(subject), "%s.%s", section, shown);
	mistake(l, rank, subject, "unknown key%s%s%s%s", guess ? "; did you mean " : "",
		guess ? guess->section : "", guess ? "." : "", guess ? guess->name : "");
}

static void set_key(struct loader *l, unsigned rank, const struct config_key *key,
		    const char *value)
{
	char subject[64], shown[SHOWN_BYTES], allowed[256];
	struct config scratch = l->config;
	const char *hint;
	int r;

	l->seen[key - config_keys].rank = rank;
	r = config_value_set(key, &scratch, value, &hint);
	/* Only -o can give a longer one, and --dump-config must be able to write it. */
	if (r == 0 && strlen(key->name) + strlen(" = ") +
			      config_value_format(key, &scratch, NULL, 0) > LINE_MAX_BYTES) {
		hint = "it is longer than a line of the file may be";
		r = -EINVAL;
	}
	if (config_text_has_invisible(value, strlen(value))) {
		hint = "it has an invisible character, written here as \\xNN";
		r = -EINVAL;
	}
	l->seen[key - config_keys].bad = r < 0;
	if (r == 0) {
		l->config = scratch;
		return;
	}
	snprintf(subject, sizeof(subject), "%s.%s", key->section, key->name);
	config_text_show(shown, sizeof(shown), value, strlen(value));
	config_value_describe(key, allowed, sizeof(allowed));
	mistake(l, rank, subject, "bad value \"%s\"%s%s; allowed: %s", shown, hint ? ": " : "",
		hint ? hint : "", allowed);
}

static int handle_key(void *user, const char *section, const char *name, const char *value)
{
	struct loader *l = user;
	const struct config_key *key = config_key_find(l->section, name);

	(void)section;	/* inih truncates it */
	if (!key)
		refuse_unknown_key(l, l->line, l->section, name);
	else if (l->seen[key - config_keys].rank != RANK_DEFAULT)
		mistake(l, l->line, NULL, "%s.%s: given again, it is already in line %u",
			key->section, key->name, l->seen[key - config_keys].rank);
	else
		set_key(l, l->line, key, value);
	return 1;
}

/* Returns whether the line is valid, so that inih may read it. */
static bool check_header(struct loader *l, const char *line, size_t len)
{
	const char *name = line + 1, *end = memchr(line, ']', len);
	const char *rest = end ? end + 1 : line + len;
	size_t name_len = (end ? (size_t)(end - line) : len) - 1;
	size_t rest_len = trim(&rest, (size_t)(line + len - rest));

	if (!end)
		name_len = trim(&name, name_len);
	snprintf(l->section, sizeof(l->section), "%.*s", (int)name_len, name);
	l->section_unknown = !config_section_exists(l->section);
	if (!end) {
		mistake(l, l->line, NULL, "the section has no closing ]");
		return false;
	}
	if (l->section_unknown) {
		refuse_unknown_section(l, l->line, l->section);
		return false;
	}
	if (rest_len > 0) {
		mistake(l, l->line, NULL, "text after the ]; a comment needs a line of its own");
		return false;
	}
	return true;
}

/* inih ends a value at " ;".  " #" is refused too: many files use it for comments. */
static bool has_inline_comment(const char *text, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (strchr(";#", text[i]) && strchr(" \t", text[i - 1]))
			return true;
	return false;
}

static void show_subject(const struct loader *l, const char *line, size_t len, char *subject,
			 size_t size)
{
	char section[SHOWN_BYTES], key[SHOWN_BYTES];
	const char *equals = memchr(line, '=', len);

	len = trim(&line, equals ? (size_t)(equals - line) : len);
	config_text_show(section, sizeof(section), l->section, strlen(l->section));
	config_text_show(key, sizeof(key), line, len);
	snprintf(subject, size, "%s%s%s", section, *section ? "." : "", key);
}

static bool check_key(struct loader *l, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len), *colon = memchr(line, ':', len);
	const char *value = equals ? equals + 1 : line + len, *wrong = NULL;
	char subject[2 * SHOWN_BYTES + 2];

	show_subject(l, line, len, subject, sizeof(subject));
	if (l->section_unknown)
		return false;
	if (!equals || (colon && colon < equals))
		wrong = "no = after the key; a line is [section], key = value or # comment";
	else if (equals == line)
		wrong = "no key before the =";
	else if (!*l->section)
		wrong = "a key needs a section above it: [server] or [log]";
	else if (has_inline_comment(line, len))
		wrong = "a comment needs a line of its own";
	else if (trim(&value, (size_t)(line + len - value)) == 0)
		wrong = "no value after the =; put # before the key for the default";
	if (wrong)
		mistake(l, l->line, subject, "%s", wrong);
	return !wrong;
}

static bool check_line(struct loader *l, const char *line, size_t len, size_t room)
{
	const char *start = line, *wrong = NULL;
	size_t rest = trim(&start, len);
	bool comment = rest > 0 && strchr("#;", *start), header = rest > 0 && *start == '[';
	char subject[2 * SHOWN_BYTES + 2];

	if (config_text_has_control(line, len))
		wrong = "control byte in the line; only text and tabs are allowed";
	else if (len > LINE_MAX_BYTES || len > room)
		wrong = "the line is too long; at most 198 bytes are allowed";
	else if (rest > 0 && !comment && start != line)
		wrong = "blanks before the text; a line begins at its first column";
	if (wrong) {
		show_subject(l, line, len, subject, sizeof(subject));
		mistake(l, l->line, comment || header ? NULL : subject, "%s", wrong);
		/* It is unknown to which section the following keys belong. */
		l->section_unknown |= header;
		return false;
	}
	if (rest == 0 || comment)
		return true;
	return header ? check_header(l, line, len) : check_key(l, line, len);
}

/* An ini_reader.  Gives inih an empty line instead of an invalid one. */
static char *read_line(char *buf, int size, void *stream)
{
	struct loader *l = stream;
	const char *line = l->text + l->at;
	size_t left = l->len - l->at, len;
	const char *end = memchr(line, '\n', left);

	if (left == 0)
		return NULL;
	len = end ? (size_t)(end - line) : left;
	l->at += len + (end ? 1 : 0);
	l->line++;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (!check_line(l, line, len, (size_t)size - sizeof("\n")))
		len = 0;
	memcpy(buf, line, len);
	strcpy(buf + len, "\n");
	return buf;
}

static int read_keys(struct loader *l, const char *path)
{
	static const char bom[] = "\xef\xbb\xbf";
	int r = config_file_read(path, l->text, sizeof(l->text), &l->len);
	char why[256];

	if (r < 0) {
		config_host_explain_unreadable(r, why, sizeof(why));
		mistake(l, RANK_DEFAULT, NULL, "%s; needed: a regular file of at most %d bytes",
			why, FILE_MAX_BYTES);
		return r;
	}
	if (l->len >= strlen(bom) && memcmp(l->text, bom, strlen(bom)) == 0)
		l->at = strlen(bom);
	r = ini_parse_stream(read_line, l, handle_key, l);
	if (r != 0 && l->n_mistakes == 0)
		mistake(l, r > 0 ? (unsigned)r : RANK_DEFAULT, NULL, "not understood");
	return 0;
}

static void apply_override(struct loader *l, unsigned rank, const char *override)
{
	char copy[PATH_MAX], *name, *value;
	const struct config_key *key;
	const char *trimmed;
	size_t len;

	snprintf(copy, sizeof(copy), "%s", override);	/* a truncated one is refused as too long */
	name = strchr(copy, '.');
	value = strchr(copy, '=');
	if (!name || !value || name == copy || value <= name + 1) {
		mistake(l, rank, NULL, "not of the form section.key=value");
		return;
	}
	if (config_text_has_control(copy, strlen(copy)) ||
	    has_inline_comment(value, strlen(value))) {
		mistake(l, rank, NULL, "no line of the file could say this");
		return;
	}
	*name++ = *value++ = '\0';
	trimmed = value;
	len = trim(&trimmed, strlen(value));
	value[(size_t)(trimmed - value) + len] = '\0';
	key = config_key_find(copy, name);
	if (key)
		set_key(l, rank, key, trimmed);
	else if (config_section_exists(copy))
		refuse_unknown_key(l, rank, copy, name);
	else
		refuse_unknown_section(l, rank, copy);
}

/* Reports the key that was set last, since setting it broke the rule. */
static void refuse_together(struct loader *l, const char *section, const char *const *names,
			    const char *wrong)
{
	const struct config_key *blamed = NULL;
	unsigned rank = RANK_DEFAULT;
	char value[64];

	for (; *names; names++) {
		const struct config_key *key = config_key_find(section, *names);
		unsigned key_rank = l->seen[key - config_keys].rank;

		if (l->seen[key - config_keys].bad)
			return;
		if (!blamed || key_rank > rank) {
			blamed = key;
			rank = key_rank;
		}
	}
	config_value_format(blamed, &l->config, value, sizeof(value));
	mistake(l, rank, NULL, "%s.%s: bad value \"%s\": %s", section, blamed->name, value,
		wrong);
}

static void check_together(struct loader *l)
{
	char wrong[256];

	for (size_t i = 0; i < config_n_rules; i++)
		if (config_rules[i].is_broken(&l->config, wrong, sizeof(wrong)))
			refuse_together(l, config_rules[i].section, config_rules[i].names, wrong);
}

int config_load(const char *path, const char *const *overrides, size_t n_overrides,
		struct config *ret_config, struct diagnostics *diagnostics)
{
	struct loader l = {.diagnostics = diagnostics, .overrides = overrides};
	int r;

	diagnostics->text[0] = '\0';
	diagnostics->len = diagnostics->omitted = 0;
	config_text_show(l.file, sizeof(l.file), path, strlen(path));
	config_set_defaults(&l.config);
	r = read_keys(&l, path);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n_overrides; i++)
		apply_override(&l, RANK_OVERRIDE + (unsigned)i, overrides[i]);
	check_together(&l);
	if (l.n_mistakes > 0)
		return -EINVAL;
	for (size_t i = 0; i < config_n_keys; i++)
		diagnostics->lines[i] = l.seen[i].rank < RANK_OVERRIDE ? l.seen[i].rank : 0;
	*ret_config = l.config;
	return 0;
}
