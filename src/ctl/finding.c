/* SPDX-License-Identifier: MIT */
#include "ctl/finding.h"

#include <inttypes.h>

#include "base/plural.h"

static void print_place(const struct place *place, FILE *out)
{
	fprintf(out, "%s:%" PRIu64 ": ", place->file, place->line);
}

static void print_count(uint64_t n, const char *noun, FILE *out)
{
	fprintf(out, "%" PRIu64 " %s%s", n, noun, PLURAL(n));
}

static void print_connection(const struct finding *f, FILE *out)
{
	fprintf(out, "connection %013" PRIx64 ": ", f->id);
}

/* ONE and MANY: what is wrong with one record, or with several. */
static void print_numbers(const struct finding *f, const char *one, const char *many, FILE *out)
{
	print_connection(f, out);
	if (f->first == f->last)
		fprintf(out, "record %" PRIu64 " %s", f->first, one);
	else
		fprintf(out, "records %" PRIu64 " to %" PRIu64 " %s", f->first, f->last, many);
}

/* Prints of TOTALS what differs from OTHER. */
static void print_totals(const struct payload_totals *totals, const struct payload_totals *other,
			 FILE *out)
{
	const char *comma = "";

	if (totals->messages != other->messages) {
		fputc(' ', out);
		print_count(totals->messages, "message", out);
		comma = ",";
	}
	if (totals->bytes != other->bytes) {
		fprintf(out, "%s ", comma);
		print_count(totals->bytes, "byte", out);
		comma = ",";
	}
	if (totals->crc != other->crc)
		fprintf(out, "%s crc32c %08" PRIx32, comma, totals->crc);
}

/* Prints what is wrong with a line. */
static void print_line(const struct finding *f, FILE *out)
{
	switch (f->kind) {
	case FINDING_NOT_A_RECORD:
		fputs("not a record (", out);
		print_count(f->bytes, "byte", out);
		fputc(')', out);
		break;
	case FINDING_ZEROS:
		print_count(f->bytes, "byte", out);
		fputs(" of zeros: a crash or another program left a hole here", out);
		break;
	case FINDING_EVENT:
		print_count(f->first, "event", out);
		fputs(" that this version of the log does not have; here is the first", out);
		break;
	case FINDING_NO_NEWLINE:
		fputs("the last line has no newline (", out);
		print_count(f->bytes, "byte", out);
		fputs("): it is being written, or was cut off", out);
		break;
	case FINDING_TORN:
		fputs("torn: a crash left ", out);
		print_count(f->bytes, "byte", out);
		fputs(" of a record here; echo-logd ended the line", out);
		break;
	case FINDING_TRUNCATED:
		fputs("torn: another program truncated the file here; its records are lost",
		      out);
		break;
	default:
		break;
	}
}

/* Prints what is wrong with a record. */
static void print_record(const struct finding *f, FILE *out)
{
	if (f->kind == FINDING_PEER) {
		print_connection(f, out);
		fputs("the peer differs from its first record", out);
		return;
	}
	if (f->kind == FINDING_PEER_NAME) {
		print_connection(f, out);
		fputs("the peer is not spelled as echo-logd spells it", out);
		return;
	}
	fprintf(out, "record %013" PRIx64 ".%" PRIu64 " ", f->id, f->first);
	switch (f->kind) {
	case FINDING_PAYLOAD:
		fputs("has a malformed payload, or one of another length than stated", out);
		break;
	case FINDING_FORM:
		fputs("has its payload in a form that echo-logd does not choose", out);
		break;
	case FINDING_DOUBLED:
		fputs("is doubled", out);
		break;
	case FINDING_NOT_OPENED:
		fputs(f->first == 0 ? "is not `open`" : "is `open`, which only record 0 can be",
		      out);
		break;
	case FINDING_PART:
		fputs("is part of a message that is not continued", out);
		break;
	default:
		break;
	}
}

void finding_print(const struct finding *f, FILE *out)
{
	if (f->place.line > 0)
		print_place(&f->place, out);
	switch (f->kind) {
	case FINDING_MISSING:
		print_numbers(f, "is missing", "are missing", out);
		break;
	case FINDING_AFTER_CLOSE:
		print_numbers(f, "comes after `close`", "come after `close`", out);
		break;
	case FINDING_TOTALS:
		print_connection(f, out);
		fputs("`close` says", out);
		print_totals(&f->claimed, &f->found, out);
		fputs("; its records have", out);
		print_totals(&f->found, &f->claimed, out);
		break;
	case FINDING_NOT_A_RECORD:
	case FINDING_ZEROS:
	case FINDING_EVENT:
	case FINDING_NO_NEWLINE:
	case FINDING_TORN:
	case FINDING_TRUNCATED:
		print_line(f, out);
		break;
	default:
		print_record(f, out);
		break;
	}
	fputc('\n', out);
}
