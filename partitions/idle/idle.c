/* idle: halts for ever. A partition that asks for nothing, to fill a window or to park a CPU. */
#include <mullion/irq.h>

int main(void)
{
	for (;;)
		irq_wait();
}
