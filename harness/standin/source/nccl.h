/* NCCL. What it allocates itself on a card (buffers of each communicator) goes past PyTorch's
   allocator and is not known without the cards: it counts as 0 here. */
#pragma once

struct meeting;

struct communicator {
    int size, rank, device;
    struct meeting *meeting; /* NULL if its ranks are not processes that wait for each other */
    char name[128];          /* of the meeting */
};
