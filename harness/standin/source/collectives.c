/* NCCL's collectives: they move what is known of the memory, as if all ranks had the same, since
   they run the same program; and they let the ranks wait for each other. */
#include <stddef.h>

#include "contents.h"
#include "cuda.h"
#include "nccl.h"
#include "ranks.h"

static size_t bytes_of(size_t count, int type)
{
    static const unsigned char sizes[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1}; /* ncclDataType_t */
    return (size_t)type < sizeof sizes ? count * sizes[type] : 0;
}

/* As many parts as there are ranks, each as this rank's. */
static int gather(const void *part, void *whole, size_t bytes, const struct communicator *in)
{
    arrive(in->meeting);
    carry(whole, part, bytes, (size_t)in->size);
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
    if (in->rank == root)
        return gather(from, to, bytes_of(count, type), in);
    arrive(in->meeting);
    return SUCCESS;
}

int ncclBroadcast(const void *from, void *to, size_t count, int type, int, struct communicator *in,
                  void *)
{
    arrive(in->meeting);
    if (from != to)
        carry(to, from, bytes_of(count, type), 1);
    return SUCCESS;
}

int ncclBcast(void *, size_t, int, int, struct communicator *in, void *)
{
    arrive(in->meeting);
    return SUCCESS;
}

/* What is reduced, scattered or exchanged is not known. */
static int lose(void *to, size_t bytes, const struct communicator *in)
{
    arrive(in->meeting);
    forget(to, bytes);
    return SUCCESS;
}

int ncclAllReduce(const void *, void *to, size_t count, int type, int, struct communicator *in,
                  void *)
{
    return lose(to, bytes_of(count, type), in);
}

int ncclReduce(const void *, void *to, size_t count, int type, int, int root,
               struct communicator *in, void *)
{
    return lose(to, in->rank == root ? bytes_of(count, type) : 0, in);
}

int ncclReduceScatter(const void *, void *to, size_t count, int type, int,
                      struct communicator *in, void *)
{
    return lose(to, bytes_of(count, type), in);
}

int ncclScatter(const void *, void *to, size_t count, int type, int, struct communicator *in,
                void *)
{
    return lose(to, bytes_of(count, type), in);
}

int ncclAlltoAll(const void *, void *to, size_t count, int type, struct communicator *in, void *)
{
    return lose(to, bytes_of(count, type) * (size_t)in->size, in);
}

/* Only two ranks have to do with these: nobody waits. */

int ncclRecv(void *to, size_t count, int type, int, struct communicator *, void *)
{
    forget(to, bytes_of(count, type));
    return SUCCESS;
}

int ncclRedOpCreatePreMulSum(int *operation, void *, int, int, struct communicator *)
{
    *operation = 5; /* the first behind those that are built in */
    return SUCCESS;
}
