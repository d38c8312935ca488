"""Structured answers on every route: the type that was asked for, also after tools and while thinking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from punk.core.messages import UserMessage
from punk.core.thinking import ThinkingConfig
from punk.llm.chat import Chat
from tests.integration.routes import Route
from tests.integration.test_tools import Weather
from tests.llm.script import read
from tests.support.aimock import Aimock
from tests.support.aio import run


@final
@dataclass(frozen=True, slots=True)
class Report:
    """The weather in a city."""

    city: str
    degrees: int


def test_an_answer_has_its_type(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        chat = Chat([UserMessage("a report")], route.make(aimock.base, {})).with_output(Report)
        async with chat.complete_stream() as stream:
            partials = await read(stream.partial_output)
        assert partials[-1] == {"city": "Paris", "degrees": 21}
        assert (await stream.chat).parsed == Report("Paris", 21)

    run(main())
    (asked,) = aimock.settled()
    assert "degrees" in asked.body


def test_an_answer_after_thinking_and_tools_has_its_type(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        weather = Weather()
        model = route.make(aimock.base, {"thinking_config": ThinkingConfig(effort="low")})
        chat = Chat([UserMessage("measured report")], model, [weather.get_weather]).with_output(Report)
        final = await chat.complete_async()
        assert weather.asked == ["Paris"]
        assert final.parsed == Report("Paris", 21)

    run(main())
    assert ["degrees" in asked.body for asked in aimock.settled()] == [True, True]
