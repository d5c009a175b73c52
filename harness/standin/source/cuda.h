/* Facts about CUDA's interface that several files need.

   NVIDIA's headers are not needed to build this library. Names, values and layouts here and in the
   sources are those of driver_types.h, cuda.h, cublasLt.h and cudnn_graph.h, of CUDA 12.4 and 13.0
   and cuDNN 9.24, unless said otherwise. Names of CUDA's own functions are exported; those in this
   library's headers, and static ones, are not. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { /* cudaError_t, and CUresult where the names have a counterpart there */
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    NOT_FOUND = 500,
    NOT_SUPPORTED = 801,
};

#pragma GCC visibility push(hidden)
/* Streams, events, graphs, descriptors: nothing is behind them but a number of their own. */
void *new_handle(void);
/* The same for what belongs to the card in use. */
void *new_handle_here(void);
/* The card of such a handle; -1 for what is none, as a default stream. */
int device_of_handle(const void *handle);
#pragma GCC visibility pop
