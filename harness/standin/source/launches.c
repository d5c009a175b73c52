/* Kernels: they are registered, asked about and launched, and do nothing. */
#include "card.h"
#include "cuda.h"
#include "devices.h"
#include "memory.h"

void **__cudaRegisterFatBinary(void *)
{
    static void *binary;
    return &binary;
}

int __cudaGetKernel(const void **kernel, const void *function)
{
    *kernel = function;
    return SUCCESS;
}

/* All variables of kernels lie at one address, since nobody reads them. */
int cudaGetSymbolAddress(void **address, const void *)
{
    static uintptr_t variables;
    if (!variables)
        variables = reserve(used_device(), PAGE);
    *address = (void *)variables;
    return SUCCESS;
}

struct function_attributes { /* cudaFuncAttributes */
    size_t shared_bytes, constant_bytes, local_bytes;
    int max_threads, registers, ptx_version, binary_version, cache_mode;
    int max_dynamic_shared_bytes, preferred_carveout, cluster[6];
    int reserved[16];
};
_Static_assert(sizeof(struct function_attributes) == 144, "the layout of CUDA 12 and 13");

enum { OLDEST_OF_CUDA_13 = 75 };

int cudaFuncGetAttributes(struct function_attributes *attributes, const void *)
{
    const struct architecture *architecture = card()->architecture;
    int binary = architecture->binary;
    if (card()->cuda_version >= 13000 && binary < OLDEST_OF_CUDA_13)
        binary = OLDEST_OF_CUDA_13; /* a real card of that age would find no kernel */
    *attributes = (struct function_attributes){
        .max_threads = 1024,
        .registers = 64, /* unknown: so many let 1024 threads be resident */
        .ptx_version = binary,
        .binary_version = binary,
        .max_dynamic_shared_bytes = architecture->block_shared_bytes,
    };
    return SUCCESS;
}

/* As if threads alone were the bound: what else a kernel needs is not known. */
int cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *, int threads, size_t)
{
    const struct architecture *architecture = card()->architecture;
    int fit = threads > 0 ? architecture->threads / threads : 1;
    *blocks = fit < 1 ? 1 : fit > architecture->blocks ? architecture->blocks : fit;
    return SUCCESS;
}

int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *function,
                                                           int threads, size_t shared, unsigned)
{
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, shared);
}
