"""The embedding cache on disk: damage, foreign files, a full disk, and writers that are killed."""

import os
import random
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings, strategies as st
from pooling_encoder import files, pictures, pool, refuse, sam_with
from safetensors.torch import load_file, save_file
from user_error import user_error

from samfit.harness.train.embeddings import (
    ABANDONED_AFTER_S,
    NAME,
    PARTIAL,
    EmbeddingCache,
    content_sha256,
)


def cache_of(folder, encode=pool, **sizes):
    """A cache of what ``encode`` gives."""
    return EmbeddingCache(folder, sam_with(encode, **sizes), "fp32")


# Damage


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    """A cache with one embedding, and its file."""
    folder = tmp_path_factory.mktemp("entry")
    cache_of(folder).get(pictures())
    (path,) = files(folder)
    return folder, path


def check_repaired(folder):
    """The broken file is not used; the next reader finds a whole one."""
    seen = []
    cache_of(folder, lambda images: seen.append(images) or pool(images)).get(pictures())
    assert len(seen) == 1
    assert torch.equal(cache_of(folder, refuse).get(pictures()), pool(pictures()))


PAYLOAD_BYTES = 3 * 2 * 2 * 4


@settings(deadline=None, max_examples=100)
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_damaged_byte_anywhere_is_never_used(entry, place, flip):
    folder, path = entry
    content = bytearray(path.read_bytes())
    position = int(place * len(content))
    content[position] ^= flip
    path.write_bytes(content)
    if position >= len(content) - PAYLOAD_BYTES:
        check_repaired(folder)
    else:  # a header can be damaged and mean the same
        cache = cache_of(folder)
        assert torch.equal(cache.get(pictures()), pool(pictures()))
        path.unlink()
        cache.get(pictures())


@settings(deadline=None, max_examples=50)
@given(share=st.floats(0, 1, exclude_max=True), garbage=st.binary(max_size=300))
@example(share=0.0, garbage=b"")
def test_truncated_files_and_garbage_are_noticed(entry, share, garbage):
    folder, path = entry
    for content in (path.read_bytes()[: int(share * path.stat().st_size)], garbage):
        path.write_bytes(content)
        check_repaired(folder)


def test_an_embedding_of_another_image_or_encoder_is_noticed(entry):
    folder, path = entry
    shifted = sam_with(lambda images: -pool(images))
    shifted.normalisation = ([1.0] * 3, [1.0] * 3)
    for cache, image in (
        (cache_of(folder), pictures(seed=1)),
        (EmbeddingCache(folder, shifted, "fp32"), pictures()),
    ):
        cache.get(image)
        (other,) = set(files(folder)) - {path}
        shutil.move(other, path)
        check_repaired(folder)


def test_other_tensors_and_other_metadata_are_noticed(entry):
    folder, path = entry
    _, key = cache_of(folder)._place(pictures()[0])
    shapes = (3, 2, 1), (1,), (12,)
    for found in (*map(torch.zeros, shapes), torch.zeros(3, 2, 2).double()):
        save_file({NAME: found}, path, {"key": key, "sha256": content_sha256(found)})
        check_repaired(folder)
    for metadata in (None, {}, {"key": "other"}):
        save_file(load_file(path), path, metadata)
        check_repaired(folder)
    save_file({"weight": torch.zeros(3)}, path)
    check_repaired(folder)


# The folder


def test_foreign_files_are_left_alone(tmp_path):
    cache = cache_of(tmp_path)
    names = ["notes.txt", "x.safetensors", ".hidden", f"{PARTIAL}.txt", "download.partial"]
    foreign = [cache.folder / name for name in names] + [tmp_path / "notes.txt"]
    for path in foreign:
        path.write_text("mine")
        os.utime(path, (0, 0))
    (cache.folder / f"folder{PARTIAL}").mkdir()
    os.utime(cache.folder / f"folder{PARTIAL}", (0, 0))
    cache = cache_of(tmp_path)
    assert torch.equal(cache.get(pictures()), pool(pictures()))
    assert all(path.read_text() == "mine" for path in foreign)
    assert (cache.folder / f"folder{PARTIAL}").is_dir()


def test_opening_removes_what_killed_writers_left_and_nothing_younger(tmp_path):
    folder = cache_of(tmp_path).folder
    old, young = folder / f"old{PARTIAL}", folder / f"young{PARTIAL}"
    for path, age_s in ((old, ABANDONED_AFTER_S + 60), (young, ABANDONED_AFTER_S - 60)):
        path.write_bytes(b"torn")
        os.utime(path, (time.time() - age_s,) * 2)
    cache_of(tmp_path)
    assert files(tmp_path) == [young]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with user_error(str(tmp_path / "file"), "Not a directory", "another folder"):
        cache_of(tmp_path / "file")


def test_a_folder_in_the_place_of_an_embedding_is_named(tmp_path):
    folder = cache_of(tmp_path).folder
    (folder / f"{content_sha256(pictures()[0])}.safetensors").mkdir()
    with user_error(str(folder), "mend that"):
        cache_of(tmp_path).get(pictures())
    assert not files(tmp_path)


@pytest.mark.parametrize("limit_bytes", [0, 1, 300, 550])
def test_a_full_disk_is_named_and_leaves_nothing_torn(limit_bytes, tmp_path):
    """The limit on a file's size stands for it: the kernel cuts the write short."""
    cache, images = cache_of(tmp_path), pictures(2)
    cache.get(images[:1])
    kept = files(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert limit_bytes < kept[0].stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        with user_error(str(cache.folder), "File too large", "MiB per image", "are kept"):
            cache.get(images)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(tmp_path) == kept
    assert torch.equal(cache.get(images), pool(images))


# Several writers, and their death

LARGE_BYTES = 3 * 256 * 256 * 4
ROUNDS, IMAGES_PER_ROUND = 12, 10


def large_cache(folder, encode=torch.Tensor.float):
    return cache_of(folder, encode, side=256, grid=256)


def die_in_the_middle(folder, limit_bytes):
    """Write until the kernel kills this process at exactly so many bytes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    large_cache(folder).get(pictures(side=256))


def write_one_by_one(folder, number):
    for i in range(IMAGES_PER_ROUND):
        large_cache(folder).get(pictures(seed=number * IMAGES_PER_ROUND + i, side=256))
    signal.pause()


def whole_files(folder):
    return sorted(folder.rglob("*.safetensors"))


def fork(work, *arguments):
    child = os.fork()
    if child:
        return child
    try:
        work(*arguments)
    finally:
        os._exit(1)


def kill_writers(folder):
    """Let writers die at given bytes; then two at a time, that write the same, at random.

    On the stage, which has one thread, so that it can be forked.
    """
    folder = Path(folder)
    for limit_bytes in (0, 1, 300, 2**16, LARGE_BYTES):
        _, status = os.waitpid(fork(die_in_the_middle, folder, limit_bytes), 0)
        assert os.WTERMSIG(status) == signal.SIGXFSZ
    for number in range(ROUNDS):
        before = whole_files(folder)
        children = [fork(write_one_by_one, folder, number) for _ in range(2)]
        while whole_files(folder) == before:
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.05))
        for child in children:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert os.WTERMSIG(status) == signal.SIGKILL


def test_killed_writers_leave_whole_embeddings_only(tmp_path, stage):
    stage.run(kill_writers, str(tmp_path))
    whole, torn = whole_files(tmp_path), sorted(tmp_path.rglob(f"*{PARTIAL}"))
    assert files(tmp_path) == sorted(whole + torn)
    assert len(whole) >= ROUNDS
    assert len(torn) >= 5, "those that died in the middle"
    for path in torn:
        os.utime(path, (0, 0))
    seen = []
    cache = large_cache(tmp_path, lambda images: seen.append(images) or images.float())
    assert files(tmp_path) == whole
    for seed in range(ROUNDS * IMAGES_PER_ROUND):
        images = pictures(seed=seed, side=256)
        assert torch.equal(cache.get(images), images.float())
    assert len(whole) + len(seen) == ROUNDS * IMAGES_PER_ROUND
