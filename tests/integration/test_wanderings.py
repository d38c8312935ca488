"""A conversation begun on one route goes on over all others: each is told all that was said, and no other's secrets."""

from __future__ import annotations

import json
from typing import Final

import pytest

from punk.core.messages import AssistantMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import TextPart, ThinkingPart, ToolCall
from punk.core.thinking import ThinkingConfig
from punk.llm.chat import Chat
from tests.integration.routes import ROUTES, Route, Settings
from tests.integration.sent import Answered, Called, Said, Thought
from tests.integration.test_tools import Weather, proof_of
from tests.support.aimock import Aimock
from tests.support.aio import run

THINKING: Final[Settings] = {"thinking_config": ThinkingConfig(effort="low")}


def test_a_conversation_goes_on_over_every_route(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        begun = Chat([UserMessage("interleaved")], route.make(aimock.base, THINKING), [Weather().get_weather])
        chat = await begun.complete_async()
        for other in ROUTES:
            model = other.make(aimock.base, {})
            asked = chat.with_model(model).add_message(UserMessage("think"))
            chat = await asked.complete_async()
            assert chat.latest_message.content == "The answer is 49403."
            told = other.sent(aimock.asked()[-1].json)
            spoken = [item for item in told if not isinstance(item, Thought)]
            named = all(item.id is not None for item in spoken if not isinstance(item, Said))
            # Where a wire leaves out the ids of foreign calls it does so everywhere: their order tells.
            assert spoken == said(asked, with_ids=named)
            assert {item.proof for item in told if isinstance(item, Thought)} <= proofs(asked, model.provider().family)

    run(main())
    assert len(aimock.settled()) == 2 + len(ROUTES)


# One route a wire.
BEGINNINGS = [one for one in ROUTES if one.name not in ("azure-chat", "azure-responses", "vertex")]


@pytest.mark.parametrize("first", BEGINNINGS, ids=lambda route: f"from-{route.name}")
def test_calls_of_one_model_are_answered_to_another_that_thinks(first: Route, route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        chat = Chat([UserMessage("interleaved")], first.make(aimock.base, THINKING), [Weather().get_weather])
        handed = await chat.complete_async(execute_tools=False)
        final = await handed.with_model(route.make(aimock.base, THINKING)).complete_async()
        assert final.latest_message.content == "Sunny in both."

    run(main())


def said(chat: Chat, *, with_ids: bool) -> list[Said | Called | Answered]:
    """All that is in a conversation but thinking, as every wire is told it."""
    told: list[Said | Called | Answered] = []
    for message in chat.messages:
        if isinstance(message, ToolResultMessage):
            told.append(Answered(message.call_id if with_ids else None, message.content))
            continue
        for part in message.parts:
            match part:
                case TextPart(text):
                    told.append(Said("user" if isinstance(message, UserMessage) else "assistant", text))
                case ToolCall(id=id_, name=name, arguments=arguments):
                    told.append(Called(id_ if with_ids else None, name, json.loads(arguments)))
                case _:
                    assert isinstance(part, ThinkingPart)
    return told


def proofs(chat: Chat, family: str) -> set[str | None]:
    """The proofs of thinking in `chat` that `family` gave."""
    answers = [message for message in chat.messages if isinstance(message, AssistantMessage | ToolCallMessage)]
    return {proof_of(part) for answer in answers if answer.origin.family == family for part in answer.thinking_blocks}
