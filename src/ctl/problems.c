/* SPDX-License-Identifier: MIT */
#include "ctl/problems.h"

#include <ctype.h>
#include <string.h>

#include "format/escape.h"
#include "ipc/shortage.h"

static void add(struct problems *problems, const char *name, const char *text, const char *reason)
{
	struct problem *problem = &problems->problem[problems->n++];

	problem->name = name;
	problem->text = text;
	snprintf(problem->reason, sizeof(problem->reason), "%s", reason);
}

void problems_read(const struct scoreboard *board, int log_errno, struct problems *ret_problems)
{
	static const char *const shortage_names[N_SHORTAGES] = {
		[SHORTAGE_ACCEPT] = "accept-shortage",
		[SHORTAGE_FORK] = "fork-shortage",
		[SHORTAGE_WORK] = "work-shortage",
	};
	char words[sizeof(board->reload_words)];

	ret_problems->n = 0;
	if (log_errno != 0)
		add(ret_problems, "log-stalled", NULL, strerror(log_errno));
	if (atomic_load(&board->limit_reached))
		add(ret_problems, "message-limit", NULL, "new messages are echoed but not saved");
	if (atomic_load(&board->reload_refused)) {
		/* The scoreboard may be damaged. */
		memcpy(words, board->reload_words, sizeof(words));
		words[sizeof(words) - 1] = '\0';
		add(ret_problems, "reload-refused", "the last reload was refused", words);
	}
	for (enum shortage_kind kind = 0; kind < N_SHORTAGES; kind++)
		if (shortage_lasts(board, kind))
			add(ret_problems, shortage_names[kind], shortage_words(kind),
			    strerror(atomic_load(&board->shortages[kind].error)));
}

/* Control characters could change the state of a terminal. */
static void print_harmless(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc(isprint((unsigned char)*text) ? *text : '?', out);
}

void problems_print(const struct problems *problems, FILE *out)
{
	const struct problem *end = problems->problem + problems->n;

	for (const struct problem *p = problems->problem; p < end; p++) {
		if (!p->text)
			continue;
		fprintf(out, "problem        %s: ", p->text);
		print_harmless(p->reason, out);
		fputc('\n', out);
	}
}

/* Bytes that are not UTF-8 become question marks. */
static void print_json_string(const char *text, FILE *out)
{
	size_t len = strlen(text);

	fputc('"', out);
	while (len > 0) {
		char piece[512];
		size_t taken, n;

		n = escape(ESCAPE_JSON, piece, sizeof(piece), text, len, &taken, NULL);

		fwrite(piece, 1, n, out);
		if (taken == 0) {
			fputc('?', out);
			taken = 1;
		}
		text += taken;
		len -= taken;
	}
	fputc('"', out);
}

void problems_print_json(const struct problems *problems, FILE *out)
{
	fputc('[', out);
	for (unsigned i = 0; i < problems->n; i++) {
		fprintf(out, "%s{\"problem\":\"%s\",\"reason\":", i > 0 ? "," : "",
			problems->problem[i].name);
		print_json_string(problems->problem[i].reason, out);
		fputc('}', out);
	}
	fputc(']', out);
}
