"""Does what the command line asks, and turns what comes of it into an exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, assert_never, final

import click
from rich.console import Console

from punk.cli.answer import Answered, Broke, Interrupted, answer
from punk.cli.arguments import Ask, InstallWeights, Output, Told, parse
from punk.cli.display import Display, NoDisplay, PlainDisplay
from punk.cli.output import let_go, tell, tolerate
from punk.cli.prompt import read_prompt
from punk.cli.terminal import TerminalDisplay
from punk.cli.weights import fetch_on_first_use, install
from punk.core.messages import AssistantMessage
from punk.errors import ConfigurationError, PunkError, StreamingNotSupported
from punk.llm.chat import Chat
from punk.llm.messages import SystemMessage, UserMessage
from punk.llm.models.base import Model
from punk.llm.models.defaults import named_model, resolve
from punk.llm.models.local import LocalModel
from punk.providers.local.weights import MODEL_VARIABLE, SMOLLM2

DEMO_SYSTEM: Final = "Answer briefly and correctly."
"""What the small model is told where nothing else is: without it, it rambles."""


@final
class Exit(IntEnum):
    """The exit codes, as `punk --help` explains them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130
    READER_LEFT = 141


def run(arguments: Sequence[str]) -> Exit:
    """Do what `arguments` ask. Raises `KeyboardInterrupt` where ctrl-C hits anything but a stream."""
    tolerate()
    try:
        match parse(arguments):
            case Ask() as ask:
                return _ask(ask)
            case InstallWeights():
                click.echo(install())
                return Exit.OK
            case Told():
                return Exit.OK
            case never:
                assert_never(never)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (ConfigurationError, StreamingNotSupported) as error:
        tell(error.message)
        return Exit.USAGE
    except PunkError as error:
        tell(error.message)
        return Exit.FAILED
    except BrokenPipeError:
        let_go()
        return Exit.READER_LEFT
    except OSError as error:  # a full disk
        tell(f"cannot write: {error.strerror or error}")
        let_go()
        return Exit.FAILED


def _ask(ask: Ask) -> Exit:
    prompt = read_prompt(ask.prompt)
    model = named_model(ask.model) if ask.model else resolve(None)
    system = ask.system or ""
    if _is_demo(model):
        fetch_on_first_use()
        tell(f"the answer comes from the small local demo model, {SMOLLM2.title}")
        system = DEMO_SYSTEM if ask.system is None else system
    chat = Chat([SystemMessage(system)] if system.strip() else [], model).add_message(UserMessage(prompt))
    outcome = asyncio.run(answer(chat, _display(ask.output), ask.thinking))
    if ask.output == "json":
        click.echo(outcome.chat.to_json())
    match outcome:
        case Answered(final_chat):
            _tell_of_end(final_chat)
            return Exit.OK
        case Interrupted():
            tell("interrupted: the answer is incomplete")
            return Exit.INTERRUPTED
        case Broke(error=error):
            tell(" ".join(error.message.split()))
            return Exit.FAILED
        case never:
            assert_never(never)


def _is_demo(model: Model) -> bool:
    return isinstance(model, LocalModel) and model.path is None and not os.environ.get(MODEL_VARIABLE)


def _display(output: Output) -> Display:
    if output == "json":
        return NoDisplay()
    console = Console(file=sys.stdout)
    if sys.stdout.isatty() and console.is_interactive:
        return TerminalDisplay(console)
    return PlainDisplay()


def _tell_of_end(chat: Chat) -> None:
    """Say why an answer that is complete may not look so."""
    match chat.latest_message:
        case AssistantMessage(finish_reason="max_tokens"):
            tell("the answer is cut: it reached the model's limit of tokens")
        case AssistantMessage(finish_reason="refusal"):
            tell("the model refused to answer")
        case AssistantMessage(finish_reason="content_filter"):
            tell("the provider's filter stopped the answer")
        case _:
            pass
