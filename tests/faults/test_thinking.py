"""Thinking: without a signature, redacted, and by turns with text; what is sent back of it, and how it is read."""

from __future__ import annotations

from typing import Final

import pytest

from punk.core.events import ProviderEvent, TextDelta, ThinkingDelta, ThinkingSealed
from punk.core.json import dump_json
from punk.core.messages import AssistantMessage
from punk.core.provider_data import ProviderData
from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from tests.faults.byhand import event
from tests.faults.judge import ONCE, Bank, ask
from tests.faults.recorder import record
from tests.faults.wires import WIRES, Family, Wire
from tests.faults.world import World
from tests.llm.script import START, STOP, answer
from tests.llm.script import read as read_all


async def _replayed(wire: Wire, world: World, *frames: bytes) -> tuple[AssistantMessage, str]:
    """The message in `frames`, and the request that goes on from it."""
    world.server.play(wire.answer(*frames), wire.answer(*wire.frames(*answer("Fine."))))
    chat = Chat([UserMessage("Pay Bob.")], world.model(wire)).with_options(retry=ONCE)
    said = await chat.complete_async()
    await said.add_message(UserMessage("Go on.")).complete_async()
    message = said.latest_message
    assert isinstance(message, AssistantMessage)
    assert message.content == "Hello"
    return message, dump_json(world.server.requests[1].json)


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_thinking_without_a_signature_is_read_and_never_sent_back(wire: Wire, world: World) -> None:
    frames = wire.frames(START, ThinkingDelta(0, "A secret thought."), ThinkingSealed(0), TextDelta(1, "Hello"), STOP)
    message, request = world.run(_replayed(wire, world, *frames))
    assert [part.text for part in message.thinking_blocks] == ["A secret thought."]
    sent = "A secret thought." in request
    record(59, wire.name, "read, sent back" if sent else "read, not sent back")
    assert not sent


REDACTED: Final[dict[Family, ProviderData]] = {
    "anthropic": ProviderData.of("anthropic", {"type": "redacted_thinking", "data": "b3BhcXVl"}),
    "bedrock": ProviderData.of("bedrock-converse", {"reasoningContent": {"redactedContent": "b3BhcXVl"}}),
}
ENCRYPTED: Final = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "b3BhcXVl"}


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_redacted_thinking_is_kept_and_sent_back(wire: Wire, world: World) -> None:
    if wire.family in ("chat", "gemini"):
        record(60, wire.name, "n/a: this wire redacts nothing")
        return
    if wire.family == "responses":
        item = event("response.output_item.done", output_index=0, item=ENCRYPTED)
        frames = (wire.opening[0], item, *wire.frames(*answer("Hello"))[1:])
    else:
        sealed = ThinkingSealed(0, provider_data=REDACTED[wire.family])
        frames = wire.frames(START, sealed, TextDelta(1, "Hello"), STOP)
    message, request = world.run(_replayed(wire, world, *frames))
    assert [part.text for part in message.thinking_blocks] == [""]
    sent = "b3BhcXVl" in request
    record(60, wire.name, "kept, sent back" if sent else "kept, not sent back")
    assert sent


TURNS: Final[list[ProviderEvent]] = [
    START,
    ThinkingDelta(0, "One, "),
    ThinkingDelta(0, "two."),
    ThinkingSealed(0),
    TextDelta(1, "Hello"),
    ThinkingDelta(2, "Three."),
    ThinkingSealed(2),
    TextDelta(3, ", world."),
    STOP,
]


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_thinking_and_text_by_turns(wire: Wire, world: World) -> None:
    async def main() -> tuple[list[list[str]], str]:
        world.server.play(wire.answer(*wire.frames(*TURNS)))
        # With tools, for without them a loop does not wait for thinking that may yet come.
        async with ask(world.model(wire), Bank()).complete_stream() as stream:
            phases = [await read_all(stream.thinking) for _ in range(3)]
            return phases, "".join(await read_all(stream.content_delta))

    phases, text = world.run(main())
    words = " / ".join(phase[-1] for phase in phases if phase)
    record(61, wire.name, f"phases {words!r}, text {text!r}")
    assert phases == [["One, ", "One, two."], ["Three."], []]
    assert text == "Hello, world."
