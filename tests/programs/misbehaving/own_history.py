"""Records the allocator's history itself, writes a snapshot and ends the recording."""

import torch
from tiny import build, step

torch.cuda.memory._record_memory_history(max_entries=1000)
model, optimizer = build()
step(model, optimizer)
torch.cuda.memory._dump_snapshot("snapshot.pickle")
torch.cuda.memory._record_memory_history(enabled=None)
for _ in range(5):
    step(model, optimizer)
