"""Folds the end of an answer: what it states again, what it means for items that are still open, its last word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from punk.core.events import ProviderEvent, TurnEnded, TurnFailed, TurnStarted, UsageReported
from punk.core.messages import Finish, FinishReason
from punk.providers.openai.responses import wire
from punk.providers.openai.responses.failures import provider_error
from punk.providers.openai.responses.items import is_kind, item_ends, left_open, restated, wire_id
from punk.providers.openai.responses.settings import FAMILY
from punk.providers.openai.responses.turn import ENDED, Closed, EarlyArguments, Ended, Key, Step, Turn, key_of, violated
from punk.providers.openai.responses.usage import usage_of

INCOMPLETE: Final[Mapping[str | None, FinishReason]] = {
    "max_output_tokens": "max_tokens",
    "content_filter": "content_filter",
}


def end_of(turn: Turn, response: wire.Response, status: str) -> Step:
    """The end of an answer, which `response` states whole; `status` is what the event's name says of it."""
    events: list[ProviderEvent] = []
    if turn.started is None:
        events.append(TurnStarted(FAMILY, response.get("model") or None, response.get("id") or None))
    status = _worst(response, status)
    after, said = _restated(turn, response.get("output") or (), status)
    events += said
    if isinstance(after, Ended):
        return after, tuple(events)
    for item in after.items.values():
        if isinstance(item, EarlyArguments) and status == "completed":
            return violated("arguments came for a call that never began")
        if not isinstance(item, Closed):
            events += left_open(item)
    usage = response.get("usage")
    if usage:
        events.append(UsageReported(usage_of(usage)))
    events.append(_last_word(after, response, status))
    return ENDED, tuple(events)


def _worst(response: wire.Response, status: str) -> str:
    """What the end of an answer means whose event's name says `status`: a bad word of the answer itself counts more."""
    stated = response.get("status")
    if response.get("error") or "failed" in (status, stated) or stated == "cancelled":
        return "failed"
    if stated == "incomplete" or (response.get("incomplete_details") or {}).get("reason"):
        return "incomplete"
    return status


def _restated(turn: Turn, output: list[wire.Record] | tuple[()], status: str) -> Step:
    """The answer after the items that `output` states again: those under way end, those that were whole must agree."""
    events: list[ProviderEvent] = []
    is_new = not turn.items
    by_id: dict[str | None, Key] = {known.id: key for key, known in turn.items.items() if known.id}
    for index, item in enumerate(output):
        key = index if is_new else _key_of(turn, by_id, index, wire_id(item))
        under_way = turn.items.get(key)
        if under_way is None and not is_new:
            continue
        if isinstance(under_way, Closed):
            after, said = restated(turn, key, under_way, item)
        elif under_way is None or is_kind(under_way, item.get("type")):
            after, said = item_ends(turn, key, item)
        else:
            continue
        if isinstance(after, Turn):
            turn = after
            events += said
        elif status == "completed":
            return after, (*events, *said)
    return turn, tuple(events)


def _key_of(turn: Turn, by_id: Mapping[str | None, Key], index: int, id_: str | None) -> Key:
    """The item that number `index` of the answer's output states again."""
    # The output may leave items out, so that the id says more than the place; but some servers make new ids every time,
    # and some give one id to all.
    known = turn.items.get(index)
    if known is not None and known.id == id_:
        return index
    if id_ in by_id:
        return by_id[id_]
    return index if known is not None else key_of(None, id_)


def _last_word(turn: Turn, response: wire.Response, status: str) -> TurnEnded | TurnFailed:
    match status:
        case "completed":
            return TurnEnded(Finish(turn.reason, status))
        case "incomplete":
            why = (response.get("incomplete_details") or {}).get("reason")
            return TurnEnded(Finish(INCOMPLETE.get(why, "other"), status, why))
        case _:
            words = "the answer was cancelled" if response.get("status") == "cancelled" else None
            return TurnFailed(provider_error({"error": response.get("error") or words}))
