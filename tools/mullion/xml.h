/*
 * Text inside XML and HTML: what stands for markup is written as an entity.
 */
#ifndef XML_H
#define XML_H

#include <stddef.h>
#include <stdio.h>

/* At most `length` characters of `text`, which may be NULL. */
static inline void xml_put(FILE *out, const char *text, size_t length)
{
	for (; text && *text && length; text++, length--)
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
}

#endif
