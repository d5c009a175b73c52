/* Memory of a card as the runtime allocates it: at once, or in the order of a stream, which is the
   same here. */
#include <stddef.h>

#include "card.h"
#include "cuda.h"
#include "devices.h"
#include "host.h"
#include "memory.h"

void samfit_bytes(int device, size_t *now, size_t *most);
void samfit_free_and_total(int device, size_t *free_bytes, size_t *total_bytes);

int cudaMalloc(void **pointer, size_t bytes)
{
    int device = used_device();
    *pointer = NULL;
    if (!is_device(device))
        return NO_DEVICE;
    if (!bytes)
        return SUCCESS;
    bytes = whole_pages(bytes);
    if (!take(device, bytes))
        return OUT_OF_MEMORY;
    *pointer = (void *)reserve(device, bytes);
    if (!*pointer) {
        give_back(device, bytes);
        return OUT_OF_MEMORY;
    }
    return SUCCESS;
}

int cudaFree(void *pointer)
{
    int device = device_at(pointer);
    if (!pointer)
        return SUCCESS;
    if (device < 0)
        return free_host(pointer) ? SUCCESS : INVALID_VALUE; /* managed memory */
    size_t bytes = unreserve((uintptr_t)pointer);
    give_back(device, bytes);
    return bytes ? SUCCESS : INVALID_VALUE;
}

int cudaMallocAsync(void **pointer, size_t bytes, void *)
{
    return cudaMalloc(pointer, bytes);
}

int cudaFreeAsync(void *pointer, void *)
{
    return cudaFree(pointer);
}

int cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes)
{
    samfit_free_and_total(used_device(), free_bytes, total_bytes);
    return SUCCESS;
}

/* Pools, from which memory is allocated in the order of a stream: each card has one. */

static char pools[MOST_CARDS]; /* their addresses stand for the pools */

int cudaDeviceGetDefaultMemPool(char **pool, int device)
{
    if (!is_device(device))
        return INVALID_DEVICE;
    *pool = pools + device;
    return SUCCESS;
}

int cudaMemPoolGetAttribute(const char *pool, int attribute, uint64_t *value)
{
    enum { RESERVED_NOW = 5, USED_NOW = 7 }; /* cudaMemPoolAttr; the most of each is one further */
    size_t now, most;
    samfit_bytes((int)(pool - pools), &now, &most);
    *value = attribute == RESERVED_NOW || attribute == USED_NOW ? now : most;
    return SUCCESS;
}
