/*
 * Calling what may fault: the exception becomes a result. Only for tests of what is forbidden.
 */
#include <stddef.h>

#include <mullion/catch.h>
#include <mullion/irq.h>

#define CATCH_FIRST 0u
#define CATCH_LAST  21u

extern uint64_t catch_stack;
extern const uint8_t catch_resume[];
void catch_run(void (*function)(void *argument), void *argument);

static struct catch_result result;

static void on_exception(struct irq_frame *const frame)
{
	if (catch_stack == 0) { /* not ours: report as ever */
		irq_set_handler((unsigned)frame->vector, NULL);
		return;
	}
	result = (struct catch_result){
		.vector = (int)frame->vector, .error = frame->error, .rip = frame->rip
	};
	frame->rip = (uintptr_t)catch_resume;
	frame->rsp = catch_stack;
}

struct catch_result catch_call(void (*const function)(void *argument), void *const argument)
{
	result = (struct catch_result){ .vector = CATCH_NONE };
	for (unsigned v = CATCH_FIRST; v <= CATCH_LAST; v++)
		irq_set_handler(v, on_exception);
	catch_run(function, argument);
	for (unsigned v = CATCH_FIRST; v <= CATCH_LAST; v++)
		irq_set_handler(v, NULL);
	return result;
}
