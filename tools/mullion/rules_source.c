/*
 * Rules about the language: what cpp and dtc refuse, in the user's words.
 */
#include <string.h>

#include "check.h"

static const char install[] = "install the packages that tools/packages lists";

/* Complaints of tools.c about a tool that is not there need no introduction. */
static bool is_absent(const struct source_diagnostic *diagnostic)
{
	return strstr(diagnostic->text, "not installed") != NULL;
}

static const char *quote(
	struct check *check, const char *tool, const struct source_diagnostic *diagnostic)
{
	if (is_absent(diagnostic))
		return diagnostic->text;
	return say(check, "%s says: %s", tool, diagnostic->text);
}

static void readable(struct check *check)
{
	for (const struct source_diagnostic *d = check->source->diagnostics; d != NULL; d = d->next)
		if (d->tool == SOURCE_FILE)
			fault(check, d->at, d->text,
				strstr(d->text, "temporary") != NULL
					? "let TMPDIR name a directory that can be written to"
					: "name a description that exists, such as "
					  "config/deployments/demo.dts");
}

static void preprocessable(struct check *check)
{
	for (const struct source_diagnostic *d = check->source->diagnostics; d != NULL; d = d->next)
		if (d->tool == SOURCE_CPP)
			fault(check, d->at, quote(check, "cpp", d),
				is_absent(d) ? install
					     : "correct the directive; #include looks beside the "
					       "file, in "
					       "the configuration directory and in its include/");
}

static const char *syntax_repair(const struct source_diagnostic *diagnostic)
{
	const char *text = diagnostic->text;

	if (is_absent(diagnostic))
		return install;
	if (strstr(text, "out of range") != NULL)
		return "write a quantity beyond 32 bits as /bits/ 64 <...>";
	if (strstr(text, "precede subnodes") != NULL)
		return "move the property above the first subnode";
	if (strstr(text, "not found") != NULL)
		return "label the node (name: node { }) or correct the reference";
	if (strstr(text, "Division by zero") != NULL)
		return "correct the expression";
	return "look for a missing `;`, `}` or quotation mark here or on the line above";
}

static void syntax(struct check *check)
{
	for (const struct source_diagnostic *d = check->source->diagnostics; d != NULL; d = d->next)
		if (d->tool == SOURCE_DTC && d->check == NULL)
			fault(check, d->at, quote(check, "dtc", d), syntax_repair(d));
}

/* The checks of dtc that have a rule of their own here. */
static const char *const node_twice_check = "duplicate_node_names";
static const char *const property_twice_check = "duplicate_property_names";
static const char *const label_twice_check = "duplicate_label";
static const char *const reference_check = "phandle_references";

static void report_dtc(struct check *check, const char *name, const char *repair)
{
	for (const struct source_diagnostic *d = check->source->diagnostics; d != NULL; d = d->next)
		if (d->check != NULL && strcmp(d->check, name) == 0)
			fault(check, d->at, d->text, repair);
}

static void node_twice(struct check *check)
{
	report_dtc(check, node_twice_check, "rename it, or merge the two");
}

static void property_twice(struct check *check)
{
	report_dtc(check, property_twice_check, "remove one of the two");
}

static void label_twice(struct check *check)
{
	report_dtc(check, label_twice_check, "give each node a label of its own");
}

static void reference(struct check *check)
{
	report_dtc(check, reference_check,
		"label that node (name: node { }) or correct the reference");
}

static void devicetree(struct check *check)
{
	for (const struct source_diagnostic *d = check->source->diagnostics; d != NULL;
		d = d->next) {
		if (d->tool != SOURCE_DTC || d->check == NULL ||
			strcmp(d->check, node_twice_check) == 0 ||
			strcmp(d->check, property_twice_check) == 0 ||
			strcmp(d->check, label_twice_check) == 0 ||
			strcmp(d->check, reference_check) == 0)
			continue;
		fault(check, d->at, say(check, "dtc says: %s", d->text),
			say(check, "correct it; dtc calls this check %s", d->check));
	}
}

const struct rule rules_source[] = {
	{ "readable", "The description can be read.", TIER_LANGUAGE, readable },
	{ "preprocess", "cpp accepts the description, and finds what it includes.", TIER_LANGUAGE,
		preprocessable },
	{ "syntax", "The description is a devicetree source that dtc can parse.", TIER_LANGUAGE,
		syntax },
	{ "node-twice", "A file opens a node once; no two nodes under one parent share a name.",
		TIER_LANGUAGE, node_twice },
	{ "property-twice", "Between two braces a property is stated once.", TIER_LANGUAGE,
		property_twice },
	{ "label-twice", "A label names one node.", TIER_LANGUAGE, label_twice },
	{ "reference", "A reference names a label that exists.", TIER_LANGUAGE, reference },
	{ "devicetree", "The description passes dtc's own checks.", TIER_LANGUAGE, devicetree },
	{ NULL, NULL, TIER_COUNT, NULL },
};
