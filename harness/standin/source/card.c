#include "card.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Threads, blocks and shared memory: NVIDIA's CUDA C++ Programming Guide, table "Technical
   Specifications per Compute Capability". L2, clocks and bus: data sheets of the card that stands
   behind each row. cuDNN was found to choose by capability alone; only on 9.0 did clocks change
   one of 22 choices, by 1.3 MiB. */
static const struct architecture ARCHITECTURES[] = {
    /*  binary threads blocks  shared   block  rsv.       l2    clock   memory  bus */
    {60, 60,   2048,   32,    65536,  49152,    0,  4194304, 1480000,  715000, 4096}, /* P100 */
    {61, 60,   2048,   32,    98304,  49152,    0,  2883584, 1582000, 5505000,  352}, /* GTX 1080 Ti */
    {70, 70,   2048,   32,    98304,  98304,    0,  6291456, 1530000,  877000, 4096}, /* V100 */
    {75, 75,   1024,   16,    65536,  65536,    0,  4194304, 1590000, 5001000,  256}, /* T4 */
    {80, 80,   2048,   32,   167936, 166912, 1024, 41943040, 1410000, 1593000, 5120}, /* A100 80GB */
    {86, 86,   1536,   16,   102400, 101376, 1024,  6291456, 1695000, 9751000,  384}, /* RTX 3090 */
    {89, 86,   1536,   24,   102400, 101376, 1024, 75497472, 2520000, 10501000, 384}, /* RTX 4090 */
    {90, 90,   2048,   32,   233472, 232448, 1024, 52428800, 1980000, 2619000, 5120}, /* H100 */
    {100, 100, 2048,   32,   233472, 232448, 1024, 132644864, 1965000, 3996000, 8192}, /* B200 */
    {120, 120, 1536,   24,   102400, 101376, 1024, 100663296, 2407000, 14001000, 512}, /* RTX 5090 */
};

static struct card the_card;

static _Noreturn void refuse(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("samfit: the stand-in for CUDA cannot start: ", stderr);
    vfprintf(stderr, format, values);
    fputs(".\n", stderr);
    va_end(values);
    _exit(2);
}

static const char *text(const char *name)
{
    const char *value = getenv(name);
    if (!value || !*value)
        refuse("%s is not set", name);
    return value;
}

static size_t number(const char *name)
{
    char *end;
    const char *value = text(name);
    errno = 0;
    size_t read = strtoull(value, &end, 10);
    if (errno || *end || end == value)
        refuse("%s is %s, which is no number", name, value);
    return read;
}

/* "8.6", as cards are described, or 86. */
static int capability(const char *name)
{
    int major, minor;
    if (sscanf(text(name), "%d.%d", &major, &minor) == 2)
        return 10 * major + minor;
    return (int)number(name);
}

static const struct architecture *architecture_of(int capability)
{
    for (size_t i = 0; i < sizeof ARCHITECTURES / sizeof *ARCHITECTURES; i++)
        if (ARCHITECTURES[i].capability == capability)
            return &ARCHITECTURES[i];
    refuse("compute capability %d.%d is not known", capability / 10, capability % 10);
}

static void read_environment(void)
{
    snprintf(the_card.name, sizeof the_card.name, "%s", text("SAMFIT_CARD_NAME"));
    the_card.architecture = architecture_of(capability("SAMFIT_CARD_CAPABILITY"));
    the_card.multiprocessors = (int)number("SAMFIT_CARD_MULTIPROCESSORS");
    the_card.total_bytes = number("SAMFIT_CARD_TOTAL_BYTES");
    the_card.context_bytes = number("SAMFIT_CARD_CONTEXT_BYTES");
    the_card.cuda_version = (int)number("SAMFIT_CARD_CUDA_VERSION");
    if (the_card.context_bytes > the_card.total_bytes)
        refuse("SAMFIT_CARD_CONTEXT_BYTES is more than SAMFIT_CARD_TOTAL_BYTES");
}

static int the_count;

static void read_count(void)
{
    const char *name = "SAMFIT_CARD_COUNT";
    size_t count = getenv(name) ? number(name) : 1;
    if (!count || count > MOST_CARDS)
        refuse("%s is %zu, but 1 to %d cards can be stood in for", name, count, MOST_CARDS);
    the_count = (int)count;
}

int card_count(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_count);
    return the_count;
}

const struct card *card(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_environment);
    return &the_card;
}
