/* Copies. What a card holds is known if it was copied there and not written since; what kernels
   would have computed is not, and reads as zero, unless whoever knows better says what it is. */
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "contents.h"
#include "cuda.h"
#include "memory.h"

typedef void read_function(size_t bytes);
static _Atomic(read_function *) on_read;
static _Thread_local bool answered;
static _Thread_local uint64_t answer;

/* For those who rehearse: this function is called after each copy to the host of what is not known,
   in the thread that copies; NULL for none. */
void samfit_on_read(read_function *function) { on_read = function; }

/* For those who rehearse: what this thread reads in copies of 8 bytes at most is this number, the
   lowest bytes of it; until samfit_no_answer. */
void samfit_answer(uint64_t value)
{
    answered = true;
    answer = value;
}

void samfit_no_answer(void) { answered = false; }

static void tell(size_t bytes)
{
    read_function *function = on_read;
    if (function && bytes)
        function(bytes);
}

/* Whether something was read that is not known. */
static bool copy(void *to, const void *from, size_t bytes)
{
    bool to_card = on_card(to), from_card = on_card(from);
    if (to_card && from_card)
        carry(to, from, bytes, 1);
    else if (to_card)
        remember(to, from, bytes);
    else if (!from_card)
        memmove(to, from, bytes);
    if (to_card || !from_card || recall(to, from, bytes))
        return false;
    if (answered && bytes <= sizeof answer)
        memcpy(to, &answer, bytes); /* PyTorch's computers put the lowest byte first */
    else
        memset(to, 0, bytes);
    return true;
}

int cudaMemcpy(void *to, const void *from, size_t bytes, int)
{
    if (copy(to, from, bytes))
        tell(bytes);
    return SUCCESS;
}

int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *)
{
    return cudaMemcpy(to, from, bytes, kind);
}

int cudaMemcpy2D(char *to, size_t to_pitch, const char *from, size_t from_pitch, size_t width,
                 size_t height, int)
{
    size_t read = 0;
    for (size_t row = 0; row < height; row++)
        if (copy(to + row * to_pitch, from + row * from_pitch, width))
            read += width;
    tell(read);
    return SUCCESS;
}

int cudaMemcpy2DAsync(char *to, size_t to_pitch, const char *from, size_t from_pitch, size_t width,
                      size_t height, int kind, void *)
{
    return cudaMemcpy2D(to, to_pitch, from, from_pitch, width, height, kind);
}

int cudaMemcpyPeerAsync(void *to, int, const void *from, int, size_t bytes, void *)
{
    return cudaMemcpy(to, from, bytes, 0);
}

int cudaMemset(void *to, int value, size_t bytes)
{
    if (on_card(to))
        forget(to, bytes);
    else
        memset(to, value, bytes);
    return SUCCESS;
}

int cudaMemsetAsync(void *to, int value, size_t bytes, void *)
{
    return cudaMemset(to, value, bytes);
}
