/* NCCL's communicators: they remember who is in them. The version and the names of errors are the
   real library's, which need no card. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cuda.h"
#include "devices.h"
#include "nccl.h"
#include "ranks.h"

int cudaMalloc(void **, size_t);
int cudaFree(void *);

enum { SYSTEM_ERROR = 2, INVALID_USAGE = 5 }; /* ncclResult_t */

struct unique_id { /* ncclUniqueId */
    char bytes[128];
};

static int create(struct communicator **made, int size, int rank, int device, const char *name)
{
    *made = malloc(sizeof **made);
    if (!*made)
        return SYSTEM_ERROR;
    **made = (struct communicator){size, rank, device, name ? join(name, size, rank) : NULL, ""};
    snprintf((*made)->name, sizeof (*made)->name, "%s", name ? name : "");
    return SUCCESS;
}

int ncclGetUniqueId(struct unique_id *id)
{
    uint64_t number[2];
    if (syscall(SYS_getrandom, number, sizeof number, 0) != sizeof number)
        return SYSTEM_ERROR;
    memset(id, 0, sizeof *id);
    snprintf(id->bytes, sizeof id->bytes, "%016llx%016llx", (unsigned long long)number[0],
             (unsigned long long)number[1]);
    return SUCCESS;
}

int ncclCommGetUniqueId(struct communicator *, struct unique_id *id)
{
    return ncclGetUniqueId(id);
}

int ncclCommInitRank(struct communicator **made, int size, struct unique_id id, int rank)
{
    return create(made, size, rank, used_device(), id.bytes);
}

int ncclCommInitRankConfig(struct communicator **made, int size, struct unique_id id, int rank,
                           void *)
{
    return create(made, size, rank, used_device(), id.bytes);
}

int ncclCommInitRankScalable(struct communicator **made, int size, int rank, int,
                             const struct unique_id *ids, void *)
{
    return create(made, size, rank, used_device(), ids->bytes);
}

/* One process with all the cards that are named, else with the first ones. */
int ncclCommInitAll(struct communicator **made, int size, const int *devices)
{
    for (int rank = 0; rank < size; rank++) {
        int status = create(&made[rank], size, rank, devices ? devices[rank] : rank, NULL);
        if (status)
            return status;
    }
    return SUCCESS;
}

/* Those that choose one color meet in a new one; below 0 in none. */
int ncclCommSplit(struct communicator *from, int color, int key, struct communicator **made, void *)
{
    int size = from->size, rank = key, splits = 0;
    char name[sizeof from->name];
    *made = NULL;
    if (from->meeting)
        splits = choose(from->meeting, color, key, &size, &rank);
    if (snprintf(name, sizeof name, "%s-%d-%d", from->name, splits, color) >= (int)sizeof name)
        return INVALID_USAGE; /* split of split of split */
    if (color < 0)
        return SUCCESS;
    return create(made, size, rank, from->device, from->meeting ? name : NULL);
}

int ncclCommShrink(struct communicator *from, const int *excluded, int count,
                   struct communicator **made, void *, int)
{
    int rank = from->rank;
    for (int i = 0; i < count; i++)
        if (excluded[i] < from->rank)
            rank--;
    return create(made, from->size - count, rank, from->device, NULL);
}

int ncclCommGrow(struct communicator *from, int size, const struct unique_id *, int rank,
                 struct communicator **made, void *)
{
    return create(made, size, from ? from->rank : rank, used_device(), NULL);
}

int ncclCommDestroy(struct communicator *communicator)
{
    leave(communicator->meeting);
    free(communicator);
    return SUCCESS;
}

int ncclCommAbort(struct communicator *communicator) { return ncclCommDestroy(communicator); }

int ncclCommCount(const struct communicator *communicator, int *count)
{
    *count = communicator->size;
    return SUCCESS;
}

int ncclCommUserRank(const struct communicator *communicator, int *rank)
{
    *rank = communicator->rank;
    return SUCCESS;
}

int ncclCommCuDevice(const struct communicator *communicator, int *device)
{
    *device = communicator->device;
    return SUCCESS;
}

int ncclCommGetAsyncError(struct communicator *, int *error)
{
    *error = SUCCESS;
    return SUCCESS;
}

const char *ncclGetLastError(struct communicator *) { return "none on samfit's stand-in"; }

int ncclCommMemStats(struct communicator *, int, uint64_t *value)
{
    *value = 0;
    return SUCCESS;
}

int ncclMemAlloc(void **pointer, size_t bytes)
{
    return cudaMalloc(pointer, bytes) ? SYSTEM_ERROR : SUCCESS;
}

int ncclMemFree(void *pointer) { return cudaFree(pointer) ? INVALID_USAGE : SUCCESS; }

int ncclCommRegister(struct communicator *, void *, size_t, void **handle)
{
    *handle = new_handle();
    return SUCCESS;
}

int ncclCommWindowRegister(struct communicator *, void *, size_t, void **window, int)
{
    *window = new_handle();
    return SUCCESS;
}
