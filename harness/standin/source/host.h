/* Memory of the host that the card can read: plain memory, of which it is known what it is. */
#pragma once
#include <stdbool.h>

#pragma GCC visibility push(hidden)

enum memory_type { UNREGISTERED = 0, HOST = 1, DEVICE = 2, MANAGED = 3 }; /* cudaMemoryType */

enum memory_type type_of_host(const void *address);

/* Frees what was allocated here; false if nothing was. */
bool free_host(void *pointer);

#pragma GCC visibility pop
