/* SPDX-License-Identifier: MIT */
#include "config/config_mistakes.h"

#include "base/plural.h"

void config_print_mistakes(const struct diagnostics *d, FILE *out)
{
	fputs(d->text, out);
	if (d->omitted > 0)
		fprintf(out, "... and %u more mistake%s\n", d->omitted, PLURAL(d->omitted));
}
