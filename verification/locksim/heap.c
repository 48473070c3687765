/*
 * A binary heap of events. See heap.h for the invariant.
 */
#include "heap.h"

#include <err.h>
#include <stdlib.h>

static bool before(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void heap_put(struct heap *heap, uint64_t at_ns, uint32_t node, uint32_t what)
{
	const struct event event = { at_ns, heap->order++, node, what };
	size_t i = heap->count++;

	if (heap->count > heap->room) {
		heap->room = heap->room ? 2 * heap->room : 1024;
		heap->events = reallocarray(heap->events, heap->room, sizeof(event));
		if (!heap->events)
			err(2, "events");
	}
	for (; i > 0 && before(&event, &heap->events[(i - 1) / 2]); i = (i - 1) / 2)
		heap->events[i] = heap->events[(i - 1) / 2];
	heap->events[i] = event;
}

bool heap_take(struct heap *heap, struct event *event)
{
	size_t i = 0, child;
	struct event last;

	if (heap->count == 0)
		return false;
	*event = heap->events[0];
	last = heap->events[--heap->count];
	for (child = 1; child < heap->count; i = child, child = 2 * i + 1) {
		if (child + 1 < heap->count &&
			before(&heap->events[child + 1], &heap->events[child]))
			child++;
		if (!before(&heap->events[child], &last))
			break;
		heap->events[i] = heap->events[child];
	}
	heap->events[i] = last;
	return true;
}

void heap_free(struct heap *heap)
{
	free(heap->events);
	*heap = (struct heap){ 0 };
}
