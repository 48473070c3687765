/*
 * Arguments of the command line: words key=value, separated by blanks. Invariant: the command line
 * is read, never changed, so a key can be asked for any number of times.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/platform.h>

#define VALUE_BYTES 256

/* The value of `key`: its start and length, or NULL. The last one given wins. */
static const char *find(const char *const key, size_t *const bytes)
{
	const size_t key_bytes = strlen(key);
	const char *found = NULL;

	for (const char *word = boot.command; *word != '\0';) {
		const size_t length = strcspn(word, " \t\n");

		if (length > key_bytes && word[key_bytes] == '=' &&
			strncmp(word, key, key_bytes) == 0) {
			found = word + key_bytes + 1;
			*bytes = length - key_bytes - 1;
		} else if (length == key_bytes && strncmp(word, key, key_bytes) == 0) {
			found = "1";
			*bytes = 1;
		}
		word += length;
		word += strspn(word, " \t\n");
	}
	return found;
}

bool args_text(const char *const key, char *const value, const size_t bytes)
{
	size_t length = 0;
	const char *const found = find(key, &length);

	if (found == NULL)
		return false;
	if (length >= bytes) {
		printf("argument %s: longer than %zu characters\n", key, bytes - 1);
		exit(1);
	}
	memcpy(value, found, length);
	value[length] = '\0';
	return true;
}

uint64_t args_number(const char *const key, const uint64_t otherwise)
{
	char text[VALUE_BYTES], *end;
	unsigned long long value;

	if (!args_text(key, text, sizeof(text)))
		return otherwise;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-') {
		printf("argument %s=%s: not a number; write it as decimal or 0x...\n", key, text);
		exit(1);
	}
	return value;
}

bool args_is(const char *const key, const char *const value)
{
	size_t length = 0;
	const char *const found = find(key, &length);

	return found != NULL && strlen(value) == length && strncmp(found, value, length) == 0;
}

static bool list_has(const char *list, const size_t bytes, const char *const item)
{
	const size_t item_bytes = strlen(item);
	const char *const end = list + bytes;

	while (list < end) {
		const char *const comma = memchr(list, ',', (size_t)(end - list));
		const size_t length = (size_t)((comma != NULL ? comma : end) - list);

		if (length == item_bytes && memcmp(list, item, length) == 0)
			return true;
		list += length + 1;
	}
	return false;
}

bool args_list_has(const char *const key, const char *const otherwise, const char *const item)
{
	size_t bytes = 0;
	const char *const found = find(key, &bytes);

	return found != NULL ? list_has(found, bytes, item)
			     : list_has(otherwise, strlen(otherwise), item);
}
