/* SPDX-License-Identifier: Apache-2.0 */
#include "base/when.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/quantity.h"

enum {
	WHEN_REVISION_DIGITS_MAX = 18,
	WHEN_FRACTION_DIGITS_MAX = 9,
	WHEN_YEAR_MIN = 1970,
	WHEN_YEAR_MAX = 2200, /* nanoseconds since 1970 end in 2262 */
};

/* So many digits exactly; *text goes behind them. */
static bool when_digits(const char **text, size_t count, int *ret_number)
{
	int number = 0;
	if (strspn(*text, "0123456789") < count)
		return false;
	for (size_t i = 0; i < count; i++)
		number = number * 10 + (*(*text)++ - '0');
	*ret_number = number;
	return true;
}

static bool when_sign(const char **text, char sign)
{
	bool is = **text == sign;
	*text += is;
	return is;
}

static bool when_date(const char **text, struct tm *tm)
{
	bool read = when_digits(text, 4, &tm->tm_year) && when_sign(text, '-') && when_digits(text, 2, &tm->tm_mon) &&
	            when_sign(text, '-') && when_digits(text, 2, &tm->tm_mday);
	bool good = read && tm->tm_year >= WHEN_YEAR_MIN && tm->tm_year <= WHEN_YEAR_MAX && tm->tm_mon >= 1;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return good;
}

static bool when_fraction(const char **text, int64_t *ret_ns)
{
	int64_t ns = 0, unit = (int64_t)CLOCK_NS_PER_S;
	size_t digits = strspn(*text, "0123456789");
	if (digits == 0 || digits > WHEN_FRACTION_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < digits; i++) {
		unit /= 10;
		ns += (*(*text)++ - '0') * unit;
	}
	*ret_ns = ns;
	return true;
}

static bool when_clock(const char **text, struct tm *tm, int64_t *ret_ns)
{
	if (!when_digits(text, 2, &tm->tm_hour) || !when_sign(text, ':') || !when_digits(text, 2, &tm->tm_min))
		return false;
	if (!when_sign(text, ':'))
		return true;
	return when_digits(text, 2, &tm->tm_sec) && (!when_sign(text, '.') || when_fraction(text, ret_ns));
}

/* "Z", "+01:00", "+0100", or nothing. */
static bool when_zone(const char **text, int *ret_east_s)
{
	int hours = 0, minutes = 0, sign = **text == '-' ? -1 : 1;
	if (**text == '\0' || when_sign(text, 'Z'))
		return true;
	if (!when_sign(text, '+') && !when_sign(text, '-'))
		return false;
	bool read = when_digits(text, 2, &hours);
	when_sign(text, ':');
	read = read && when_digits(text, 2, &minutes) && hours < 24 && minutes < 60;
	*ret_east_s = sign * (hours * 60 + minutes) * 60;
	return read;
}

/* timegm(3) makes the first of March of the 30th of February. */
static bool when_is_day_of_calendar(const struct tm *asked, time_t seconds)
{
	struct tm tm;
	gmtime_r(&seconds, &tm);
	return tm.tm_mday == asked->tm_mday && tm.tm_mon == asked->tm_mon && tm.tm_hour == asked->tm_hour &&
	       tm.tm_min == asked->tm_min && tm.tm_sec == asked->tm_sec;
}

static enum err when_time(const char *text, struct when *ret_when)
{
	struct tm tm = {0};
	int64_t fraction_ns = 0;
	int east_s = 0;
	if (!when_date(&text, &tm))
		return ERR_INVALID;
	if ((when_sign(&text, 'T') || when_sign(&text, ' ')) && !when_clock(&text, &tm, &fraction_ns))
		return ERR_INVALID;
	struct tm normal = tm;
	time_t seconds = timegm(&normal);
	if (!when_is_day_of_calendar(&tm, seconds) || !when_zone(&text, &east_s) || *text != '\0')
		return ERR_INVALID;
	*ret_when =
	    (struct when){.kind = WHEN_TIME, .time_ns = (seconds - east_s) * (int64_t)CLOCK_NS_PER_S + fraction_ns};
	return ERR_OK;
}

static enum err when_revision(const char *text, struct when *ret_when)
{
	int64_t revision = 0;
	if (strlen(text) > WHEN_REVISION_DIGITS_MAX)
		return ERR_INVALID;
	for (; *text != '\0'; text++)
		revision = revision * 10 + (*text - '0');
	if (revision == 0)
		return ERR_INVALID;
	*ret_when = (struct when){.kind = WHEN_REVISION, .revision = revision};
	return ERR_OK;
}

enum err when_parse(const char *text, int64_t now_ns, struct when *ret_when)
{
	uint64_t ago_ms = 0;
	if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
		return when_revision(text, ret_when);
	if (text[0] != '-')
		return when_time(text, ret_when);
	enum err err = quantity_duration_ms(text + 1, &ago_ms);
	if (err == ERR_OK)
		*ret_when = (struct when){.kind = WHEN_TIME, .time_ns = now_ns - (int64_t)(ago_ms * CLOCK_NS_PER_MS)};
	return err;
}
