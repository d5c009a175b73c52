/* cuDNN. The real library chooses engines and says what workspace they need: it can for a card
   that is only described to it, which cuDNN 9.8 and later take in the place of a handle. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "cuda.h"

enum descriptor { ENGINE = 2, HEURISTICS = 4, PLAN = 5, DEVICE_PROPERTIES = 38 };
enum attribute {
    HEURISTICS_DEVICE = 204,
    PLAN_HANDLE = 400,
    PLAN_DEVICE = 407,
    GRAPH_HANDLE = 800,
    ENGINE_DEVICE = 1307,
    DEVICE_AS_JSON = 2702,
};
enum type { DESCRIPTOR = 15, CHAR = 24 };
enum { CUDNN_NOT_SUPPORTED = 3000 };

typedef int create_function(int, void **);
typedef int set_function(void *, int, int, int64_t, const void *);
typedef int finalize_function(void *);

/* A function of the library that PyTorch has loaded; ours has the same name. */
static void *real(const char *name)
{
    void *library = dlopen("libcudnn.so.9", RTLD_NOW | RTLD_NOLOAD);
    void *function = library ? dlsym(library, name) : NULL;
    if (!function) {
        fprintf(stderr, "samfit: the stand-in for CUDA needs cuDNN 9, which has no %s here.\n", name);
        abort();
    }
    return function;
}

/* Names as cuDNN's own messages give them; versions ignore those that they do not know. */
static int describe(char *text, size_t size)
{
    const struct card *is = card();
    const struct architecture *has = is->architecture;
    return snprintf(
        text, size,
        "{\"deviceName\":\"%s\",\"deviceVer\":%d,\"driverVer\":%d,\"cudaDeviceId\":0,"
        "\"pciDeviceId\":0,\"isTccDriver\":0,\"supportCoopLaunch\":1,\"smCountOrigin\":0,"
        "\"multiProcessorCount\":%d,\"totalGlobalMem\":%zu,\"l2CacheSize\":%d,"
        "\"smClockRateKHz\":%d,\"memClockRateKHz\":%d,\"memoryBusWidth\":%d,"
        "\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],"
        "\"warpSize\":32,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":%d,\"maxCtasPerSM\":%d,"
        "\"regsPerBlock\":65536,\"maxRegistersPerSM\":65536,\"maxSharedMemoryPerBlock\":49152,"
        "\"maxSharedMemoryPerBlockOptin\":%d,\"reservedSharedMemoryPerBlock\":%d}",
        is->name, has->capability * 10, is->cuda_version, is->multiprocessors, is->total_bytes,
        has->l2_bytes, has->clock_khz, has->memory_clock_khz, has->memory_bus_bits, has->threads,
        has->blocks, has->block_shared_bytes, has->reserved_bytes);
}

static void *properties; /* the card, as cuDNN takes it; NULL if it does not */

static void make_properties(void)
{
    char json[2048];
    int length = describe(json, sizeof json);
    create_function *create = real("cudnnBackendCreateDescriptor");
    set_function *set = real("cudnnBackendSetAttribute");
    finalize_function *finalize = real("cudnnBackendFinalize");
    void *made = NULL;
    int status = create(DEVICE_PROPERTIES, &made);
    if (!status)
        status = set(made, DEVICE_AS_JSON, CHAR, length, json);
    if (!status)
        status = finalize(made);
    if (status)
        fprintf(stderr, "samfit: cuDNN takes no card that is only described (status %d): it has to "
                        "be 9.8 or later.\n", status);
    else
        properties = made;
}

int cudnnBackendCreateDescriptor(int kind, void **descriptor)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    create_function *create = real("cudnnBackendCreateDescriptor");
    int status = create(kind, descriptor);
    int attribute = kind == HEURISTICS ? HEURISTICS_DEVICE
                  : kind == PLAN ? PLAN_DEVICE
                  : kind == ENGINE ? ENGINE_DEVICE : 0;
    if (status || !attribute)
        return status;
    pthread_once(&once, make_properties);
    if (!properties)
        return CUDNN_NOT_SUPPORTED;
    set_function *set = real("cudnnBackendSetAttribute");
    return set(*descriptor, attribute, DESCRIPTOR, 1, &properties);
}

int cudnnBackendSetAttribute(void *descriptor, int attribute, int type, int64_t count,
                             const void *values)
{
    if (attribute == PLAN_HANDLE || attribute == GRAPH_HANDLE)
        return SUCCESS; /* the handle is none of cuDNN's */
    set_function *set = real("cudnnBackendSetAttribute");
    return set(descriptor, attribute, type, count, values);
}

int cudnnCreate(void **handle)
{
    *handle = new_handle();
    return SUCCESS;
}

int cudnnGetStream(void *, void **stream)
{
    *stream = NULL;
    return SUCCESS;
}

/* Batch normalisation asks by handle: what the real library would say is unknown, so 0. */

int cudnnGetBatchNormalizationForwardTrainingExWorkspaceSize(
    void *, int, int, void *, void *, void *, void *, void *, size_t *bytes)
{
    *bytes = 0;
    return SUCCESS;
}

int cudnnGetBatchNormalizationBackwardExWorkspaceSize(
    void *, int, int, void *, void *, void *, void *, void *, void *, void *, size_t *bytes)
{
    *bytes = 0;
    return SUCCESS;
}

int cudnnGetBatchNormalizationTrainingExReserveSpaceSize(
    void *, int, int, void *, void *, size_t *bytes)
{
    *bytes = 0;
    return SUCCESS;
}
