/* Which symbols the programs in this process want of the libraries that are stood in for, and this
   library lacks. What it lacks would reach the real library, and fail there or use a real card. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Versions of symbols carry the library's name, as libcudart.so.13. cuDNN is not among them: what
   needs no handle of it is left to the real one on purpose. */
static const char *const STOOD_IN_FOR[] = {"libcudart.so.", "libcublas.so.", "libcublasLt.so.",
                                           "libcufft.so."};
/* NCCL's symbols have no versions: they are known by their own names. */
static const char *const UNVERSIONED[] = {"nccl"};
/* These need no card. */
static const char *const LEFT_TO_THE_REAL[] = {"cublasLtGetVersion", "ncclGetVersion",
                                               "ncclGetErrorString"};

/* NVIDIA's own libraries call each other only where a real one is called first. */
static const char *const NVIDIAS[] = {"libcu", "libnv", "libnccl"};

struct object { /* what the dynamic section of a loaded one says */
    const ElfW(Sym) *symbols;
    const char *strings;
    const ElfW(Half) *versions;       /* of each symbol */
    const ElfW(Verneed) *needed;
    size_t needed_count;
    const uint32_t *hash;             /* DT_GNU_HASH */
};

struct answer {
    char *text;
    size_t size, length, count;
};

static struct object read_dynamic(const struct dl_phdr_info *info, const ElfW(Dyn) *entry)
{
    struct object object = {0};
    for (; entry->d_tag != DT_NULL; entry++) {
        ElfW(Addr) at = entry->d_un.d_ptr; /* the loader has added the base, but in the vDSO */
        const void *pointer = (const void *)(at < info->dlpi_addr ? at + info->dlpi_addr : at);
        switch (entry->d_tag) {
        case DT_SYMTAB: object.symbols = pointer; break;
        case DT_STRTAB: object.strings = pointer; break;
        case DT_VERSYM: object.versions = pointer; break;
        case DT_VERNEED: object.needed = pointer; break;
        case DT_VERNEEDNUM: object.needed_count = entry->d_un.d_val; break;
        case DT_GNU_HASH: object.hash = pointer; break;
        }
    }
    return object;
}

/* The name of a version that an object needs, by the number that its symbols carry. */
static const char *version_name(const struct object *object, unsigned number)
{
    const char *need = (const char *)object->needed;
    for (size_t i = 0; i < object->needed_count; i++) {
        const ElfW(Verneed) *file = (const void *)need;
        const char *aux = need + file->vn_aux;
        for (size_t j = 0; j < file->vn_cnt; j++) {
            const ElfW(Vernaux) *version = (const void *)aux;
            if (version->vna_other == number)
                return object->strings + version->vna_name;
            aux += version->vna_next;
        }
        need += file->vn_next;
    }
    return "";
}

static bool begins_with_one(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strncmp(text, list[i], strlen(list[i])))
            return true;
    return false;
}
#define BEGINS_WITH_ONE(text, list) begins_with_one(text, list, sizeof list / sizeof *list)

static bool lacking(const char *name, const char *version, void *ourselves)
{
    bool ours = *version ? BEGINS_WITH_ONE(version, STOOD_IN_FOR)
                         : BEGINS_WITH_ONE(name, UNVERSIONED);
    return ours && !BEGINS_WITH_ONE(name, LEFT_TO_THE_REAL)
        && !dlsym(ourselves, name);
}

static void append(struct answer *answer, const char *name)
{
    answer->count++;
    int length = snprintf(answer->text + answer->length, answer->size - answer->length, "%s\n",
                          name);
    if (length > 0 && (size_t)length < answer->size - answer->length)
        answer->length += (size_t)length;
    else if (answer->size)
        answer->text[answer->length] = '\0';
}

static int look_at(struct dl_phdr_info *info, size_t, void *data)
{
    struct answer *answer = data;
    struct object object = {0};
    const char *slash = strrchr(info->dlpi_name, '/');
    if (BEGINS_WITH_ONE(slash ? slash + 1 : info->dlpi_name, NVIDIAS))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            object = read_dynamic(info, (const void *)(info->dlpi_addr
                                                       + info->dlpi_phdr[i].p_vaddr));
    if (!object.symbols || !object.strings || !object.versions || !object.needed || !object.hash)
        return 0;
    void *ourselves = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    size_t undefined = object.hash[1]; /* the linker puts those first, and hashes the others */
    for (size_t i = 1; i < undefined; i++) {
        const char *name = object.strings + object.symbols[i].st_name;
        unsigned version = object.versions[i] & 0x7fff;
        if (object.symbols[i].st_shndx == SHN_UNDEF
            && lacking(name, version_name(&object, version), ourselves))
            append(answer, name);
    }
    return 0;
}

/* Writes their names, each ended by a line feed, as many as fit; returns how many there are. One
   that several programs want is named several times. */
size_t samfit_missing_symbols(char *text, size_t size)
{
    struct answer answer = {.text = text, .size = size};
    if (size)
        text[0] = '\0';
    dl_iterate_phdr(look_at, &answer);
    return answer.count;
}
