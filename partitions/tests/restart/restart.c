/*
 * restart: lives that end in a request to be restarted, and a witness of them.
 *
 * do=live: says over the queue `lives` what it found of the life before, marks every place it may
 * write, and ends its life: how=raise (the default) raises, how=hang stands still until its watchdog
 * is noticed, how=exit ends with status 3. After lives=N of them it returns 0. do=watch: judges what
 * it says; expect=cold: nothing is left of a former life, expect=warm: all is.
 * do=reset: the node's own restart, see there.
 */
#include <mullion/args.h>

#include "restart.h"

int main(void)
{
	if (args_is("do", "reset"))
		return role_reset();
	return args_is("do", "watch") ? role_watch() : role_live();
}
