/* Streams, events and graphs: all that is ordered by them has happened already. */
#include <stdatomic.h>
#include <string.h>

#include "card.h"
#include "cuda.h"
#include "devices.h"

/* Handles are aligned as addresses, since PyTorch has a use for their lowest bits; the card's
   number is in the next. */
enum { CARD_STEP = 16, HANDLE_STEP = CARD_STEP * MOST_CARDS, FIRST_HANDLE = 16 * HANDLE_STEP };

void *new_handle(void)
{
    static _Atomic uintptr_t last = FIRST_HANDLE;
    return (void *)atomic_fetch_add(&last, HANDLE_STEP);
}

void *new_handle_here(void)
{
    return (char *)new_handle() + used_device() * CARD_STEP;
}

int device_of_handle(const void *handle)
{
    uintptr_t number = (uintptr_t)handle;
    return number < FIRST_HANDLE ? -1 : (int)(number % HANDLE_STEP / CARD_STEP);
}

static int create(void **handle)
{
    *handle = new_handle();
    return SUCCESS;
}

static int create_here(void **handle)
{
    *handle = new_handle_here();
    return SUCCESS;
}

int cudaStreamCreate(void **stream) { return create_here(stream); }
int cudaStreamCreateWithFlags(void **stream, unsigned) { return create_here(stream); }
int cudaStreamCreateWithPriority(void **stream, unsigned, int) { return create_here(stream); }
int cudaEventCreate(void **event) { return create(event); }
int cudaEventCreateWithFlags(void **event, unsigned) { return create(event); }
int cudaLibraryLoadData(void **library, ...) { return create(library); }
int cudaLibraryLoadFromFile(void **library, ...) { return create(library); }
int cudaLibraryGetUnifiedFunction(void **function, ...) { return create(function); }
int cudaLibraryGetKernel(void **kernel, ...) { return create(kernel); }
int cudaUserObjectCreate(void **object, ...) { return create(object); }
int cudaGraphInstantiate(void **graph, ...) { return create(graph); }
int cudaGraphInstantiateWithFlags(void **graph, ...) { return create(graph); }
int cudaGraphAddNode(void **node, ...) { return create(node); }
int cudaGraphConditionalHandleCreate(void **handle, ...) { return create(handle); }

int cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    *least = 0;
    *greatest = -5;
    return SUCCESS;
}

int cudaStreamGetPriority(void *, int *priority)
{
    *priority = 0;
    return SUCCESS;
}

/* Whatever is timed later took a little longer, since nothing is known of how long it takes: who
   looks for the fastest finds the first. So with torch.backends.cudnn.benchmark the plan that
   cuDNN's heuristics name first is taken, and the others stay in their order behind it, to be tried
   where memory runs out. (Of equal ones PyTorch would keep one alone.) */
int cudaEventElapsedTime(float *milliseconds, void *, void *)
{
    static _Atomic unsigned timed;
    *milliseconds = 1 + (float)atomic_fetch_add(&timed, 1) / 1024;
    return SUCCESS;
}

int cudaLaunchHostFunc(void *, void (*function)(void *), void *data)
{
    function(data);
    return SUCCESS;
}

int cudaStreamAddCallback(void *stream, void (*function)(void *, int, void *), void *data, unsigned)
{
    function(stream, SUCCESS, data);
    return SUCCESS;
}

/* Capture. One stream captures at a time; what is launched meanwhile does nothing anyway. */

enum capture_status { NONE = 0, ACTIVE = 1 };
static _Atomic(void *) capturing;
static _Atomic unsigned long long captures;

int cudaStreamBeginCapture(void *stream, int)
{
    capturing = stream;
    captures++;
    return SUCCESS;
}

int cudaStreamBeginCaptureToGraph(void *stream, ...)
{
    return cudaStreamBeginCapture(stream, 0);
}

int cudaStreamEndCapture(void *, void **graph)
{
    capturing = NULL;
    return create(graph);
}

int cudaStreamIsCapturing(void *stream, int *status)
{
    *status = stream && stream == capturing ? ACTIVE : NONE;
    return SUCCESS;
}

/* The graph, its nodes and their edges, which may be asked for, too, are left empty. */
int cudaStreamGetCaptureInfo_v2(void *stream, int *status, unsigned long long *id, void **graph,
                                const void ***nodes, size_t *count)
{
    cudaStreamIsCapturing(stream, status);
    if (id)
        *id = captures;
    if (graph)
        *graph = NULL;
    if (nodes)
        *nodes = NULL;
    if (count)
        *count = 0;
    return SUCCESS;
}

int cudaStreamGetCaptureInfo(void *stream, int *status, unsigned long long *id, void **graph,
                             const void ***nodes, const void **edges, size_t *count)
{
    if (edges)
        *edges = NULL;
    return cudaStreamGetCaptureInfo_v2(stream, status, id, graph, nodes, count);
}

/* One node, so that nobody warns of an empty graph. */
int cudaGraphGetNodes(void *, void **nodes, size_t *count)
{
    if (nodes && *count)
        nodes[0] = new_handle();
    *count = 1;
    return SUCCESS;
}

int cudaGraphNodeGetDependencies(void *, void **, void *, size_t *count)
{
    *count = 0;
    return SUCCESS;
}

/* Graphs hold no memory of their own. */
int cudaDeviceGetGraphMemAttribute(int, int, uint64_t *value)
{
    *value = 0;
    return SUCCESS;
}

int cudaThreadExchangeStreamCaptureMode(int *mode)
{
    *mode = 0;
    return SUCCESS;
}
