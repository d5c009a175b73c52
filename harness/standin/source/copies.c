/* Copies: what the card holds was never computed, so that whatever comes from it is zero. */
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "memory.h"

static int copy(void *to, const void *from, size_t bytes)
{
    if (on_card(to))
        return SUCCESS;
    if (on_card(from))
        memset(to, 0, bytes);
    else
        memmove(to, from, bytes);
    return SUCCESS;
}

int cudaMemcpy(void *to, const void *from, size_t bytes, int)
{
    return copy(to, from, bytes);
}

int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int, void *)
{
    return copy(to, from, bytes);
}

int cudaMemcpy2DAsync(char *to, size_t to_pitch, const char *from, size_t from_pitch, size_t width,
                      size_t height, int, void *)
{
    for (size_t row = 0; row < height; row++)
        copy(to + row * to_pitch, from + row * from_pitch, width);
    return SUCCESS;
}

int cudaMemset(void *to, int value, size_t bytes)
{
    if (!on_card(to))
        memset(to, value, bytes);
    return SUCCESS;
}

int cudaMemsetAsync(void *to, int value, size_t bytes, void *)
{
    return cudaMemset(to, value, bytes);
}

/* Host memory that the card could read is plain host memory. */

int cudaHostAlloc(void **pointer, size_t bytes, unsigned)
{
    *pointer = calloc(1, bytes ? bytes : 1);
    return *pointer ? SUCCESS : OUT_OF_MEMORY;
}

int cudaMallocHost(void **pointer, size_t bytes)
{
    return cudaHostAlloc(pointer, bytes, 0);
}

int cudaFreeHost(void *pointer)
{
    free(pointer);
    return SUCCESS;
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
    enum { UNREGISTERED = 0, DEVICE = 2 };
    *attributes = (struct pointer_attributes){.type = UNREGISTERED, .device = -2};
    if (on_card(pointer))
        *attributes = (struct pointer_attributes){DEVICE, 0, (void *)pointer, NULL};
    return SUCCESS;
}
