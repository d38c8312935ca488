"""Strategies for the small values in messages and events: texts, JSON, usage, finish reasons."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from punk.core.json import JsonObject, JsonValue
from punk.core.messages import Finish, FinishReason, Origin
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage

FAMILIES = ("anthropic", "openai-chat", "scripted")
REASONS: tuple[FinishReason, ...] = get_args(FinishReason)


def texts(*, min_size: int = 0, max_size: int = 8) -> st.SearchStrategy[str]:
    """Text that can be encoded: any character but lone surrogates."""
    return st.text(st.characters(codec="utf-8"), min_size=min_size, max_size=max_size)


def json_values() -> st.SearchStrategy[JsonValue]:
    """Small JSON values of every type."""
    scalars: st.SearchStrategy[JsonValue] = st.one_of(
        st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False), texts()
    )
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(texts(max_size=3), inner, max_size=2)),
        max_leaves=4,
    )


def json_objects() -> st.SearchStrategy[JsonObject]:
    """Small JSON objects, as a call's arguments are."""
    return st.dictionaries(texts(max_size=3), json_values(), max_size=2)


def provider_data() -> st.SearchStrategy[ProviderData]:
    """Payloads of some wire family."""
    return st.builds(ProviderData.of, st.sampled_from(FAMILIES), json_values())


def finishes(*reasons: FinishReason | None) -> st.SearchStrategy[Finish]:
    """How a turn ends; for one of `reasons`, or for any."""
    return st.builds(Finish, st.sampled_from(reasons or (*REASONS, None)), st.none() | texts(), st.none() | texts())


def usages() -> st.SearchStrategy[Usage]:
    """Token counts as one report has them."""
    count = st.none() | st.integers(0, 10_000)
    return st.builds(Usage, count, count, count, count, count, st.just(False), st.none() | provider_data())


def origins() -> st.SearchStrategy[Origin]:
    """Where an answer came from."""
    return st.builds(Origin, st.none() | st.sampled_from(FAMILIES), st.none() | texts(), st.none() | texts())
