/* The cards' memory: address space that nobody can read, and bytes that are counted. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define PAGE ((size_t)2 << 20) /* the driver maps memory in pages of 2 MiB */

/* The card whose address this is; -1 if it is none's. */
int device_at(const void *address);
bool on_card(const void *address);

/* Reserves so many bytes of a card's addresses, a multiple of PAGE; 0 if none are left. */
uintptr_t reserve(int device, size_t bytes);
/* Gives back what was reserved at this address; returns its bytes, 0 if there was nothing. */
size_t unreserve(uintptr_t address);
/* The reserved range that holds this address; returns its bytes, 0 if there is none. */
size_t range_of(uintptr_t address, uintptr_t *start);

/* Takes so many bytes of a card's memory, a multiple of PAGE; false if fewer are free. */
bool take(int device, size_t bytes);
void give_back(int device, size_t bytes);

size_t whole_pages(size_t bytes);

#pragma GCC visibility pop
