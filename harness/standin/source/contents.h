/* What is known of the contents of the cards: what was copied there, until something may have
   written over it. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Something was copied from the host. */
void remember(const void *address, const void *content, size_t bytes);
/* Something else was written there. */
void forget(const void *address, size_t bytes);
/* This thread launched a kernel, which may have written anything that the thread copied. */
void forget_all(void);

/* Writes what lies at the address to the host; false if it is not known. */
bool recall(void *to, const void *address, size_t bytes);
/* Something was copied from the one address to the other, there so many times in a row. */
void carry(const void *to, const void *from, size_t bytes, size_t times);

#pragma GCC visibility pop
