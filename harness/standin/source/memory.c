#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "card.h"
#include "cuda.h"

/* Far more than any card has, since fragments of it stay unused. */
static const size_t SPACE = (size_t)1 << 44;

struct range {
    uintptr_t start;
    size_t bytes;
    struct range *next; /* the next higher one */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uintptr_t space; /* where the card's addresses begin; 0 before the first is needed */
static struct range *ranges;
static size_t in_use, peak;
static size_t limit = SIZE_MAX; /* until the card is known */

size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

bool on_card(const void *address)
{
    return space && (uintptr_t)address - space < SPACE;
}

/* Addresses that no pointer to host memory can have: whatever reads them ends at once. */
static void make_space(void)
{
    void *found = mmap(NULL, SPACE + PAGE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (found != MAP_FAILED)
        space = whole_pages((uintptr_t)found);
}

uintptr_t reserve(size_t bytes)
{
    uintptr_t start = 0;
    pthread_mutex_lock(&lock);
    if (!space)
        make_space();
    struct range *new = space ? malloc(sizeof *new) : NULL;
    if (new) {
        struct range **place = &ranges; /* the lowest gap that is wide enough */
        uintptr_t gap = space;
        for (; *place && (*place)->start - gap < bytes; place = &(*place)->next)
            gap = (*place)->start + (*place)->bytes;
        if (space + SPACE - gap >= bytes) {
            *new = (struct range){start = gap, bytes, *place};
            *place = new;
        } else {
            free(new);
        }
    }
    pthread_mutex_unlock(&lock);
    return start;
}

size_t unreserve(uintptr_t address)
{
    size_t bytes = 0;
    pthread_mutex_lock(&lock);
    for (struct range **place = &ranges; *place; place = &(*place)->next)
        if ((*place)->start == address) {
            struct range *old = *place;
            bytes = old->bytes;
            *place = old->next;
            free(old);
            break;
        }
    pthread_mutex_unlock(&lock);
    return bytes;
}

size_t range_of(uintptr_t address, uintptr_t *start)
{
    size_t bytes = 0;
    pthread_mutex_lock(&lock);
    for (struct range *range = ranges; range; range = range->next)
        if (address - range->start < range->bytes) {
            *start = range->start;
            bytes = range->bytes;
        }
    pthread_mutex_unlock(&lock);
    return bytes;
}

/* What may be in use at once; the lock is held. */
static size_t bound(void)
{
    if (limit == SIZE_MAX)
        limit = card()->total_bytes - card()->context_bytes;
    return limit;
}

bool take(size_t bytes)
{
    pthread_mutex_lock(&lock);
    bool fits = in_use <= bound() && bytes <= bound() - in_use;
    if (fits) {
        in_use += bytes;
        if (in_use > peak)
            peak = in_use;
    }
    pthread_mutex_unlock(&lock);
    return fits;
}

void give_back(size_t bytes)
{
    pthread_mutex_lock(&lock);
    in_use -= bytes;
    pthread_mutex_unlock(&lock);
}

int cudaMalloc(void **pointer, size_t bytes)
{
    *pointer = NULL;
    if (!bytes)
        return SUCCESS;
    bytes = whole_pages(bytes);
    if (!take(bytes))
        return OUT_OF_MEMORY;
    *pointer = (void *)reserve(bytes);
    if (!*pointer) {
        give_back(bytes);
        return OUT_OF_MEMORY;
    }
    return SUCCESS;
}

int cudaFree(void *pointer)
{
    if (!pointer)
        return SUCCESS;
    size_t bytes = unreserve((uintptr_t)pointer);
    give_back(bytes);
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
    pthread_mutex_lock(&lock);
    *free_bytes = in_use < bound() ? bound() - in_use : 0;
    *total_bytes = card()->total_bytes;
    pthread_mutex_unlock(&lock);
    return SUCCESS;
}

/* For those who rehearse: from now on so many bytes may be in use, beside the context. */
void samfit_set_limit(size_t bytes)
{
    pthread_mutex_lock(&lock);
    limit = bytes;
    pthread_mutex_unlock(&lock);
}

/* For those who rehearse: bytes in use now, and the most that were. */
void samfit_bytes(size_t *now, size_t *most)
{
    pthread_mutex_lock(&lock);
    *now = in_use;
    *most = peak;
    pthread_mutex_unlock(&lock);
}

/* For NVML: what the context takes beside them. */
size_t samfit_context_bytes(void)
{
    return card()->context_bytes;
}

/* Memory that is allocated in the order of a stream comes from the same place. */
int cudaMemPoolGetAttribute(void *, int attribute, uint64_t *value)
{
    enum { RESERVED_NOW = 5, USED_NOW = 7 }; /* cudaMemPoolAttr; the most of each is one further */
    size_t now, most;
    samfit_bytes(&now, &most);
    *value = attribute == RESERVED_NOW || attribute == USED_NOW ? now : most;
    return SUCCESS;
}
