/* The cards by the numbers that CUDA gives them: which of them a thread uses, and contexts. */
#pragma once
#include <stdbool.h>

#pragma GCC visibility push(hidden)

/* Whether there is a card of this number. */
bool is_device(int device);

/* The card that this thread uses. Nothing else is done with it. */
int current_device(void);
/* The same, for something that needs its context: it has one from now on. */
int used_device(void);
/* Whether a card has a context in this process: only then does this process take memory there. */
bool has_context(int device);

/* What the device is numbered by on the bus, and what it is told apart by. */
int bus_of(int device);
void uuid_of(int device, char uuid[16]);

#pragma GCC visibility pop
