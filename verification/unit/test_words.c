/* Misspelt words are recognised, foreign ones are left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "words.h"

static void equal_words_have_distance_zero(void **state)
{
	(void)state;
	assert_int_equal(words_distance("memory", "memory"), 0);
	assert_int_equal(words_distance("", ""), 0);
}

static void one_letter_more_less_or_other_is_distance_one(void **state)
{
	(void)state;
	assert_int_equal(words_distance("memory", "memoryy"), 1);
	assert_int_equal(words_distance("memory", "emory"), 1);
	assert_int_equal(words_distance("memory", "memorx"), 1);
}

static void two_letters_swapped_are_distance_one(void **state)
{
	(void)state;
	assert_int_equal(words_distance("devices", "deivces"), 1);
	assert_int_equal(words_distance("ab", "ba"), 1);
}

static void the_distance_to_nothing_is_the_length(void **state)
{
	(void)state;
	assert_int_equal(words_distance("", "memory"), 6);
	assert_int_equal(words_distance("memory", ""), 6);
}

static void the_distance_is_symmetric_and_counts_every_edit(void **state)
{
	(void)state;
	assert_int_equal(words_distance("kitten", "sitting"), 3);
	assert_int_equal(words_distance("sitting", "kitten"), 3);
}

static void words_longer_than_the_table_are_compared_by_their_beginning(void **state)
{
	char a[200], b[200];

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = b[i] = (char)(i + 1 == sizeof(a) ? '\0' : 'x');
	b[150] = 'y';
	assert_int_equal(words_distance(a, b), 0);
	b[10] = 'y';
	assert_int_equal(words_distance(a, b), 1);
}

static const char *const known[] = { "memory", "memory-base", "cpus", "args", NULL };

static void a_misspelt_word_finds_the_nearest_known_one(void **state)
{
	(void)state;
	assert_string_equal(words_nearest("memroy", known), "memory");
	assert_string_equal(words_nearest("memory-bse", known), "memory-base");
	assert_string_equal(words_nearest("cpu", known), "cpus");
}

static void a_foreign_word_finds_nothing(void **state)
{
	(void)state;
	assert_null(words_nearest("interrupts", known));
	assert_null(words_nearest("x", (const char *const[]){ NULL }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_words_have_distance_zero),
		cmocka_unit_test(one_letter_more_less_or_other_is_distance_one),
		cmocka_unit_test(two_letters_swapped_are_distance_one),
		cmocka_unit_test(the_distance_to_nothing_is_the_length),
		cmocka_unit_test(the_distance_is_symmetric_and_counts_every_edit),
		cmocka_unit_test(words_longer_than_the_table_are_compared_by_their_beginning),
		cmocka_unit_test(a_misspelt_word_finds_the_nearest_known_one),
		cmocka_unit_test(a_foreign_word_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
