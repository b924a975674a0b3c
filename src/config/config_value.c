/* SPDX-License-Identifier: MIT */
#include "config/config_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

struct unit {
	const char *name;
	uint64_t factor;
};

/* From the smallest to the largest; append_number() uses the last that divides the value. */
static const struct unit time_units[] = {
	{"ms", 1000},
	{"s", 1000000},
	{"m", UINT64_C(60) * 1000000},
	{"h", UINT64_C(3600) * 1000000},
	{"d", UINT64_C(86400) * 1000000},
};
static const struct unit size_units[] = {
	{"", 1},	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30},
};

/* Reads a numeric field of 8, 4 or 2 bytes. */
static uint64_t field_read(const struct config_key *key, const struct config *config)
{
	const char *field = (const char *)config + key->offset;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (key->size) {
	case sizeof(u64):
		memcpy(&u64, field, sizeof(u64));
		return u64;
	case sizeof(u32):
		memcpy(&u32, field, sizeof(u32));
		return u32;
	default:
		memcpy(&u16, field, sizeof(u16));
		return u16;
	}
}

static void field_write(const struct config_key *key, struct config *config, uint64_t value)
{
	char *field = (char *)config + key->offset;
	uint32_t u32 = (uint32_t)value;
	uint16_t u16 = (uint16_t)value;

	switch (key->size) {
	case sizeof(value):
		memcpy(field, &value, sizeof(value));
		break;
	case sizeof(u32):
		memcpy(field, &u32, sizeof(u32));
		break;
	default:
		memcpy(field, &u16, sizeof(u16));
	}
}

/* Not strtoull(3), which accepts blanks, signs and hexadecimal digits. */
static int parse_digits(const char **text, unsigned base, uint64_t *ret, const char **ret_hint)
{
	const char *p = *text;
	uint64_t n = 0;

	for (; *p >= '0' && *p < (char)('0' + base); p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (n > (UINT64_MAX - digit) / base)
			return -EINVAL;
		n = n * base + digit;
	}
	if (p == *text)
		return -EINVAL;
	if (base == 10 && p - *text > 1 && **text == '0') {
		*ret_hint = "a number does not begin with 0";
		return -EINVAL;
	}
	*text = p;
	*ret = n;
	return 0;
}

static int apply_unit(const struct unit *units, size_t n_units, const char *name, uint64_t *n)
{
	for (size_t i = 0; i < n_units; i++) {
		if (strcmp(units[i].name, name) != 0)
			continue;
		if (*n > UINT64_MAX / units[i].factor)
			return -EINVAL;
		*n *= units[i].factor;
		return 0;
	}
	return -EINVAL;
}

static int parse_number(const struct config_key *key, const char *text, uint64_t *ret,
			const char **ret_hint)
{
	int r = parse_digits(&text, 10, ret, ret_hint);

	if (r < 0)
		return r;
	if (key->type == KEY_TIME)
		r = apply_unit(time_units, N_ELEMENTS(time_units), *text ? text : "s", ret);
	else if (key->type == KEY_SIZE || key->type == KEY_FREE)
		r = apply_unit(size_units, N_ELEMENTS(size_units), text, ret);
	else if (*text)
		r = -EINVAL;
	if (r < 0)
		return r;
	if (*ret == 0 && key->zero)
		return 0;
	return *ret >= key->min && *ret <= key->max ? 0 : -EINVAL;
}

/* A size, or a percentage such as "5%". */
static int parse_free(const struct config_key *key, const char *text, uint64_t *ret,
		      const char **ret_hint)
{
	const char *p = text;

	if (!strchr(text, '%'))
		return parse_number(key, text, ret, ret_hint);
	if (parse_digits(&p, 10, ret, ret_hint) < 0 || strcmp(p, "%") != 0 || *ret < 1 || *ret > 99)
		return -EINVAL;
	*ret |= CONFIG_PERCENT;
	return 0;
}

static int parse_word(const struct config_key *key, const char *text, uint64_t *ret)
{
	for (*ret = 0; key->words[*ret]; ++*ret)
		if (strcmp(key->words[*ret], text) == 0)
			return 0;
	return -EINVAL;
}

static int parse_mode(const char *text, uint64_t *ret, const char **ret_hint)
{
	size_t len = strlen(text);

	if (len < 3 || len > 4 || parse_digits(&text, 8, ret, ret_hint) < 0 || *text)
		return -EINVAL;
	/*
	 * The next start must be able to read and write; the file holds client data, so never
	 * executable.
	 */
	return (*ret & 0600) == 0600 && !(*ret & ~UINT64_C(0664)) ? 0 : -EINVAL;
}

static int parse_path(const char *text, char *ret, size_t size, const char **ret_hint)
{
	const size_t room = 64;	/* for the suffix of a rotated file, in bytes */
	const char *slash = strrchr(text, '/');
	const char *file;
	size_t len = strlen(text);

	if (strcmp(text, CONFIG_STDOUT) == 0) {
		memcpy(ret, CONFIG_STDOUT, sizeof(CONFIG_STDOUT));
		return 0;
	}
	if (text[0] != '/') {
		*ret_hint = "it does not begin with /";
		return -EINVAL;
	}
	file = slash + 1;
	if (!*file || strcmp(file, ".") == 0 || strcmp(file, "..") == 0) {
		*ret_hint = "it names a directory";
		return -EINVAL;
	}
	if (len >= size - room || strlen(file) > NAME_MAX - room) {
		*ret_hint = "it is too long";
		return -EINVAL;
	}
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return -EINVAL;
	memcpy(ret, text, len + 1);
	return 0;
}

static int parse_scope(const struct in6_addr *in6, const char *scope, const char **ret_hint)
{
	if (IN6_IS_ADDR_V4MAPPED(in6)) {
		*ret_hint = "write an IPv4-mapped address as IPv4";
		return -EINVAL;
	}
	if (!IN6_IS_ADDR_LINKLOCAL(in6) == !scope) {
		size_t len = scope ? strlen(scope) : 1;

		/* The interface may be created later, so its existence is not checked here. */
		if (len > 0 && len < IF_NAMESIZE && (!scope || !strpbrk(scope, "/%\" \t")))
			return 0;
		*ret_hint = "the name of the interface is not valid";
	} else {
		*ret_hint = scope ? "only a link-local address takes an %interface" :
				    "a link-local address needs its %interface";
	}
	return -EINVAL;
}

/* Normalises the text, so that add_address() can compare addresses as strings. */
static int parse_address(const char *text, char ret[CONFIG_ADDRESS_SIZE], const char **ret_hint)
{
	char host[CONFIG_ADDRESS_SIZE], *scope;
	struct in6_addr in6;
	struct in_addr in;
	size_t len;

	if (inet_pton(AF_INET, text, &in) == 1)
		return inet_ntop(AF_INET, &in, ret, CONFIG_ADDRESS_SIZE) ? 0 : -EINVAL;
	if (snprintf(host, sizeof(host), "%s", text) >= (int)sizeof(host))
		return -EINVAL;
	scope = strchr(host, '%');
	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, host, &in6) != 1) {
		if (strpbrk(text, "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ") && !scope)
			*ret_hint = "names are not looked up, give the address as a number";
		else if (text[0] == '[')
			*ret_hint = "write an address without brackets";
		return -EINVAL;
	}
	if (parse_scope(&in6, scope, ret_hint) < 0)
		return -EINVAL;
	inet_ntop(AF_INET6, &in6, ret, INET6_ADDRSTRLEN);
	len = strlen(ret);
	if (scope)
		snprintf(ret + len, CONFIG_ADDRESS_SIZE - len, "%%%s", scope);
	return 0;
}

/* Returns a hint if WIDE, an address or "*", includes OTHER; else NULL. */
static const char *inclusion(const char *wide, const char *other)
{
	if (strcmp(wide, "*") == 0)
		return "* already stands for every address";
	if (strcmp(wide, "0.0.0.0") == 0 && strchr(other, '.') && !strchr(other, ':'))
		return "0.0.0.0 already stands for every IPv4 address";
	if (strcmp(wide, "::") == 0 && strchr(other, ':'))
		return ":: already stands for every IPv6 address";
	return NULL;
}

static int add_address(struct config *config, const char *text, const char **ret_hint)
{
	unsigned n = config->n_addresses;

	if (n == CONFIG_MAX_ADDRESSES) {
		*ret_hint = "there are too many";
		return -EINVAL;
	}
	if (strcmp(text, "*") == 0)
		strcpy(config->addresses[n], "*");
	else if (parse_address(text, config->addresses[n], ret_hint) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		const char *a = config->addresses[i], *b = config->addresses[n];
		const char *hint = inclusion(a, b);

		if (strcmp(a, b) == 0)
			hint = "an address is given twice";
		else if (!hint)
			hint = inclusion(b, a);
		if (hint) {
			*ret_hint = hint;
			return -EINVAL;
		}
	}
	config->n_addresses++;
	return 0;
}

static int set_addresses(struct config *config, const char *value, const char **ret_hint)
{
	struct config fresh = *config;
	const char *end;

	memset(fresh.addresses, 0, sizeof(fresh.addresses));
	fresh.n_addresses = 0;
	fresh.addresses_are_default = false;
	for (const char *p = value;; p = end + 1) {
		char item[CONFIG_ADDRESS_SIZE];
		size_t len;

		p += strspn(p, " \t");
		end = strchrnul(p, ',');
		for (len = (size_t)(end - p); len > 0 && strchr(" \t", p[len - 1]); len--)
			;
		if (len == 0) {
			*ret_hint = "an address is missing beside a comma";
			return -EINVAL;
		}
		if (len >= sizeof(item))
			return -EINVAL;
		memcpy(item, p, len);
		item[len] = '\0';
		if (add_address(&fresh, item, ret_hint) < 0)
			return -EINVAL;
		if (!*end)
			break;
	}
	*config = fresh;
	return 0;
}

int config_value_set(const struct config_key *key, struct config *config, const char *value,
		   const char **ret_hint)
{
	uint64_t n = 0;
	int r;

	*ret_hint = NULL;
	switch (key->type) {
	case KEY_ADDRESSES:
		return set_addresses(config, value, ret_hint);
	case KEY_PATH:
		return parse_path(value, (char *)config + key->offset, key->size, ret_hint);
	case KEY_WORD:
		r = parse_word(key, value, &n);
		break;
	case KEY_MODE:
		r = parse_mode(value, &n, ret_hint);
		break;
	case KEY_FREE:
		r = parse_free(key, value, &n, ret_hint);
		break;
	default:
		r = parse_number(key, value, &n, ret_hint);
	}
	if (r == 0)
		field_write(key, config, n);
	return r;
}

/* Like snprintf(3) at BUF + *AT; *AT grows by the full length even if BUF is too small. */
__attribute__((format(printf, 4, 5)))
static void append(char *buf, size_t size, size_t *at, const char *format, ...)
{
	bool room = *at < size;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(room ? buf + *at : NULL, room ? size - *at : 0, format, ap);
	va_end(ap);
	*at += n > 0 ? (size_t)n : 0;
}

/* Writes N exactly, in the largest unit that divides it. */
static void append_number(const struct config_key *key, uint64_t n, char *buf, size_t size,
			  size_t *at)
{
	const struct unit *units = key->type == KEY_TIME ? time_units : size_units;
	size_t u = key->type == KEY_TIME ? N_ELEMENTS(time_units) : N_ELEMENTS(size_units);

	if (n & CONFIG_PERCENT) {
		append(buf, size, at, "%" PRIu64 "%%", n & ~CONFIG_PERCENT);
		return;
	}
	if (key->type == KEY_COUNT || n == 0) {
		append(buf, size, at, "%" PRIu64, n);
		return;
	}
	for (u--; u > 0 && n % units[u].factor != 0; u--)
		;
	append(buf, size, at, "%" PRIu64 "%s", n / units[u].factor, units[u].name);
}

size_t config_value_format(const struct config_key *key, const struct config *config, char *buf,
			   size_t size)
{
	size_t at = 0;

	switch (key->type) {
	case KEY_ADDRESSES:
		for (unsigned i = 0; i < config->n_addresses; i++)
			append(buf, size, &at, "%s%s", i > 0 ? ", " : "", config->addresses[i]);
		break;
	case KEY_PATH:
		append(buf, size, &at, "%s", (const char *)config + key->offset);
		break;
	case KEY_WORD:
		append(buf, size, &at, "%s", key->words[field_read(key, config)]);
		break;
	case KEY_MODE:
		append(buf, size, &at, "%04" PRIo64, field_read(key, config));
		break;
	default:
		append_number(key, field_read(key, config), buf, size, &at);
	}
	return at;
}

static void describe_number(const struct config_key *key, char *buf, size_t size, size_t *at)
{
	if (key->zero)
		append(buf, size, at, "0 (%s) or ", key->zero);
	append(buf, size, at, "a %s from ",
	       key->type == KEY_TIME ? "time" : key->type == KEY_COUNT ? "whole number" : "size");
	append_number(key, key->min, buf, size, at);
	append(buf, size, at, " to ");
	append_number(key, key->max, buf, size, at);
	if (key->type == KEY_TIME)
		append(buf, size, at, ", such as 500ms, 90s, 5m, 2h or 1d");
	else if (key->type == KEY_SIZE)
		append(buf, size, at, ", such as 4096 or 64K");
	else if (key->type == KEY_FREE)
		append(buf, size, at, ", or 1%% to 99%%");
}

void config_value_describe(const struct config_key *key, char *buf, size_t size)
{
	size_t at = 0;

	switch (key->type) {
	case KEY_ADDRESSES:
		append(buf, size, &at, "at most %d numeric IPv4 or IPv6 addresses by comma, or *",
		       CONFIG_MAX_ADDRESSES);
		break;
	case KEY_PATH:
		append(buf, size, &at, "the absolute path of a file, or - for stdout");
		break;
	case KEY_MODE:
		append(buf, size, &at, "three or four octal digits, owner read and write, "
		       "no execute, no write for others, such as 0640");
		break;
	case KEY_WORD:
		for (size_t i = 0; key->words[i]; i++)
			append(buf, size, &at, "%s%s",
			       i == 0 ? "" : key->words[i + 1] ? ", " : " or ", key->words[i]);
		break;
	default:
		describe_number(key, buf, size, &at);
	}
}
