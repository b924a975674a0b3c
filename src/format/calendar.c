/* SPDX-License-Identifier: MIT */
#include "format/calendar.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define DAY_SECONDS 86400

static bool is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of January; YEAR is at least 1970. */
static unsigned days_before_year(unsigned year)
{
	unsigned last = year - 1;

	/* 477 leap days came before 1970. */
	return (year - 1970) * 365 + (last / 4 - last / 100 + last / 400 - 477);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

static void put_digits(char *out, unsigned value, unsigned digits)
{
	while (digits-- > 0) {
		out[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

void calendar_write(char *out, uint64_t second)
{
	static const char template[CALENDAR_LEN + 1] = "0000-00-00T00:00:00";
	unsigned day = (unsigned)(second / DAY_SECONDS), rest = (unsigned)(second % DAY_SECONDS);
	unsigned year = 1970 + day / 366, month = 1;

	/* The division rounds down by one year in about 500. */
	while (day >= days_before_year(year + 1))
		year++;
	day -= days_before_year(year);
	while (day >= days_in_month(year, month))
		day -= days_in_month(year, month++);

	for (size_t i = 0; i < CALENDAR_LEN; i++)
		out[i] = template[i];
	put_digits(out, year, 4);
	put_digits(out + 5, month, 2);
	put_digits(out + 8, day + 1, 2);
	put_digits(out + 11, rest / 3600, 2);
	put_digits(out + 14, rest / 60 % 60, 2);
	put_digits(out + 17, rest % 60, 2);
}

/* Reads digits and one separator behind them (0: none). */
static bool get_digits(const char **in, unsigned digits, char separator, unsigned *ret_value)
{
	unsigned value = 0;

	while (digits-- > 0) {
		unsigned digit = (unsigned)(*(*in)++ - '0');

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return separator == 0 || *(*in)++ == separator;
}

int calendar_read(const char *in, uint64_t *ret_second)
{
	unsigned year, month, day, hour, minute, second, days;

	if (!get_digits(&in, 4, '-', &year) || !get_digits(&in, 2, '-', &month) ||
	    !get_digits(&in, 2, 'T', &day) || !get_digits(&in, 2, ':', &hour) ||
	    !get_digits(&in, 2, ':', &minute) || !get_digits(&in, 2, 0, &second))
		return -EBADMSG;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return -EBADMSG;

	days = days_before_year(year) + day - 1;
	for (unsigned m = 1; m < month; m++)
		days += days_in_month(year, m);
	*ret_second = (uint64_t)days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
	return 0;
}
