/* NVML, in a library of its own: the computer's cards, and this process on those that it uses.
   PyTorch asks it how many cards there are, and in its message of running out of memory what this
   process holds. */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { /* nvmlReturn_t */
    SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_SUCH_CARD = 6, TOO_SMALL = 7
};

/* The other library, which is loaded before all. */
extern int cuDeviceGetName(char *name, int length, int device);
extern int cudaDeviceGetAttribute(int *value, int attribute, int device);
extern int samfit_computer_cards(void);
extern int samfit_device_of(int index);
extern void samfit_uuid(int index, char *text, size_t size);
extern void samfit_bytes(int device, size_t *now, size_t *most);
extern void samfit_free_and_total(int device, size_t *free_bytes, size_t *total_bytes);
extern size_t samfit_context_bytes(int device);

/* A card's handle is its index and one more, since 0 is no handle. */
static void *handle_of(int index) { return (void *)((size_t)index + 1); }
static int index_of(void *card) { return (int)((size_t)card - 1); }
static int device_of(void *card) { return samfit_device_of(index_of(card)); }

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
    int cards = samfit_computer_cards();
    *count = (unsigned)(cards < 0 ? 0 : cards);
    return cards < 0 ? NOT_SUPPORTED : SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **card)
{
    *card = handle_of((int)index);
    int cards = samfit_computer_cards();
    return cards >= 0 && (int)index >= cards ? NO_SUCH_CARD : SUCCESS;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **card)
{
    unsigned domain, bus;
    if (sscanf(id, "%x:%x", &domain, &bus) != 2 || !bus)
        return INVALID_ARGUMENT;
    return nvmlDeviceGetHandleByIndex_v2(bus - 1, card); /* as CUDA numbers the bus */
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **card)
{
    char text[96];
    for (int index = 0; index < samfit_computer_cards(); index++) {
        samfit_uuid(index, text, sizeof text);
        if (!strcmp(text, uuid))
            return nvmlDeviceGetHandleByIndex_v2((unsigned)index, card);
    }
    return NO_SUCH_CARD;
}

int nvmlDeviceGetIndex(void *card, unsigned *index)
{
    *index = (unsigned)index_of(card);
    return SUCCESS;
}

int nvmlDeviceGetUUID(void *card, char *uuid, unsigned length)
{
    samfit_uuid(index_of(card), uuid, length);
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

int nvmlDeviceGetMemoryInfo(void *card, struct memory *memory)
{
    size_t free_bytes, total;
    int device = device_of(card);
    samfit_free_and_total(device, &free_bytes, &total);
    if (device < 0 || !samfit_context_bytes(device))
        free_bytes = total; /* this process is not there */
    *memory = (struct memory){total, free_bytes, total - free_bytes};
    return SUCCESS;
}

struct memory_v2 { /* nvmlMemory_v2_t */
    unsigned version;
    unsigned long long total, reserved, free, used;
};

int nvmlDeviceGetMemoryInfo_v2(void *card, struct memory_v2 *memory)
{
    struct memory first;
    nvmlDeviceGetMemoryInfo(card, &first);
    *memory = (struct memory_v2){memory->version, first.total, 0, first.free, first.used};
    return SUCCESS;
}

struct process { /* nvmlProcessInfo_v1_t */
    unsigned pid;
    unsigned long long bytes;
};

struct process_v2 { /* nvmlProcessInfo_t */
    struct process first;
    unsigned gpu_instance, compute_instance;
};

/* This process, if it is on the card; false if there is no room to say so. */
static bool find_process(void *card, unsigned *count, struct process *process)
{
    unsigned room = *count;
    int device = device_of(card);
    size_t context_bytes = device < 0 ? 0 : samfit_context_bytes(device);
    *count = context_bytes ? 1 : 0;
    size_t now, most;
    samfit_bytes(device, &now, &most);
    *process = (struct process){(unsigned)getpid(), now + context_bytes};
    return room >= *count;
}

int nvmlDeviceGetComputeRunningProcesses(void *card, unsigned *count, struct process *processes)
{
    struct process found;
    if (!find_process(card, count, &found))
        return TOO_SMALL;
    if (*count)
        processes[0] = found;
    return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *card, unsigned *count,
                                            struct process_v2 *processes)
{
    struct process found;
    if (!find_process(card, count, &found))
        return TOO_SMALL;
    if (*count)
        processes[0] = (struct process_v2){found, UINT_MAX, UINT_MAX}; /* no part of a card */
    return SUCCESS;
}

/* Of processor and memory, in percent: nothing is computed. */
int nvmlDeviceGetUtilizationRates(void *, unsigned *rates)
{
    rates[0] = rates[1] = 0;
    return SUCCESS;
}

struct fabric { /* the head of nvmlGpuFabricInfo_v2_t and v3_t */
    unsigned version;
    unsigned char cluster[16];
    int status;
    unsigned clique;
    int state; /* 0: not supported */
};

/* Answered, since PyTorch would warn; what it asks for is memory that computers share. */
int nvmlDeviceGetGpuFabricInfoV(void *, struct fabric *fabric)
{
    *fabric = (struct fabric){.version = fabric->version, .status = NOT_SUPPORTED};
    return SUCCESS;
}

/* PyTorch resolves these, too, before it asks anything; they tell of cards that are connected. */
int nvmlDeviceGetNvLinkRemoteDeviceType(void) { return NOT_SUPPORTED; }
int nvmlDeviceGetNvLinkRemotePciInfo_v2(void) { return NOT_SUPPORTED; }
int nvmlDeviceGetP2PStatus(void) { return NOT_SUPPORTED; }
int nvmlSystemGetCudaDriverVersion_v2(void) { return NOT_SUPPORTED; }
