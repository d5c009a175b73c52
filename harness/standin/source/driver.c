/* CUDA's driver, as far as PyTorch, its NVRTC half, Triton and cuDNN ask for it. This library's
   SONAME is libcuda.so.1, so that who opens the driver by that name gets this one. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "card.h"
#include "cuda.h"
#include "memory.h"

int cudaMalloc(void **, size_t);
int cudaFree(void *);
int cudaMemGetInfo(size_t *, size_t *);
int cudaMemcpy(void *, const void *, size_t, int);
int cudaDeviceGetAttribute(int *, int, int);
int cudaDriverGetVersion(int *);
int cuDevicePrimaryCtxRetain(void **, int);
int cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *, const void *, int, size_t);
const char *cudaGetErrorString(int);
const char *cudaGetErrorName(int);

/* The function of that name, or its second version, as the driver's own headers choose it. */
static void *entry_point(const char *name)
{
    char second[128];
    snprintf(second, sizeof second, "%s_v2", name);
    void *found = dlsym(RTLD_DEFAULT, second);
    return found ? found : dlsym(RTLD_DEFAULT, name);
}

enum { FOUND = 0, NO_SUCH_SYMBOL = 1 }; /* cudaDriverEntryPointQueryResult */

int cudaGetDriverEntryPoint(const char *name, void **function, unsigned long long, int *result)
{
    *function = entry_point(name);
    if (result)
        *result = *function ? FOUND : NO_SUCH_SYMBOL;
    return SUCCESS;
}

int cudaGetDriverEntryPointByVersion(const char *name, void **function, unsigned,
                                     unsigned long long flags, int *result)
{
    return cudaGetDriverEntryPoint(name, function, flags, result);
}

int cuGetProcAddress_v2(const char *name, void **function, int, uint64_t flags, int *result)
{
    cudaGetDriverEntryPoint(name, function, flags, result);
    return *function ? SUCCESS : NOT_FOUND;
}

int cuDriverGetVersion(int *version) { return cudaDriverGetVersion(version); }
int cuMemAlloc_v2(void **pointer, size_t bytes) { return cudaMalloc(pointer, bytes); }
int cuMemFree_v2(void *pointer) { return cudaFree(pointer); }
int cuMemGetInfo_v2(size_t *free, size_t *total) { return cudaMemGetInfo(free, total); }
int cuMemcpyDtoH_v2(void *to, void *from, size_t bytes) { return cudaMemcpy(to, from, bytes, 0); }
int cuMemcpyHtoD_v2(void *to, void *from, size_t bytes) { return cudaMemcpy(to, from, bytes, 0); }

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    return cudaDeviceGetAttribute(value, attribute, device);
}

int cuDeviceGetName(char *name, int length, int)
{
    snprintf(name, (size_t)length, "%s", card()->name);
    return SUCCESS;
}

int cuDeviceTotalMem_v2(size_t *bytes, int)
{
    *bytes = card()->total_bytes;
    return SUCCESS;
}

int cuGetErrorString(int error, const char **text)
{
    *text = cudaGetErrorString(error);
    return SUCCESS;
}

int cuGetErrorName(int error, const char **text)
{
    *text = cudaGetErrorName(error);
    return SUCCESS;
}

/* Kernels that are compiled while the program runs. */

static int create(void **handle)
{
    *handle = new_handle();
    return SUCCESS;
}

int cuModuleLoad(void **module, const char *) { return create(module); }
int cuModuleLoadData(void **module, const void *) { return create(module); }
int cuModuleLoadDataEx(void **module, ...) { return create(module); }
int cuModuleGetFunction(void **function, ...) { return create(function); }
int cuLibraryLoadData(void **library, ...) { return create(library); }
int cuLibraryLoadFromFile(void **library, ...) { return create(library); }
int cuLibraryGetKernel(void **kernel, ...) { return create(kernel); }
int cuKernelGetFunction(void **function, void *) { return create(function); }
int cuLinkCreate(unsigned, void *, void *, void **state) { return create(state); }
int cuLinkCreate_v2(unsigned, void *, void *, void **state) { return create(state); }

int cuLinkComplete(void *, void **binary, size_t *bytes)
{
    static char empty;
    *binary = &empty;
    *bytes = 0;
    return SUCCESS;
}

int cuFuncGetAttribute(int *value, int attribute, void *)
{
    enum { MAX_THREADS = 0, REGISTERS = 4 }; /* CUfunction_attribute */
    *value = attribute == MAX_THREADS ? 1024 : attribute == REGISTERS ? 64 : 0;
    return SUCCESS;
}

int cuKernelGetAttribute(int *value, int attribute, void *kernel, int)
{
    return cuFuncGetAttribute(value, attribute, kernel);
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *function, int threads,
                                                size_t shared)
{
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, shared);
}

int cuOccupancyMaxActiveClusters(int *clusters, ...)
{
    *clusters = 1;
    return SUCCESS;
}

int cuOccupancyMaxPotentialClusterSize(int *size, ...)
{
    *size = 8; /* the largest that runs on every card that has clusters */
    return SUCCESS;
}

int cuPointerGetAttribute(void *value, int attribute, void *pointer)
{
    enum { CONTEXT = 1, DEVICE_POINTER = 3, DEVICE_ORDINAL = 9 }; /* CUpointer_attribute */
    int device = device_at(pointer);
    if (device < 0)
        return INVALID_VALUE;
    switch (attribute) {
    case CONTEXT: return cuDevicePrimaryCtxRetain(value, device);
    case DEVICE_POINTER: *(void **)value = pointer; return SUCCESS;
    case DEVICE_ORDINAL: *(int *)value = device; return SUCCESS;
    }
    return NOT_SUPPORTED;
}
