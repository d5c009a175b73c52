/* Which cards the program sees: those that CUDA_VISIBLE_DEVICES names. */
#pragma once
#include <stdbool.h>

#include "card.h"

#pragma GCC visibility push(hidden)

struct visible {
    int count;
    int index[MOST_CARDS];     /* of each in the computer, as NVML counts */
    char uuid[MOST_CARDS][96]; /* what it was named by, if by its UUID */
    bool more;                 /* cards are named beyond those that are stood in for */
    int beyond;                /* the index of the first of them */
};

/* As the variable is now. The cards of a computer are not ours to know: whatever is named is there,
   but no more cards than are stood in for. */
void read_visible(struct visible *visible);

/* As the variable was when the program first used CUDA. */
const struct visible *visible_cards(void);

#pragma GCC visibility pop
