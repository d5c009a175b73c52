/* Virtual memory management, with which PyTorch's expandable segments grow: addresses are reserved
   first, and memory is created and mapped to them page by page. */
#include <pthread.h>
#include <stdlib.h>

#include "cuda.h"
#include "devices.h"
#include "memory.h"

/* Memory that was created: it is given back when neither the handle nor a mapping needs it. */
struct memory {
    size_t bytes;
    int device;
    int users;
};

struct mapping {
    uintptr_t start;
    struct memory *memory;
    struct mapping *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mapping *mappings;

/* The lock is held. */
static void drop(struct memory *memory)
{
    if (--memory->users)
        return;
    give_back(memory->device, memory->bytes);
    free(memory);
}

int cuMemGetAllocationGranularity(size_t *bytes, const void *, int)
{
    *bytes = PAGE;
    return SUCCESS;
}

int cuMemAddressReserve(uintptr_t *address, size_t bytes, size_t, uintptr_t, unsigned long long)
{
    if (!bytes || bytes % PAGE)
        return INVALID_VALUE;
    *address = reserve(used_device(), bytes);
    return *address ? SUCCESS : OUT_OF_MEMORY;
}

int cuMemAddressFree(uintptr_t address, size_t)
{
    return unreserve(address) ? SUCCESS : INVALID_VALUE;
}

int cuMemGetAddressRange(uintptr_t *start, size_t *bytes, uintptr_t address)
{
    uintptr_t found;
    size_t size = range_of(address, &found);
    if (start)
        *start = found;
    if (bytes)
        *bytes = size;
    return size ? SUCCESS : INVALID_VALUE;
}

struct properties { /* the head of CUmemAllocationProp */
    int type, handle_types, location_type;
    int device; /* if memory of a device is asked for: of the host's nobody does */
};

int cuMemCreate(struct memory **handle, size_t bytes, const struct properties *properties,
                unsigned long long)
{
    int device = properties->device;
    if (!bytes || bytes % PAGE || !is_device(device))
        return INVALID_VALUE;
    if (!take(device, bytes))
        return OUT_OF_MEMORY;
    *handle = malloc(sizeof **handle);
    if (!*handle) {
        give_back(device, bytes);
        return OUT_OF_MEMORY;
    }
    **handle = (struct memory){bytes, device, 1};
    return SUCCESS;
}

int cuMemRelease(struct memory *handle)
{
    pthread_mutex_lock(&lock);
    drop(handle);
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}

int cuMemMap(uintptr_t address, size_t, size_t, struct memory *handle, unsigned long long)
{
    struct mapping *new = malloc(sizeof *new);
    if (!new)
        return OUT_OF_MEMORY;
    pthread_mutex_lock(&lock);
    handle->users++;
    *new = (struct mapping){address, handle, mappings};
    mappings = new;
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}

int cuMemUnmap(uintptr_t address, size_t bytes)
{
    pthread_mutex_lock(&lock);
    for (struct mapping **place = &mappings; *place;) {
        struct mapping *old = *place;
        if (old->start - address < bytes) {
            drop(old->memory);
            *place = old->next;
            free(old);
        } else {
            place = &old->next;
        }
    }
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}
