"""Every mistake at a command line is told in one sentence, and leaves nothing behind.

A name in braces is the fixture of that name; ``tmp`` is a folder with an empty one in it.
"""

import re
import shlex

import pytest
import torch
from PIL import Image
from synthetic_records import measured, predicted, stored

from samfit import build_sam

TINY = " --backbone vit_tiny "
SEGMENT = "segment {photos_run} --output {tmp}/masks "
WITH_BOX = "segment {boxes_run} {picture} --output {tmp}/masks "
TRAIN = "train decoder {tiny} --output {tmp}/run --data "
NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")

MISTAKES = [
    ("predict lorra", "there is no adapter 'lorra': did you mean 'lora'?"),
    ("predict lora --batch-size 0", "--batch-size must be at least 1, got 0."),
    ("predict lora --backbone vit_x", "there is no backbone 'vit_x'"),
    ("predict lora --set rnk=4", "did you mean 'rank'?"),
    ("predict lora --set rank=four", "setting rank must be a whole number"),
    ("predict lora --set rank=0", "setting rank must be at least 1, got 0."),
    ("predict lora --set rank", "--set takes KEY=VALUE, got 'rank'."),
    ("predict lora --set rank=4 --set rank=8", "--set rank is given twice"),
    ("predict lora --checkpoint no.pth", "there is no checkpoint file"),
    ("predict lora --checkpoint " + "a" * 5000, "there is no checkpoint file"),
    ("predict cad --set classes=3" + TINY, "--loss cad is not for 3 classes: choose samed."),
    ("predict lora --json --checkpoint {broken}" + TINY, "{broken}"),
    ("measure lora --json --checkpoint {broken}" + TINY, "{broken}"),
    ("measure lora --json --checkpoint no.pth" + TINY, "checkpoint file no.pth"),
    ("predict CAD", "did you mean 'cad'?"),
    ("measure lorra", "did you mean 'lora'?"),
    ("sweep benhc --output {tmp}/r.jsonl", "there is no profile 'benhc'"),
    ("sweep " + "a" * 3000 + " --output {tmp}/r.jsonl", "there is no profile"),
    ("sweep bench --output {tmp}", "it is not a file"),
    ("sweep bench --output /proc/no/r.jsonl", "cannot write to"),
    ("report {tmp}/missing.jsonl", "there are no results"),
    ("report {tmp}", "cannot read"),
    ("validate --minutes 0 --output {tmp}", "--minutes must be more than 0"),
    ("validate --trace --device cpu", "--trace compares steps on CUDA: leave out --device cpu."),
    ("validate --trace --backbone vit_x --output {tmp}", "there is no backbone 'vit_x'"),
    ("validate --backbone vit_x --device cpu", "there is no backbone 'vit_x'"),
    pytest.param(
        (
            "validate --output {tmp}/new",
            "needs a CUDA device",
            "or check the tracer alone with --d",
        ),
        marks=NO_CUDA,
    ),
    ("fit --memory 8", "memory '8'", "8GiB"),
    ("fit --memory 100MiB", "100MiB", "too little"),
    ("fit --gpu 'RTX 3061'", "RTX 3061", "RTX 3060"),
    ("fit lore", "lore", "lora"),
    ("fit --output fit.pdf", ".png"),
    ("fit lora decoder --set rank=8" + TINY, "decoder has no setting 'rank'"),
    ("blame lora --against lorra" + TINY, "--against 'lorra': there is no adapter 'lorra'"),
    ("blame lora --output a.jpg" + TINY, "--output must end in .png or .svg, got 'a.jpg'."),
    ("blame lora --encoder-micro-batch 1" + TINY, "lora cannot use --encoder-micro-batch"),
    ("compare {results} {others}", "no Cell in common"),
    ("compare {tmp}/none.jsonl {results}", "no results in"),
    ("compare {results} {results} --output {tmp}/plot.gif", "must end in"),
    ("evaluate {boxes_run} --split val", "has no split val", "test or train"),
    ("evaluate {photos_run} --data {tmp}/no", "neither a folder nor a CSV", "--data"),
    ("evaluate {photos_run} --data {photos} --layout x", "there is no layout 'x'"),
    ("evaluate {photos_run} --data miniature:rod", "no miniature task 'rod'"),
    ("evaluate {photos_run} --data {maps} --classes 3", "classes"),
    ("evaluate {maps_run} --data {photos} --classes 1", "classes"),
    ("evaluate {photos_run} --checkpoint no.pth", "no checkpoint file no.pth"),
    ("evaluate {tmp}", "there is no run in", "samfit train"),
    ("evaluate {tmp}/missing", "there is no run in"),
    (WITH_BOX, "trained with the boxes of objects", "give --box"),
    (WITH_BOX + "--box 1,2,3", "--box takes 4 numbers, got 1,2,3"),
    (WITH_BOX + "--box a,b,c,d", "--box takes numbers", "'a,b,c,d'"),
    (SEGMENT + "{picture} --box 1,2,3,4", "takes no --box"),
    (SEGMENT + "{picture} --point 1,2", "takes no --point"),
    (SEGMENT + "{tmp}/missing.png", "{tmp}/missing.png"),
    (SEGMENT + "{results}", "{results}"),
    (SEGMENT + "{tmp}/empty", "there are no images in {tmp}/empty"),
    (SEGMENT + "{picture} --checkpoint no.pth", "no checkpoint file"),
    (SEGMENT + "{picture} --output /dev/null/m", "cannot write to /dev/null/m/a.png"),
    (
        "segment {photos_run} {picture} --output {tmp}/m --checkpoint {other}",
        "--any-base",
        "other.",
    ),
    ("evaluate {photos_run} --checkpoint {other}", "other weights of SAM", "--any-base"),
    ("merge {photos_run} --output {tmp}/sam.bin", "sam.bin must end in .pth or .safetensors."),
    ("merge {photos_run} --output {tmp}/sam.pth --checkpoint {other}", "--any-base"),
    ("merge {photos_run} --output {checkpoint}", "{checkpoint} is a part of the run or its base"),
    ("merge {maps_run} --output {tmp}/sam.pth", "each of 3 classes"),
    ("merge {tmp}/missing --output {tmp}/sam.pth", "there is no run in"),
    ("export {photos_run} --output {tmp}/peft --format peft", "PEFT has no format for it."),
    ("export {photos_run} --output {photos_run}", "is a part of the run"),
    ("export {photos_run} --output /dev/null/sam", "cannot write to /dev/null/sam"),
    ("predict lora --backbone vit_t", "MobileSAM", "vit_tiny"),
    ("segment {tmp}/empty {picture} --output {tmp}/masks", "there is no run in {tmp}/empty"),
    ("train cad --data {photos} --output {tmp}/run", "give --checkpoint"),
    (TRAIN + "{tmp}/missing", "neither a folder nor a CSV or COCO file", "--data"),
    (TRAIN + "{tmp}/empty", "holds no files", "it reads folders images and masks"),
    (TRAIN + "{photos} --layout cod11k", "there is no layout 'cod11k'", "cod10k"),
    (TRAIN + "{photos} --layout cod10k", "does not hold", "as published"),
    (TRAIN + "miniature:camouflag", "no miniature task", "'camouflage'"),
    (TRAIN + "{photos} --batch-size 9", "too few images", "(5)", "--batch-size 9"),
    (TRAIN + "{photos} --checkpoint no.pth", "no checkpoint file no.pth"),
    (TRAIN + "{photos} --backbone vit_b", "vit_tiny, not vit_b"),
    (TRAIN + "{photos} --loss samed", "--loss samed", "one class"),
    (TRAIN + "{maps} --loss cad", "--loss cad", "3 classes"),
    (TRAIN + "{photos} --hold-out 1.5", "--hold-out must be from 0", "1.5"),
    (TRAIN + "{photos} --hold-out 0 --require better-than-baseline", "--require", "--hold-out 0"),
    (TRAIN + "miniature:polyp --hold-out 1.5", "--hold-out must be from 0 to below 1, got 1.5."),
    (TRAIN + "{photos} --epochs -1", "--epochs"),
    (TRAIN + "{photos} --pretrained no.pth", "no pretrained part", "--pretrained"),
    (TRAIN + "{photos} --cache-embeddings --augment flip", "--cache-embeddings", "drop --augment"),
    (TRAIN + "{photos} --output /dev/null/run", "cannot write to /dev/null/run"),
    (
        TRAIN + "{photos} --seed 3 --output {photos_run}",
        "{photos_run} holds a run with --seed 0, not 3",
    ),
    pytest.param((TRAIN + "{photos} --device cuda", "there is no CUDA device here"), marks=NO_CUDA),
]


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (30, 90), "green").save(path)
    return path


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "sam.safetensors"
    path.write_bytes(b"no weights")
    return path


@pytest.fixture
def other(tmp_path_factory):
    """A checkpoint of another SAM."""
    path = tmp_path_factory.mktemp("other") / "other.pth"
    torch.manual_seed(1)
    torch.save(build_sam("vit_tiny", 64).state_dict(), path)
    return path


@pytest.fixture
def results(tmp_path):
    return stored(tmp_path / "results.jsonl", [predicted("cad"), measured("lora")])


@pytest.fixture
def others(tmp_path):
    return stored(tmp_path / "others.jsonl", [predicted("ssf")])


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case[0][:90])
def test_a_mistake_is_one_sentence(case, request, mistake, workers_here, tmp_path):
    (tmp_path / "empty").mkdir()
    places = {"tmp": tmp_path}
    for name in set(re.findall(r"{(\w+)}", case[0])) - {"tmp"}:
        given = request.getfixturevalue(name)
        places[name] = shlex.join(given) if isinstance(given, list) else given
    before = sorted(tmp_path.rglob("*"))
    line, *words = (text.format(**places) for text in case)
    sentence = mistake(*shlex.split(line))
    assert all(word in sentence for word in words), sentence
    assert sorted(tmp_path.rglob("*")) == before
