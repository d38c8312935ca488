"""What a `Tool` says of its function, and the context that a tool may ask for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import pytest
from returns.methods import unwrap_or_failure

from punk.core.json import parse_object
from punk.core.parts import TextPart
from punk.core.request import ToolSpec
from punk.core.tool_events import ToolProgressed
from punk.errors import ConfigurationError
from punk.tools.call import AsyncCall, RemoteCall, Returned, SyncCall, bind
from punk.tools.context import ToolContext
from punk.tools.remote import RemoteTool, ToolAnswer
from punk.tools.schema import FunctionTool
from punk.tools.tool import Tool
from punk.tools.toolbox import Toolbox


def transfer(account: str, amount: float) -> str:
    """Move money."""
    return f"{amount} to {account}"


def test_a_function_alone_says_nothing_more() -> None:
    assert FunctionTool.of(Tool(transfer)).spec == FunctionTool.of(transfer).spec
    spec = FunctionTool.of(transfer).spec
    assert (spec.strict, spec.requires_approval, spec.idempotent) == (False, False, False)


def test_a_tool_says_what_its_function_cannot() -> None:
    tool = FunctionTool.of(
        Tool(
            transfer,
            name="pay",
            description="Pay somebody.",
            timeout=3,
            concurrency=1,
            requires_approval=True,
            idempotent=True,
            strict=True,
        )
    )
    assert tool.spec.name == "pay"
    assert tool.spec.description == "Pay somebody."
    assert (tool.spec.strict, tool.spec.requires_approval, tool.spec.idempotent) == (True, True, True)
    assert (tool.timeout, tool.concurrency) == (3, 1)
    assert tool.function is transfer
    assert FunctionTool.of(Tool(transfer, description="")).spec.description == ""


def test_a_function_without_a_docstring_is_not_described_by_the_tool_around_it() -> None:
    def bare() -> str:
        return "x"

    assert FunctionTool.of(Tool(bare)).spec.description == FunctionTool.of(bare).spec.description == ""


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(ConfigurationError, match=r"or name it: Tool\(\.\.\., name=\.\.\.\)"):
        FunctionTool.of(lambda: "x")
    assert FunctionTool.of(Tool(lambda: "x", name="x")).spec.name == "x"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: Tool("transfer"), "a tool must be callable, and 'transfer' is not"),  # type: ignore[arg-type]  # so
        (lambda: Tool(transfer, name="ein name"), "'ein name' can't be the name of a tool"),
        (lambda: Tool(transfer, name=""), "'' can't be the name of a tool"),
        (lambda: Tool(transfer, timeout=0), "a tool's timeout is a number of seconds above 0, not 0"),
        (lambda: Tool(transfer, concurrency=-1), "a tool's concurrency is a whole number above 0, not -1"),
        (lambda: Tool(transfer, timeout=float("nan")), "above 0, not nan"),
        (lambda: Tool(transfer, concurrency=1.5), "whole number above 0, not 1.5"),  # type: ignore[arg-type]  # so
        (lambda: Tool(transfer, name=5), "5 can't be the name"),  # type: ignore[arg-type]  # so
    ],
)
def test_what_a_tool_cannot_be(made: Callable[[], Tool], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        made()


def test_two_tools_of_one_name_are_told() -> None:
    with pytest.raises(ConfigurationError, match=r"name one of them otherwise: Tool\(\.\.\., name=\.\.\.\)"):
        Toolbox.of([transfer, Tool(transfer)])
    assert list(Toolbox.of([transfer, Tool(transfer, name="again")]).by_name) == ["transfer", "again"]


class Counter:
    def up(self, context: ToolContext, by: int = 1) -> tuple[ToolContext, int]:
        return context, by


def first(context: ToolContext, /, by: int) -> tuple[ToolContext, int]:
    return context, by


def between(by: int, context: ToolContext, /) -> tuple[ToolContext, int]:
    return context, by


def quoted(by: int, *, context: ToolContext) -> tuple[ToolContext, int]:
    return context, by


def missing(by: int, context: ToolContext | None = None) -> tuple[ToolContext | None, int]:
    return context, by


def noted(by: int, context: Annotated[ToolContext, "where I am"]) -> tuple[ToolContext, int]:
    return context, by


def bound_already(other: str, by: int, context: ToolContext) -> tuple[ToolContext, int]:
    return context, by


@pytest.mark.parametrize(
    "function", [Counter().up, first, between, quoted, missing, noted, partial(bound_already, "other")]
)
def test_the_context_is_passed_and_not_offered(function: Callable[..., object]) -> None:
    context = ToolContext("id", "tool")
    tool = FunctionTool.of(function)
    schema = parse_object(tool.spec.parameters).unwrap()
    assert isinstance(schema["properties"], dict)
    assert list(schema["properties"]) == ["by"]
    match unwrap_or_failure(bind(tool, '{"by": 3}', context)):
        case SyncCall() as call:
            assert call.run() == Returned((context, 3))
        case other:
            raise AssertionError(other)
    assert "extra" in str(bind(tool, '{"by": 3, "context": 1}', context).failure()).lower()


def test_a_context_can_be_made_for_a_test() -> None:
    context = ToolContext()
    context.report("unheard")
    assert (context.call_id, context.tool) == ("", "")


def test_a_context_reports_what_it_is_told() -> None:
    heard: list[ToolProgressed] = []
    context = ToolContext("id", "tool", heard.append)
    context.report("half\ud800", progress=1, total=2)
    context.report(progress=0.5)
    assert heard == [ToolProgressed("id", "half\ufffd", 1, 2), ToolProgressed("id", None, 0.5, None)]


async def far(arguments: Any, context: ToolContext) -> ToolAnswer:
    return ToolAnswer((TextPart(f"{arguments} {context.call_id}"),))


REMOTE = RemoteTool(ToolSpec("far", "Far away.", "{}"), far, 2.0)


async def _answer(call: RemoteCall) -> ToolAnswer:
    return await call.run()


def test_a_remote_tool_is_given_its_arguments_as_they_are() -> None:
    match unwrap_or_failure(bind(REMOTE, '{"a": [1]}', ToolContext("id"))):
        case RemoteCall() as call:
            with pytest.raises(StopIteration) as ended:
                _answer(call).send(None)
            assert ended.value.value == ToolAnswer((TextPart("{'a': [1]} id"),))
        case other:
            raise AssertionError(other)
    assert bind(REMOTE, "[1]", ToolContext()).failure() == "not a JSON object"


def test_a_toolbox_takes_remote_tools_beside_its_own() -> None:
    toolbox = Toolbox.of([transfer]).with_remote([REMOTE])
    assert [spec.name for spec in toolbox.specs] == ["transfer", "far"]
    assert toolbox.lookup("far").unwrap() is REMOTE


def test_a_call_of_an_async_tool_is_told() -> None:
    async def slow(context: ToolContext) -> str:
        return context.call_id

    assert isinstance(bind(FunctionTool.of(slow), "{}", ToolContext("id")).unwrap(), AsyncCall)
