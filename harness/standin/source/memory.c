#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "card.h"
#include "cuda.h"
#include "devices.h"

/* Far more than any card has, since fragments of it stay unused, and PyTorch reserves more than the
   whole card for each expandable segment. A process has 2^47 bytes of addresses: each card takes
   its own when it is first used, the eighth and later ones less. */
static const size_t MOST_SPACE = (size_t)1 << 44;
static const size_t LEAST_SPACE = (size_t)1 << 41;

struct range {
    uintptr_t start;
    size_t bytes;
    struct range *next; /* the next higher one */
};

struct account {
    uintptr_t space; /* where the card's addresses begin; 0 before the first is needed */
    size_t space_bytes;
    struct range *ranges;
    size_t in_use, peak;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct account accounts[MOST_CARDS];
static size_t limit = SIZE_MAX; /* of each card; until the card is known */

size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

int device_at(const void *address)
{
    for (int device = 0; device < MOST_CARDS; device++)
        if ((uintptr_t)address - accounts[device].space < accounts[device].space_bytes)
            return device;
    return -1;
}

bool on_card(const void *address) { return device_at(address) >= 0; }

/* Addresses that no pointer to host memory can have: whatever reads them ends at once. */
static void make_space(struct account *account)
{
    for (size_t bytes = MOST_SPACE; bytes >= LEAST_SPACE && !account->space; bytes /= 2) {
        void *found = mmap(NULL, bytes + PAGE, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (found == MAP_FAILED)
            continue;
        account->space = whole_pages((uintptr_t)found);
        account->space_bytes = bytes;
    }
}

uintptr_t reserve(int device, size_t bytes)
{
    struct account *account = &accounts[device];
    uintptr_t start = 0;
    pthread_mutex_lock(&lock);
    if (!account->space)
        make_space(account);
    struct range *new = account->space ? malloc(sizeof *new) : NULL;
    if (new) {
        struct range **place = &account->ranges; /* the lowest gap that is wide enough */
        uintptr_t gap = account->space;
        for (; *place && (*place)->start - gap < bytes; place = &(*place)->next)
            gap = (*place)->start + (*place)->bytes;
        if (account->space + account->space_bytes - gap >= bytes) {
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
    int device = device_at((void *)address);
    if (device < 0)
        return 0;
    pthread_mutex_lock(&lock);
    for (struct range **place = &accounts[device].ranges; *place; place = &(*place)->next)
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
    int device = device_at((void *)address);
    if (device < 0)
        return 0;
    pthread_mutex_lock(&lock);
    for (struct range *range = accounts[device].ranges; range; range = range->next)
        if (address - range->start < range->bytes) {
            *start = range->start;
            bytes = range->bytes;
        }
    pthread_mutex_unlock(&lock);
    return bytes;
}

/* What may be in use on a card at once; the lock is held. */
static size_t bound(void)
{
    if (limit == SIZE_MAX)
        limit = card()->total_bytes - card()->context_bytes;
    return limit;
}

bool take(int device, size_t bytes)
{
    struct account *account = &accounts[device];
    pthread_mutex_lock(&lock);
    bool fits = account->in_use <= bound() && bytes <= bound() - account->in_use;
    if (fits) {
        account->in_use += bytes;
        if (account->in_use > account->peak)
            account->peak = account->in_use;
    }
    pthread_mutex_unlock(&lock);
    return fits;
}

void give_back(int device, size_t bytes)
{
    pthread_mutex_lock(&lock);
    accounts[device].in_use -= bytes;
    pthread_mutex_unlock(&lock);
}

/* For those who rehearse: from now on so many bytes may be in use on each card, beside its
   context. */
void samfit_set_limit(size_t bytes)
{
    pthread_mutex_lock(&lock);
    limit = bytes;
    pthread_mutex_unlock(&lock);
}

/* For those who rehearse: bytes in use on a card now, and the most that were. */
void samfit_bytes(int device, size_t *now, size_t *most)
{
    bool known = device >= 0 && device < MOST_CARDS;
    pthread_mutex_lock(&lock);
    *now = known ? accounts[device].in_use : 0;
    *most = known ? accounts[device].peak : 0;
    pthread_mutex_unlock(&lock);
}

/* For NVML, too, which asks of a card that the program does not use. */
void samfit_free_and_total(int device, size_t *free_bytes, size_t *total_bytes)
{
    size_t in_use, most;
    samfit_bytes(device, &in_use, &most);
    pthread_mutex_lock(&lock);
    *free_bytes = in_use < bound() ? bound() - in_use : 0;
    *total_bytes = card()->total_bytes;
    pthread_mutex_unlock(&lock);
}
