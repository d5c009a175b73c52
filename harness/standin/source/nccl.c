/* NCCL: communicators remember who is in them, and collectives move what is known of the memory, as
   if all ranks had the same: they run the same program, and are not asked. What NCCL itself
   allocates on a card (buffers of each communicator) goes past PyTorch's allocator and is not known
   without the cards: it counts as 0 here. The version and the names of errors are the real
   library's, which need no card. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "contents.h"
#include "cuda.h"
#include "devices.h"

int cudaMalloc(void **, size_t);
int cudaFree(void *);

enum { SYSTEM_ERROR = 2, INVALID_USAGE = 5 }; /* ncclResult_t */

struct communicator {
    int size, rank, device;
};

struct unique_id { /* ncclUniqueId */
    char bytes[128];
};

static int create(struct communicator **made, int size, int rank, int device)
{
    *made = malloc(sizeof **made);
    if (!*made)
        return SYSTEM_ERROR;
    **made = (struct communicator){size, rank, device};
    return SUCCESS;
}

int ncclGetUniqueId(struct unique_id *id)
{
    memset(id, 's', sizeof *id);
    return SUCCESS;
}

int ncclCommGetUniqueId(struct communicator *, struct unique_id *id)
{
    return ncclGetUniqueId(id);
}

int ncclCommInitRank(struct communicator **made, int size, struct unique_id, int rank)
{
    return create(made, size, rank, used_device());
}

int ncclCommInitRankConfig(struct communicator **made, int size, struct unique_id, int rank, void *)
{
    return create(made, size, rank, used_device());
}

int ncclCommInitRankScalable(struct communicator **made, int size, int rank, int, void *, void *)
{
    return create(made, size, rank, used_device());
}

/* One process with all the cards that are named, else with the first ones. */
int ncclCommInitAll(struct communicator **made, int size, const int *devices)
{
    for (int rank = 0; rank < size; rank++) {
        int status = create(&made[rank], size, rank, devices ? devices[rank] : rank);
        if (status)
            return status;
    }
    return SUCCESS;
}

/* Collectives: the communicator stands behind how much, of what type, and for some the root. */

static size_t bytes_of(size_t count, int type)
{
    static const unsigned char sizes[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1}; /* ncclDataType_t */
    return (size_t)type < sizeof sizes ? count * sizes[type] : 0;
}

/* As many parts as there are ranks, each as this rank's. */
static int gather(const void *part, char *whole, size_t bytes, const struct communicator *in)
{
    for (int rank = 0; rank < in->size; rank++)
        if (whole + (size_t)rank * bytes != part)
            carry(whole + (size_t)rank * bytes, part, bytes);
    return SUCCESS;
}

int ncclAllGather(const void *from, void *to, size_t count, int type, struct communicator *in,
                  void *)
{
    return gather(from, to, bytes_of(count, type), in);
}

int ncclGather(const void *from, void *to, size_t count, int type, int root,
               struct communicator *in, void *)
{
    return in->rank == root ? gather(from, to, bytes_of(count, type), in) : SUCCESS;
}

int ncclBroadcast(const void *from, void *to, size_t count, int type, int, struct communicator *,
                  void *)
{
    if (from != to)
        carry(to, from, bytes_of(count, type));
    return SUCCESS;
}

int ncclBcast(void *, size_t, int, int, struct communicator *, void *) { return SUCCESS; }

/* Sums are not known, and other operations are treated alike. */
int ncclAllReduce(const void *, void *to, size_t count, int type, int, struct communicator *,
                  void *)
{
    forget(to, bytes_of(count, type));
    return SUCCESS;
}

int ncclReduce(const void *, void *to, size_t count, int type, int, int root,
               struct communicator *in, void *)
{
    if (in->rank == root)
        forget(to, bytes_of(count, type));
    return SUCCESS;
}

int ncclReduceScatter(const void *, void *to, size_t count, int type, int, struct communicator *,
                      void *)
{
    forget(to, bytes_of(count, type));
    return SUCCESS;
}

int ncclScatter(const void *, void *to, size_t count, int type, int, struct communicator *, void *)
{
    forget(to, bytes_of(count, type));
    return SUCCESS;
}

int ncclAlltoAll(const void *, void *to, size_t count, int type, struct communicator *in, void *)
{
    forget(to, bytes_of(count, type) * (size_t)in->size);
    return SUCCESS;
}

int ncclRecv(void *to, size_t count, int type, int, struct communicator *, void *)
{
    forget(to, bytes_of(count, type));
    return SUCCESS;
}

/* How many others chose this colour is not known, since they are not asked: as many as can be. */
int ncclCommSplit(struct communicator *from, int color, int key, struct communicator **made, void *)
{
    *made = NULL;
    return color < 0 ? SUCCESS : create(made, from->size, key, from->device);
}

int ncclCommShrink(struct communicator *from, const int *excluded, int count,
                   struct communicator **made, void *, int)
{
    int rank = from->rank;
    for (int i = 0; i < count; i++)
        if (excluded[i] < from->rank)
            rank--;
    return create(made, from->size - count, rank, from->device);
}

int ncclCommGrow(struct communicator *from, int size, const struct unique_id *, int rank,
                 struct communicator **made, void *)
{
    return create(made, size, from ? from->rank : rank, used_device());
}

int ncclCommDestroy(struct communicator *communicator)
{
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

int ncclRedOpCreatePreMulSum(int *operation, void *, int, int, struct communicator *)
{
    *operation = 5; /* the first behind those that are built in */
    return SUCCESS;
}
