"""A real model, in this process and behind a real server that the vendors' own clients talk to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pytest

from punk.core.media import CacheMark
from punk.core.messages import AssistantMessage, Message, SystemMessage, UserMessage
from punk.core.parts import TextPart
from punk.core.state import Completed
from punk.errors import ConfigurationError
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.media import image
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.base import Model
from punk.llm.models.local import LocalModel
from punk.llm.models.openai import OpenAiCompatibleModel
from tests.llm.script import read
from tests.support.local_server import local_server, local_weights

QUESTION: list[Message] = [
    SystemMessage("Answer briefly and correctly."),
    UserMessage("What is the capital of France?"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with local_server() as url:
        yield url


def in_process(_: str) -> Model:
    return LocalModel(local_weights(), max_tokens=60, temperature=0.0)


def over_messages(url: str) -> Model:
    return AnthropicModel("local", api_key="k", base_url=url, max_tokens=60, temperature=0.0)


def over_chat(url: str) -> Model:
    return OpenAiCompatibleModel("local", base_url=f"{url}/v1", max_tokens=60, temperature=0.0)


@pytest.fixture(params=[in_process, over_messages, over_chat])
def model(request: pytest.FixtureRequest, url: str) -> Model:
    make: Callable[[str], Model] = request.param
    return make(url)


def test_it_streams_an_answer_with_its_reason_and_usage(model: Model) -> None:
    async def main() -> None:
        chat = Chat(QUESTION, model=model)
        async with chat.complete_stream() as stream:
            deltas = await read(stream.content_delta)
        final = await stream.chat
        said = final.latest_message
        assert isinstance(said, AssistantMessage)
        assert len(deltas) > 3
        assert "".join(deltas) == said.content
        assert "Paris" in said.content
        assert said.finish_reason == "stop"
        assert said.usage is not None
        assert (said.usage.input_tokens or 0) > 10
        assert (said.usage.output_tokens or 0) > 3

    asyncio.run(main())


def test_two_streams_at_once_both_complete(model: Model) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(Chat(QUESTION, model=model).complete_async()) for _ in range(2)]
        first, second = (made.result().latest_message.content for made in runs)
        assert "Paris" in first
        assert first == second

    asyncio.run(main())


def test_it_can_be_left_in_the_middle_and_asked_again(model: Model) -> None:
    async def main() -> None:
        chat = Chat([UserMessage("Tell a long story.")], model=model)
        async with chat.complete_stream() as stream:
            async for content in stream.content:
                if len(content) > 10:
                    break
        with pytest.raises(StreamIncompleteError):
            await stream.chat
        assert len(stream.partial_chat.latest_message.content) > 10
        again = await stream.partial_chat.add_message(QUESTION[1]).complete_async()
        assert again.latest_message.content

    asyncio.run(main())


def test_complete_works_inside_a_running_loop(model: Model) -> None:
    async def main() -> None:
        assert "Paris" in Chat(QUESTION, model=model).complete().latest_message.content

    asyncio.run(main())


def test_a_chat_without_a_model_reaches_the_embedded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    weights: Path = local_weights()

    async def main() -> None:
        async with Chat([*QUESTION]).complete_stream() as stream:
            assert len(await read(stream.content_delta)) > 3
            assert isinstance(stream.state, Completed)

    monkeypatch.setenv("PUNK_LOCAL_MODEL", str(weights))
    asyncio.run(main())


def test_tools_that_it_would_drop_are_refused_on_entering() -> None:
    def tool() -> str:
        return "x"

    weights = local_weights()

    async def main() -> None:
        with pytest.raises(ConfigurationError, match="cannot use tools"):
            async with Chat(QUESTION, LocalModel(weights), [tool]).complete_stream():
                raise AssertionError("entered")

    asyncio.run(main())


@dataclass
class Capital:
    """The capital of a country."""

    city: str
    country: Literal["France", "Spain"]


def test_a_real_model_is_held_to_the_form_of_its_answer() -> None:
    """A model this small writes no JSON of its own accord."""
    weights = local_weights()

    async def main() -> None:
        model = LocalModel(weights, max_tokens=60, temperature=0.0, seed=1)
        async with Chat(QUESTION, model).with_output(Capital).complete_stream() as stream:
            partials = await read(stream.partial_output)
        answer = (await stream.chat).parsed
        assert answer.country == "France"
        assert partials[-1] == asdict(answer)
        assert len(partials) > 2

    asyncio.run(main())


def test_it_reads_words_alone() -> None:
    weights = local_weights()

    async def main() -> None:
        for part in (image(b"x", media_type="image/png"), TextPart("Hi", cache=CacheMark())):
            with pytest.raises(ConfigurationError, match="the embedded model takes no"):
                await Chat([UserMessage([part])], LocalModel(weights)).complete_async()

    asyncio.run(main())
