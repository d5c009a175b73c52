#include "visible.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAST_INDEX = 253 }; /* its number on the PCI bus is two more, and a byte */

/* CUDA takes "1gpu2" for 1, and what does not begin with a number for the end of the list. */
static int index_of(const char *name)
{
    while (isspace((unsigned char)*name))
        name++;
    char *end;
    long number = strtol(name, &end, 10);
    return end == name || number > LAST_INDEX ? -1 : (int)number;
}

static bool add_index(struct visible *visible, const char *name)
{
    int index = index_of(name);
    if (index < 0)
        return false;
    for (int i = 0; i < visible->count; i++)
        if (visible->index[i] == index) {
            visible->count = 0; /* who names one twice has none */
            return false;
        }
    if (visible->count == card_count()) {
        visible->more = true;
        visible->beyond = index;
        return false;
    }
    visible->index[visible->count++] = index;
    return true;
}

static bool add_uuid(struct visible *visible, const char *name)
{
    size_t length = strcspn(name, ",");
    if ((strncmp(name, "GPU-", 4) && strncmp(name, "MIG-", 4))
        || length >= sizeof *visible->uuid || visible->count == card_count())
        return false;
    memcpy(visible->uuid[visible->count], name, length);
    visible->index[visible->count] = visible->count;
    visible->count++;
    return true;
}

void read_visible(struct visible *visible)
{
    *visible = (struct visible){0};
    const char *names = getenv("CUDA_VISIBLE_DEVICES");
    if (!names) {
        for (; visible->count < card_count(); visible->count++)
            visible->index[visible->count] = visible->count;
        return;
    }
    bool by_uuid = !strncmp(names, "GPU-", 4) || !strncmp(names, "MIG-", 4);
    while ((by_uuid ? add_uuid : add_index)(visible, names) && (names = strchr(names, ',')))
        names++;
}

static struct visible first_read;

static void read_first(void) { read_visible(&first_read); }

const struct visible *visible_cards(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_first);
    return &first_read;
}

/* What NVML has to know, which counts the cards of the computer, visible or not. */

/* How many there are; -1 if PyTorch, which numbers the visible ones from this count, would see
   others than CUDA ("3,2" where one card is stood in for). */
int samfit_computer_cards(void)
{
    struct visible now;
    read_visible(&now);
    int most = card_count();
    for (int i = 0; i < now.count; i++)
        if (now.index[i] >= most)
            most = now.index[i] + 1;
    if (!now.more || now.beyond >= most)
        return most;
    for (int i = 0; i < now.count; i++)
        if (now.index[i] > now.beyond)
            return -1;
    return now.beyond;
}

/* The number that CUDA has for one; -1 if the program does not see it. */
int samfit_device_of(int index)
{
    struct visible now;
    read_visible(&now);
    for (int i = 0; i < now.count; i++)
        if (now.index[i] == index)
            return i;
    return -1;
}

void samfit_uuid(int index, char *text, size_t size)
{
    int device = samfit_device_of(index);
    struct visible now;
    read_visible(&now);
    if (device >= 0 && *now.uuid[device])
        snprintf(text, size, "%s", now.uuid[device]);
    else /* "samfit stand-in" and the index, as CUDA has it */
        snprintf(text, size, "GPU-73616d66-6974-2073-7461-6e642d696e%02x", (unsigned)index);
}
