"""Compile the library that stands in for CUDA: ``python -m samfit.harness.standin.build``.

The compiler is zig's, from the package ``ziglang``, so that no other is needed. It is asked for
code that runs with glibc 2.17, as PyTorch's oldest wheels do. Takes a few seconds.
"""

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

ROOM = Path(__file__).parent
SOURCE = ROOM / "source"
BUILT = ROOM / "built"
LIBRARY = BUILT / "libsamfit_standin.so"
NVML = BUILT / "libnvidia-ml.so.1"
# For who links with the driver, as Triton does: scripts for linkers, which name the library.
DRIVERS = (BUILT / "libcuda.so.1", BUILT / "libcuda.so")

MACHINES = ("x86_64", "aarch64")  # those that PyTorch has CUDA builds for
GLIBC = "2.17"
MARK = b"samfit stand-in, sources "  # in the library, before the digest of what it is built from
_FLAGS = ("-std=c23", "-O2", "-g0", "-fPIC", "-shared", "-Wall", "-Wextra", "-D_GNU_SOURCE")


def digest() -> str:
    """What the library has to be built from now, as 64 hexadecimal digits."""
    found = hashlib.sha256(platform.machine().encode())
    for path in sorted([*SOURCE.iterdir(), Path(__file__)]):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def digest_of(library: Path) -> str:
    """What a library was built from; empty if it is none of ours."""
    return library.read_bytes().partition(MARK)[2][:64].decode("ascii", "replace")


def build() -> str:
    """Compile both libraries into ``BUILT``; what the compiler has to say.

    Nothing is done if they are built from what is here already.

    Raises:
        RuntimeError: if it fails, with its messages.
    """
    if NVML.exists() and LIBRARY.exists() and digest_of(LIBRARY) == digest():
        return ""
    BUILT.mkdir(exist_ok=True)
    sources = sorted(path for path in SOURCE.glob("*.c") if path.name != "nvml.c")
    with tempfile.TemporaryDirectory() as folder:
        generated = Path(folder) / "generated.c"
        generated.write_text(_statuses() + _mark(), encoding="utf-8")
        said = _compile(NVML, NVML.name, [SOURCE / "nvml.c"], folder)
        for script in DRIVERS:
            script.write_text(f"INPUT(-l:{LIBRARY.name})\n", encoding="ascii")
        return said + _compile(LIBRARY, DRIVERS[0].name, [*sources, generated], folder)


def _statuses() -> str:
    """C for ``symbols.txt``: functions that only return a status, whatever they are given."""
    functions = ["void forget_all(void);\n"]
    for line in (SOURCE / "symbols.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            status, *names = line.split()
            does = "forget_all(); return 0;" if status == "launch" else f"return {status};"
            functions += [f"int {name}(void) {{ {does} }}\n" for name in names]
    return "".join(functions)


def _mark() -> str:
    return f'const char samfit_sources[] = "{MARK.decode()}{digest()}";\n'


def _compile(output: Path, soname: str, sources: list[Path], cache: str) -> str:
    target = f"{platform.machine()}-linux-gnu.{GLIBC}"
    finished = output.with_suffix(".new")  # so that nobody ever loads half a library
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *_FLAGS]
    command += [
        f"-Wl,-soname,{soname}",
        "-o",
        str(finished),
        *map(str, sources),
        "-ldl",
        "-lpthread",
    ]
    caches = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    done = subprocess.run(
        command, env={**os.environ, **caches}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"samfit's stand-in for CUDA does not compile:\n{done.stderr}")
    finished.replace(output)
    return done.stderr


if __name__ == "__main__":
    sys.stderr.write(build())
