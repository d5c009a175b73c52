"""Leave the user's weights alone: a program on a card that is not there has none to save.

Its tensors hold zeros. So what would save them writes nothing, and files that hold weights are
never overwritten, moved or removed, whoever made them: programs rotate their checkpoints. The
program is told that all went well. Logs, tables and caches are written as always; a JSON file that
is there beside weights stays too, for it describes them (their index, ranks of adapters, steps).

- In memory (``io.BytesIO``), and in files and folders that the program makes with ``tempfile``,
  saving works, so that it can load what it saved there: such a file is new, and its own.
- New files that hold real weights may be made: by what downloads or unpacks files, by a copy or a
  link of weights that are there, and, but for saving a model, until CUDA is first used. Nothing
  may overwrite one.
- A folder is removed whole or not at all: one that holds weights stays as it is.

What else a program makes of its tensors it writes as always, and overwrites what was there: masks
as PNG, embeddings as .npy. There another folder for its output is wanted.

Not seen: new files without a suffix of weights that ``pickle`` writes; files opened to be changed
in place (``"r+"``); what libraries write without Python (h5py, ``torch.package``); other programs
that the program starts (``rm``, ``cp``); object stores, but for what ``torch.save`` would write.
"""
