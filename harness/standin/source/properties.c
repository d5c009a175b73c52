/* What the cards say about themselves. */
#include <stdint.h>
#include <string.h>

#include "card.h"
#include "cuda.h"
#include "devices.h"

enum { /* the same on all cards */
    BLOCK_SHARED_BYTES = 49152, /* without opting in to more */
    REGISTERS = 65536,
    WARP = 32,
    BLOCK_THREADS = 1024,
    BLOCK_DEPTH = 64,
    GRID = 65535,
};

#define PROPERTIES properties_12
#define FILL fill_12
#define UNTIL_12(...) __VA_ARGS__
#include "properties_layout.h"
_Static_assert(sizeof(struct properties_12) == 1032, "the layout of CUDA 12");

#define PROPERTIES properties_13
#define FILL fill_13
#define UNTIL_12(...)
#include "properties_layout.h"
_Static_assert(sizeof(struct properties_13) == 1008, "the layout of CUDA 13");

int cudaGetDeviceProperties_v2(struct properties_12 *properties, int device)
{
    if (!is_device(device))
        return INVALID_DEVICE;
    fill_12(properties, device);
    return SUCCESS;
}

/* Programs for CUDA 12 call the function above by this one's name. */
int cudaGetDeviceProperties(struct properties_13 *properties, int device)
{
    if (!is_device(device))
        return INVALID_DEVICE;
    fill_13(properties, device);
    return SUCCESS;
}

int cudaDeviceGetAttribute(int *value, int attribute, int device)
{
    const struct architecture *architecture = card()->architecture;
    if (!is_device(device))
        return INVALID_DEVICE;
    switch (attribute) { /* cudaDeviceAttr, and CUdevice_attribute, which has the same numbers */
    case 1: case 2: case 3: *value = BLOCK_THREADS; break;
    case 4: *value = BLOCK_DEPTH; break;
    case 5: *value = INT32_MAX; break; /* the grid's width */
    case 6: case 7: *value = GRID; break;
    case 8: *value = BLOCK_SHARED_BYTES; break;
    case 10: *value = WARP; break;
    case 12: case 82: *value = REGISTERS; break; /* of a block, of a multiprocessor */
    case 13: *value = architecture->clock_khz; break;
    case 16: *value = card()->multiprocessors; break;
    case 33: *value = bus_of(device); break; /* PCI */
    case 36: *value = architecture->memory_clock_khz; break;
    case 37: *value = architecture->memory_bus_bits; break;
    case 38: *value = architecture->l2_bytes; break;
    case 39: *value = architecture->threads; break;
    case 41: case 78: *value = 1; break; /* unified addresses, priorities of streams */
    case 75: *value = architecture->capability / 10; break;
    case 76: *value = architecture->capability % 10; break;
    case 81: *value = architecture->shared_bytes; break;
    case 95: *value = 1; break; /* cooperative launches */
    case 97: *value = architecture->block_shared_bytes; break;
    case 102: case 115: *value = 1; break; /* virtual memory management, memory pools */
    case 106: *value = architecture->blocks; break;
    case 111: *value = architecture->reserved_bytes; break;
    default: *value = 0; /* what is not known of it, it cannot do */
    }
    return SUCCESS;
}

int cudaDriverGetVersion(int *version)
{
    *version = card()->cuda_version;
    return SUCCESS;
}

int cudaRuntimeGetVersion(int *version)
{
    return cudaDriverGetVersion(version);
}

const char *cudaGetErrorName(int error)
{
    return error == SUCCESS ? "cudaSuccess"
         : error == OUT_OF_MEMORY ? "cudaErrorMemoryAllocation"
         : error == INVALID_VALUE ? "cudaErrorInvalidValue"
         : error == NO_DEVICE ? "cudaErrorNoDevice"
         : error == INVALID_DEVICE ? "cudaErrorInvalidDevice"
         : error == NOT_SUPPORTED ? "cudaErrorNotSupported" : "cudaErrorUnknown";
}

const char *cudaGetErrorString(int error)
{
    return error == SUCCESS ? "no error"
         : error == OUT_OF_MEMORY ? "out of memory"
         : error == INVALID_VALUE ? "invalid argument"
         : error == NO_DEVICE ? "no CUDA-capable device is detected"
         : error == INVALID_DEVICE ? "invalid device ordinal" : "not supported by the stand-in";
}
