/* The cards that are stood in for, as the environment of the process names them: all are alike. */
#pragma once
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* What the cards of one compute capability have in common, and what a typical one has. */
struct architecture {
    int capability;          /* 86 is 8.6 */
    int binary;              /* that of the kernels which PyTorch's wheels have for it */
    int threads;             /* the most that are resident on a multiprocessor */
    int blocks;              /* likewise */
    int shared_bytes;        /* shared memory of a multiprocessor */
    int block_shared_bytes;  /* the most of it that one block may opt in to */
    int reserved_bytes;      /* what the system takes of a block's shared memory */
    int l2_bytes;            /* from here on those of the typical card */
    int clock_khz;
    int memory_clock_khz;
    int memory_bus_bits;
};

struct card {
    char name[256];
    int multiprocessors;
    size_t total_bytes;
    size_t context_bytes;    /* what a CUDA context takes of them */
    int cuda_version;        /* 12040 is 12.4 */
    const struct architecture *architecture;
};

/* A card; the environment is read at the first call, so that a process that has loaded the
   library, but not used CUDA, may fork children for different cards. Ends the process with a
   sentence if the environment names none. */
const struct card *card(void);

enum { MOST_CARDS = 16 };

/* How many there are at most, from 1 to MOST_CARDS: the program may see fewer. */
int card_count(void);

#pragma GCC visibility pop
