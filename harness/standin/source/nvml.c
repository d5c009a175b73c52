/* NVML, in a library of its own: one card, and this process on it. PyTorch asks it how many cards
   there are, and in its message of running out of memory what this process holds. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NO_SUCH_CARD = 6, TOO_SMALL = 7 }; /* nvmlReturn_t */

/* The other library, which is loaded before all. */
extern int cuDeviceGetName(char *name, int length, int device);
extern int cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes);
extern int cudaDeviceGetAttribute(int *value, int attribute, int device);
extern void samfit_bytes(size_t *now, size_t *most);
extern size_t samfit_context_bytes(void);

static char the_card;

int nvmlInit_v2(void) { return SUCCESS; }
int nvmlInit(void) { return SUCCESS; }
int nvmlInitWithFlags(unsigned) { return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }

const char *nvmlErrorString(int status)
{
    return status == SUCCESS ? "success" : "not known to samfit's stand-in";
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = 1;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **card)
{
    *card = &the_card;
    return index ? NO_SUCH_CARD : SUCCESS;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *, void **card)
{
    *card = &the_card;
    return SUCCESS;
}

int nvmlDeviceGetName(void *, char *name, unsigned length)
{
    return cuDeviceGetName(name, (int)length, 0);
}

int nvmlDeviceGetCudaComputeCapability(void *, int *major, int *minor)
{
    cudaDeviceGetAttribute(major, 75, 0);
    return cudaDeviceGetAttribute(minor, 76, 0);
}

int nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    snprintf(version, length, "none: samfit's stand-in");
    return SUCCESS;
}

struct memory { /* nvmlMemory_t */
    unsigned long long total, free, used;
};

int nvmlDeviceGetMemoryInfo(void *, struct memory *memory)
{
    size_t free_bytes, total;
    cudaMemGetInfo(&free_bytes, &total);
    *memory = (struct memory){total, free_bytes, total - free_bytes};
    return SUCCESS;
}

struct process { /* nvmlProcessInfo_v1_t */
    unsigned pid;
    unsigned long long bytes;
};

int nvmlDeviceGetComputeRunningProcesses(void *, unsigned *count, struct process *processes)
{
    unsigned room = *count;
    *count = 1;
    if (!room)
        return TOO_SMALL;
    size_t now, most;
    samfit_bytes(&now, &most);
    processes[0] = (struct process){(unsigned)getpid(), now + samfit_context_bytes()};
    return SUCCESS;
}

/* PyTorch resolves these, too, before it asks anything; they tell of cards that are connected. */
int nvmlDeviceGetGpuFabricInfoV(void) { return NOT_SUPPORTED; }
int nvmlDeviceGetNvLinkRemoteDeviceType(void) { return NOT_SUPPORTED; }
int nvmlDeviceGetNvLinkRemotePciInfo_v2(void) { return NOT_SUPPORTED; }
int nvmlSystemGetCudaDriverVersion_v2(void) { return NOT_SUPPORTED; }
