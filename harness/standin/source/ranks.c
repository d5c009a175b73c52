#include "ranks.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cuda.h"

struct place { /* of one rank, in memory that all of them share */
    _Atomic int process;
    _Atomic int splits;          /* how many it has chosen for */
    _Atomic int color[2], key[2]; /* what it chose for the last two, since some still read */
    _Atomic uint64_t arrived;
};

struct table {
    _Atomic int joined;
    struct place places[];
};

struct meeting {
    struct table *table;
    int size, rank, splits;
    struct meeting *next;
};

static const uint64_t LEFT = UINT64_MAX;
static const time_t MOST_SECONDS = 600; /* after which PyTorch, too, gives up a collective */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct meeting *) meetings; /* none is taken out, since threads go through them */

/* Memory of this name; the last of the ranks takes the name away. */
static struct table *open_table(const char *name, int size)
{
    char path[256];
    snprintf(path, sizeof path, "/dev/shm/samfit-%s", name);
    size_t bytes = sizeof(struct table) + (size_t)size * sizeof(struct place);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return NULL;
    void *found = ftruncate(file, (off_t)bytes)
                ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (found == MAP_FAILED)
        return NULL;
    struct table *table = found;
    if (atomic_fetch_add(&table->joined, 1) + 1 == size)
        unlink(path);
    return table;
}

struct meeting *join(const char *name, int size, int rank)
{
    if (size < 2 || rank < 0 || rank >= size)
        return NULL;
    struct table *table = open_table(name, size);
    struct meeting *new = table ? malloc(sizeof *new) : NULL;
    if (!new)
        return NULL;
    table->places[rank].process = getpid();
    pthread_mutex_lock(&lock);
    *new = (struct meeting){table, size, rank, 0, meetings};
    meetings = new;
    pthread_mutex_unlock(&lock);
    return new;
}

void arrive(struct meeting *meeting)
{
    if (meeting && meeting->table->places[meeting->rank].arrived != LEFT)
        meeting->table->places[meeting->rank].arrived++;
}

void leave(struct meeting *meeting)
{
    if (meeting)
        meeting->table->places[meeting->rank].arrived = LEFT;
}

/* The process ends: nobody shall wait for it. */
__attribute__((destructor)) static void leave_all(void)
{
    for (struct meeting *meeting = meetings; meeting; meeting = meeting->next)
        if (meeting->table->places[meeting->rank].process == getpid()) /* and is no fork */
            leave(meeting);
}

/* Whether a rank is still to come: not if its process has ended. One that has not joined is. */
static bool expected(const struct place *place)
{
    int process = place->process;
    return place->arrived != LEFT && !(process && kill(process, 0) && errno == ESRCH);
}

static bool has_arrived(const struct place *place, uint64_t goal) { return place->arrived >= goal; }
static bool has_chosen(const struct place *place, uint64_t goal)
{
    return (uint64_t)place->splits >= goal;
}

static void wait_for_all(const struct meeting *meeting, uint64_t goal,
                         bool (*is_there)(const struct place *, uint64_t))
{
    const struct timespec nap = {.tv_nsec = 500000};
    time_t end = time(NULL) + MOST_SECONDS;
    for (int rank = 0; rank < meeting->size; rank++) {
        const struct place *place = &meeting->table->places[rank];
        while (!is_there(place, goal) && expected(place) && time(NULL) < end)
            nanosleep(&nap, NULL);
    }
}

/* Returns when all ranks have come to the collectives that this one has come to. */
static int wait_for_ranks(void)
{
    for (const struct meeting *meeting = meetings; meeting; meeting = meeting->next) {
        uint64_t arrived = meeting->table->places[meeting->rank].arrived;
        if (arrived != LEFT)
            wait_for_all(meeting, arrived, has_arrived);
    }
    return SUCCESS;
}

int cudaDeviceSynchronize(void) { return wait_for_ranks(); }
int cudaStreamSynchronize(void *) { return wait_for_ranks(); }
int cudaEventSynchronize(void *) { return wait_for_ranks(); }
int cuCtxSynchronize(void) { return wait_for_ranks(); }
int cuStreamSynchronize(void *) { return wait_for_ranks(); }
int cuEventSynchronize(void *) { return wait_for_ranks(); }

int choose(struct meeting *meeting, int color, int key, int *size, int *rank)
{
    int now = meeting->splits++ % 2;
    struct place *mine = &meeting->table->places[meeting->rank];
    mine->color[now] = color;
    mine->key[now] = key;
    mine->splits = meeting->splits;
    wait_for_all(meeting, (uint64_t)meeting->splits, has_chosen);
    *size = *rank = 0;
    for (int i = 0; i < meeting->size; i++) {
        const struct place *other = &meeting->table->places[i];
        if (other->color[now] != color)
            continue;
        ++*size;
        if (other->key[now] < key || (other->key[now] == key && i < meeting->rank))
            ++*rank;
    }
    return meeting->splits - 1;
}
