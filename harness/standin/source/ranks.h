/* Where the processes of one communicator meet, so that none runs ahead of another: a barrier holds
   until all have come, for files that one rank writes and all read. */
#pragma once

#pragma GCC visibility push(hidden)

struct meeting;

/* Joins one; all its ranks name it alike. NULL where there is nobody to meet. */
struct meeting *join(const char *name, int size, int rank);
/* This rank has come to one more collective. Nobody waits here: as on a card, whoever wants to know
   that it is done waits for the stream, the event or the card. */
void arrive(struct meeting *meeting);
/* Nobody shall wait for this rank any more. */
void leave(struct meeting *meeting);

/* Waits until all ranks have said what color they chose; how many chose this rank's is *size, and
   *rank its place among them by key. Returns how often this meeting was split before. */
int choose(struct meeting *meeting, int color, int key, int *size, int *rank);

#pragma GCC visibility pop
