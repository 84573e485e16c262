/* SPDX-License-Identifier: Apache-2.0 */
#include "base/url.h"

#include <arpa/inet.h>
#include <http_parser.h>
#include <string.h>
#include <strings.h>

enum { URL_BYTES_MAX = 512 }; /* a host name has at most 253 */

/* Each scheme, and what it means. */
static const struct {
	const char *scheme;
	bool tls;
} url_schemes[] = {{"tcp", false}, {"http", false}, {"tls", true}, {"https", true}};

static const char *url_field(const struct http_parser_url *fields, enum http_parser_url_fields field, const char *text,
                             struct arena *arena)
{
	if ((fields->field_set & (1 << field)) == 0)
		return "";
	return arena_dup_string(arena, bytes_of(text + fields->field_data[field].off, fields->field_data[field].len));
}

static enum err url_scheme(const char *scheme, bool *ret_tls)
{
	for (size_t at = 0; at < sizeof url_schemes / sizeof *url_schemes; at++) {
		if (strcasecmp(scheme, url_schemes[at].scheme) == 0) {
			*ret_tls = url_schemes[at].tls;
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

enum err url_parse(const char *text, const char *origin, struct arena *arena, struct url *ret_url,
                   struct problem *ret_problem)
{
	size_t size = strlen(text);
	if (size == 0 || size > URL_BYTES_MAX)
		return problem_set(ret_problem, "%s: a URL is tcp://HOST:PORT, not '%.80s'", origin, text);
	struct http_parser_url fields;
	http_parser_url_init(&fields);
	/* Without a scheme the host would be taken for one; say what is missing instead. */
	if (strstr(text, "://") == NULL || http_parser_parse_url(text, size, 0, &fields) != 0)
		return problem_set(ret_problem, "%s: '%s' is not a URL: it is tcp://HOST:PORT", origin, text);
	struct url url = {.host = url_field(&fields, UF_HOST, text, arena), .port = ""};
	if (url_scheme(url_field(&fields, UF_SCHEMA, text, arena), &url.tls) != ERR_OK)
		return problem_set(ret_problem, "%s: the scheme of '%s' is not tcp, tls, http or https", origin, text);
	if ((fields.field_set & (1 << UF_PORT)) == 0 || fields.port == 0)
		return problem_set(ret_problem,
		                   "%s: '%s' has no port: it is tcp://HOST:PORT, with a port of 1 to 65535", origin,
		                   text);
	const char *path = url_field(&fields, UF_PATH, text, arena);
	if ((path[0] != '\0' && strcmp(path, "/") != 0) ||
	    (fields.field_set & (1 << UF_QUERY | 1 << UF_FRAGMENT | 1 << UF_USERINFO)) != 0)
		return problem_set(ret_problem, "%s: '%s' has more than a host and a port", origin, text);
	url.port = arena_format(arena, "%u", fields.port);
	*ret_url = url;
	return ERR_OK;
}

const char *url_format(const struct url *url, const char *scheme, struct arena *arena)
{
	bool brackets = strchr(url->host, ':') != NULL;
	return arena_format(arena, "%s://%s%s%s:%s", scheme, brackets ? "[" : "", url->host, brackets ? "]" : "",
	                    url->port);
}

bool url_equal(const struct url *left, const struct url *right)
{
	return left->tls == right->tls && strcasecmp(left->host, right->host) == 0 &&
	       strcmp(left->port, right->port) == 0;
}

bool url_is_loopback(const struct url *url)
{
	struct in_addr four;
	if (inet_pton(AF_INET, url->host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return strcasecmp(url->host, "localhost") == 0 || strcmp(url->host, "::1") == 0;
}
