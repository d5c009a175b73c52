#include "host.h"

#include <pthread.h>
#include <stdlib.h>

#include "cuda.h"
#include "devices.h"
#include "memory.h"

struct block {
    uintptr_t start;
    size_t bytes;
    enum memory_type type;
    bool ours; /* allocated here, and not only registered */
    struct block *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;

static bool add(void *pointer, size_t bytes, enum memory_type type, bool ours)
{
    struct block *new = malloc(sizeof *new);
    if (!new)
        return false;
    used_device();
    pthread_mutex_lock(&lock);
    *new = (struct block){(uintptr_t)pointer, bytes, type, ours, blocks};
    blocks = new;
    pthread_mutex_unlock(&lock);
    return true;
}

static bool take_out(const void *pointer, bool ours)
{
    bool found = false;
    pthread_mutex_lock(&lock);
    for (struct block **place = &blocks; *place; place = &(*place)->next)
        if ((*place)->start == (uintptr_t)pointer && (*place)->ours == ours) {
            struct block *old = *place;
            *place = old->next;
            free(old);
            found = true;
            break;
        }
    pthread_mutex_unlock(&lock);
    return found;
}

enum memory_type type_of_host(const void *address)
{
    enum memory_type type = UNREGISTERED;
    pthread_mutex_lock(&lock);
    for (struct block *block = blocks; block && !type; block = block->next)
        if ((uintptr_t)address - block->start < block->bytes)
            type = block->type;
    pthread_mutex_unlock(&lock);
    return type;
}

bool free_host(void *pointer)
{
    bool ours = take_out(pointer, true);
    if (ours)
        free(pointer);
    return ours;
}

static int allocate(void **pointer, size_t bytes, enum memory_type type)
{
    bytes = bytes ? bytes : 1;
    *pointer = calloc(1, bytes);
    if (*pointer && add(*pointer, bytes, type, true))
        return SUCCESS;
    free(*pointer);
    *pointer = NULL;
    return OUT_OF_MEMORY;
}

int cudaHostAlloc(void **pointer, size_t bytes, unsigned)
{
    return allocate(pointer, bytes, HOST);
}

int cudaMallocHost(void **pointer, size_t bytes)
{
    return allocate(pointer, bytes, HOST);
}

/* It moves between host and card as either needs it, and makes room on the card where others want
   it: so it counts as the host's, and nothing of it on the card. */
int cudaMallocManaged(void **pointer, size_t bytes, unsigned)
{
    return allocate(pointer, bytes, MANAGED);
}

int cudaFreeHost(void *pointer)
{
    return !pointer || free_host(pointer) ? SUCCESS : INVALID_VALUE;
}

int cudaHostRegister(void *pointer, size_t bytes, unsigned)
{
    return add(pointer, bytes, HOST, false) ? SUCCESS : OUT_OF_MEMORY;
}

int cudaHostUnregister(void *pointer)
{
    return take_out(pointer, false) ? SUCCESS : INVALID_VALUE;
}

int cudaHostGetDevicePointer(void **on_device, void *pointer, unsigned)
{
    *on_device = pointer;
    return SUCCESS;
}

struct pointer_attributes { /* cudaPointerAttributes; CUDA 13 has reserved fields behind these */
    int type;
    int device;
    void *device_pointer;
    void *host_pointer;
};

int cudaPointerGetAttributes(struct pointer_attributes *attributes, const void *pointer)
{
    void *itself = (void *)pointer;
    int device = device_at(pointer);
    int type = device < 0 ? (int)type_of_host(pointer) : DEVICE;
    if (type == UNREGISTERED)
        *attributes = (struct pointer_attributes){.type = type, .device = -2};
    else if (type == DEVICE)
        *attributes = (struct pointer_attributes){type, device, itself, NULL};
    else
        *attributes = (struct pointer_attributes){type, current_device(), itself, itself};
    return SUCCESS;
}
