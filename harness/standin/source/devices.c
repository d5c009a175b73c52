#include "devices.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "card.h"
#include "cuda.h"
#include "visible.h"

static _Thread_local int current;
static _Atomic unsigned contexts_made; /* one bit for each card */
static char contexts[MOST_CARDS];      /* their addresses stand for the contexts */

bool is_device(int device)
{
    return device >= 0 && device < visible_cards()->count;
}

int current_device(void) { return current; }

int used_device(void)
{
    atomic_fetch_or(&contexts_made, 1u << current);
    return current;
}

bool has_context(int device) { return contexts_made >> device & 1; }

int bus_of(int device) { return visible_cards()->index[device] + 1; }

void uuid_of(int device, char uuid[16])
{
    memcpy(uuid, "samfit stand-in", 16);
    uuid[15] = (char)visible_cards()->index[device];
}

/* The runtime. */

int cudaGetDeviceCount(int *count)
{
    *count = visible_cards()->count;
    return *count ? SUCCESS : NO_DEVICE;
}

int cudaGetDevice(int *device)
{
    *device = current;
    return visible_cards()->count ? SUCCESS : NO_DEVICE;
}

int cudaSetDevice(int device)
{
    if (!is_device(device))
        return visible_cards()->count ? INVALID_DEVICE : NO_DEVICE;
    current = device;
    used_device();
    return SUCCESS;
}

int cudaDeviceReset(void) { return SUCCESS; }

/* As between the cards of most servers. Between those that cannot (GeForce without a bridge)
   PyTorch would copy what is not contiguous by way of a copy on either card. */
int cudaDeviceCanAccessPeer(int *can, int device, int peer)
{
    if (!is_device(device) || !is_device(peer))
        return INVALID_DEVICE;
    *can = device != peer;
    return SUCCESS;
}

int cuDeviceCanAccessPeer(int *can, int device, int peer)
{
    return cudaDeviceCanAccessPeer(can, device, peer);
}

int cudaDeviceGetPCIBusId(char *id, int length, int device)
{
    if (!is_device(device))
        return INVALID_DEVICE;
    snprintf(id, (size_t)length, "0000:%02x:00.0", (unsigned)bus_of(device));
    return SUCCESS;
}

int cuDeviceGetPCIBusId(char *id, int length, int device)
{
    return cudaDeviceGetPCIBusId(id, length, device);
}

/* The driver. */

int cuDeviceGetCount(int *count)
{
    *count = visible_cards()->count;
    return SUCCESS;
}

int cuDeviceGet(int *device, int number)
{
    *device = number;
    return is_device(number) ? SUCCESS : INVALID_DEVICE;
}

int cuDeviceGetUuid_v2(char *uuid, int device)
{
    if (!is_device(device))
        return INVALID_DEVICE;
    uuid_of(device, uuid);
    return SUCCESS;
}

/* Contexts: each card has one, which is there whenever it is asked for; the current one is that of
   the card that the thread uses. */

static int device_of_context(const char *context) { return (int)(context - contexts); }

int cuCtxGetCurrent(char **context)
{
    *context = contexts + current;
    return SUCCESS;
}

int cuCtxSetCurrent(char *context)
{
    return context ? cudaSetDevice(device_of_context(context)) : SUCCESS;
}

static _Thread_local int pushed[16];
static _Thread_local size_t depth;

int cuCtxPushCurrent_v2(char *context)
{
    if (depth == sizeof pushed / sizeof *pushed)
        return INVALID_VALUE;
    pushed[depth++] = current;
    return cuCtxSetCurrent(context);
}

int cuCtxPopCurrent_v2(char **context)
{
    if (context)
        *context = contexts + current;
    if (depth)
        current = pushed[--depth];
    return SUCCESS;
}

int cuCtxPushCurrent(char *context) { return cuCtxPushCurrent_v2(context); }
int cuCtxPopCurrent(char **context) { return cuCtxPopCurrent_v2(context); }

int cuCtxGetDevice(int *device)
{
    *device = current;
    return SUCCESS;
}

/* A stream's handle tells its card; the default ones are of the card in use. */
int cudaStreamGetDevice(void *stream, int *device)
{
    *device = device_of_handle(stream) < 0 ? current : device_of_handle(stream);
    return SUCCESS;
}

int cuStreamGetCtx(void *stream, char **context)
{
    int device;
    cudaStreamGetDevice(stream, &device);
    *context = contexts + device;
    return SUCCESS;
}

int cuDevicePrimaryCtxRetain(char **context, int device)
{
    if (!is_device(device))
        return INVALID_DEVICE;
    atomic_fetch_or(&contexts_made, 1u << device);
    *context = contexts + device;
    return SUCCESS;
}

int cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }

int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active)
{
    if (!is_device(device))
        return INVALID_DEVICE;
    *flags = 0;
    *active = has_context(device);
    return SUCCESS;
}

/* For NVML: what the context takes on a card. */
size_t samfit_context_bytes(int device)
{
    return has_context(device) ? card()->context_bytes : 0;
}
