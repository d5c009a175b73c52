/* PyTorch's C++ reads back numbers that it has only copied to a card and sent through NCCL: how
   DistributedDataParallel compares parameters and spreads its buckets over ranks, where a zero ends
   the process. Nothing is launched meanwhile. */
#include "contents.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct content {
    uintptr_t start;
    size_t bytes;
    const void *thread; /* that copied it */
    struct content *next; /* the next older one */
    char data[];
};

/* What is larger, or older than so many bytes more, is of no interest. Small ones count as more than
   they are, so that there are never many to go through. */
static const size_t MOST_BYTES = (size_t)4 << 20;
static const size_t EACH = 1024;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct content *contents;
static size_t held;
static _Thread_local bool has_copied; /* its address stands for the thread */

/* The lock is held. */
static void drop(struct content **place)
{
    struct content *old = *place;
    held -= old->bytes + EACH;
    *place = old->next;
    free(old);
}

/* The lock is held. */
static void drop_at(uintptr_t start, size_t bytes)
{
    for (struct content **place = &contents; *place;)
        if (start < (*place)->start + (*place)->bytes && (*place)->start < start + bytes)
            drop(place);
        else
            place = &(*place)->next;
}

/* The lock is held. */
static void drop_oldest(void)
{
    struct content **place = &contents;
    for (size_t bytes = held; *place && bytes > MOST_BYTES / 2; place = &(*place)->next)
        bytes -= (*place)->bytes + EACH;
    while (*place)
        drop(place);
}

void remember(const void *address, const void *content, size_t bytes)
{
    struct content *new = bytes <= MOST_BYTES / 2 ? malloc(sizeof *new + bytes) : NULL;
    pthread_mutex_lock(&lock);
    drop_at((uintptr_t)address, bytes);
    if (new) {
        *new = (struct content){(uintptr_t)address, bytes, &has_copied, contents};
        memcpy(new->data, content, bytes);
        contents = new;
        has_copied = true;
        held += bytes + EACH;
        if (held > MOST_BYTES)
            drop_oldest();
    }
    pthread_mutex_unlock(&lock);
}

void forget(const void *address, size_t bytes)
{
    pthread_mutex_lock(&lock);
    drop_at((uintptr_t)address, bytes);
    pthread_mutex_unlock(&lock);
}

void forget_all(void)
{
    if (!has_copied)
        return;
    has_copied = false;
    pthread_mutex_lock(&lock);
    for (struct content **place = &contents; *place;)
        if ((*place)->thread == &has_copied)
            drop(place);
        else
            place = &(*place)->next;
    pthread_mutex_unlock(&lock);
}

bool recall(void *to, const void *address, size_t bytes)
{
    uintptr_t start = (uintptr_t)address;
    pthread_mutex_lock(&lock);
    const struct content *content = contents;
    while (content && (start < content->start || start - content->start > content->bytes
                       || content->bytes - (start - content->start) < bytes))
        content = content->next;
    if (content)
        memcpy(to, content->data + (start - content->start), bytes);
    pthread_mutex_unlock(&lock);
    return content;
}

void carry(const void *to, const void *from, size_t bytes, size_t times)
{
    char *content = bytes * times <= MOST_BYTES ? calloc(times, bytes) : NULL;
    if (content && recall(content, from, bytes)) {
        for (size_t i = 1; i < times; i++)
            memcpy(content + i * bytes, content, bytes);
        remember(to, content, bytes * times);
    } else {
        forget(to, bytes * times);
    }
    free(content);
}
