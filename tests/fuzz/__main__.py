"""Fuzzes one target, guided by what it covers: `python -m tests.fuzz TARGET [--seconds N] [--corpus DIR]`.

Needs `pip install atheris` (Linux or macOS; it is no extra of the project, for nothing else needs it). DIR keeps the
bodies that reached something new, from run to run. What breaks a law is written to `DIR.broken`, one body for each way
of breaking, and the run goes on; crashes, hangs and floods of memory end it, as libFuzzer does. What follows `--` goes
to libFuzzer. Without DIR the corpus is among the temporary files. `python -m tests.fuzz.corpus` says what it is for.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import tempfile
import traceback
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Final

SECONDS: Final = 300
WAYS: Final = 60
"""Ways of breaking that are told apart in one run."""
_DECODING: Final = ["punk.core", "punk.wire", "punk.providers"]
"""What is instrumented: the laws and the rest of punk would lead the fuzzer astray."""


def main(arguments: list[str]) -> int:
    """Run the fuzzer as `arguments` say; it ends the process itself, 2 where it is not installed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--corpus", type=Path, default=None)
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    asked = parser.parse_args(arguments[:cut])
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        print("the fuzzer is not installed: pip install atheris", file=sys.stderr)
        return 2
    # Only what is imported in here is instrumented, so nothing of punk may be imported before.
    with atheris.instrument_imports(include=_DECODING):
        importlib.import_module("tests.fuzz.targets")
    return _fuzz(atheris, asked.target, asked.seconds, asked.corpus, arguments[cut + 1 :])


def _fuzz(atheris: Any, target: str, seconds: int, folder: Path | None, more: list[str]) -> int:
    from tests.fuzz.corpus import FINDINGS
    from tests.fuzz.frames import FRAMINGS, frames_of
    from tests.fuzz.mutate import mutate
    from tests.fuzz.seeds import LONGEST, seeds, words
    from tests.fuzz.targets import TARGETS

    if target not in TARGETS:
        print(f"no such target: {target}; there are {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    corpus = folder or Path(tempfile.gettempdir()) / "punk-fuzz" / target
    corpus.mkdir(parents=True, exist_ok=True)
    bodies = seeds(target)
    for body in bodies:
        (corpus / f"seed-{sha256(body).hexdigest()[:16]}").write_bytes(body)
    dictionary = corpus.with_name(corpus.name + ".dict")
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in words(target, bodies)), "utf-8")

    framing, broken = FRAMINGS[target], _Broken(corpus.with_name(corpus.name + ".broken"))
    pool = [frame for body in bodies for frame in frames_of(framing, body)]

    def one(data: bytes) -> None:
        try:
            TARGETS[target](data)
        except AssertionError as error:
            broken.keep(data, error)

    def bend(data: bytes, limit: int, seed: int) -> bytes:
        lots = Random(seed)
        if lots.random() < 0.3:
            return bytes(atheris.Mutate(data, limit))
        return mutate(framing, data, pool, lots, lambda part: bytes(atheris.Mutate(part, len(part) + 16)))[:limit]

    own = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-dict={dictionary}", "-timeout=20"]
    artifacts = f"-artifact_prefix={broken.folder}/"
    given = [str(each) for each in (corpus, FINDINGS / target) if each.is_dir()]
    atheris.Setup([sys.argv[0], *own, "-rss_limit_mb=1500", artifacts, *more, *given], one, custom_mutator=bend)
    atheris.Fuzz()
    return 0


class _Broken:
    """The shortest body of each way in which a law was broken, and what was said of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._sizes: dict[str, int] = {}

    def keep(self, data: bytes, error: AssertionError) -> None:
        """Write `data`, unless a shorter body broke the same."""
        way = sha256(_way(error).encode()).hexdigest()[:12]
        known = self._sizes.get(way, sys.maxsize if len(self._sizes) < WAYS else 0)
        if len(data) >= known:
            return
        self._sizes[way] = len(data)
        told = "".join(traceback.format_exception(error))
        (self.folder / way).write_bytes(data)
        (self.folder / f"{way}.txt").write_text(told, "utf-8", errors="backslashreplace")
        print(f"BROKEN {way} ({len(data)} bytes): {told[-600:]}".encode(errors="backslashreplace").decode(), flush=True)


def _way(error: BaseException) -> str:
    """What two bodies have in common that break the same law at the same place."""
    places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    if error.__cause__ is not None:
        places += [f"{f.name}:{f.lineno}" for f in traceback.extract_tb(error.__cause__.__traceback__)[-2:]]
        return f"{type(error.__cause__).__name__} {places}"
    # What the bodies say differs; what sort of thing it became does not.
    return f"{places} {sorted(set(re.findall(r'[A-Z][A-Za-z]+(?=[(])', str(error))))}"


def _escaped(word: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
