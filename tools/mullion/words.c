/*
 * Edit distance with swaps (optimal string alignment), row by row.
 */
#include "words.h"

#include <limits.h>
#include <string.h>

#define LONGEST_WORD 64u /* longer words are compared by their beginning */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static size_t length_of(const char *word)
{
	const size_t length = strlen(word);

	return length < LONGEST_WORD ? length : LONGEST_WORD;
}

unsigned words_distance(const char *a, const char *b)
{
	unsigned rows[3][LONGEST_WORD + 1];
	const size_t a_length = length_of(a), b_length = length_of(b);

	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

const char *words_nearest(const char *word, const char *const *known)
{
	const char *nearest = NULL;
	unsigned best = UINT_MAX;

	for (; *known != NULL; known++) {
		const unsigned distance = words_distance(word, *known);

		if (distance < best) {
			best = distance;
			nearest = *known;
		}
	}
	return best <= (unsigned)strlen(word) / 3 + 1 ? nearest : NULL;
}
