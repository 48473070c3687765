/*
 * Draws the schedules as Gantt charts, in one SVG a browser or a printer takes as it is.
 */
#ifndef SVG_H
#define SVG_H

#include <stdio.h>

#include "model.h"

void svg_draw(FILE *out, const struct model *model);

#endif
