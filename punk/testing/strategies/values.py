"""Strategies for the small values in messages and events: texts, JSON, usage, finish reasons."""

from __future__ import annotations

from typing import Final, get_args

from hypothesis import strategies as st

from punk.core.json import JsonObject, JsonValue
from punk.core.messages import Finish, FinishReason, Origin
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage

FAMILIES = ("anthropic", "openai-chat", "scripted")
REASONS: tuple[FinishReason, ...] = get_args(FinishReason)


def texts(*, min_size: int = 0, max_size: int = 8) -> st.SearchStrategy[str]:
    """Text that can be encoded: any character but lone surrogates."""
    return st.text(_CHARACTERS, min_size=min_size, max_size=max_size)


def json_values() -> st.SearchStrategy[JsonValue]:
    """Small JSON values of every type."""
    return _JSON


def json_objects() -> st.SearchStrategy[JsonObject]:
    """Small JSON objects, as a call's arguments are."""
    return _OBJECTS


def provider_data() -> st.SearchStrategy[ProviderData]:
    """Payloads of some wire family."""
    return _PROVIDER_DATA


def finishes(*reasons: FinishReason | None) -> st.SearchStrategy[Finish]:
    """How a turn ends; for one of `reasons`, or for any."""
    return st.builds(Finish, st.sampled_from(reasons or (*REASONS, None)), _MAYBE_TEXT, _MAYBE_TEXT)


def usages() -> st.SearchStrategy[Usage]:
    """Token counts as one report has them."""
    return _USAGES


def origins() -> st.SearchStrategy[Origin]:
    """Where an answer came from."""
    return st.builds(Origin, st.none() | st.sampled_from(FAMILIES), _MAYBE_TEXT, _MAYBE_TEXT)


# Strategies are made once: hypothesis spends far more on making one than on drawing from it.
_CHARACTERS: Final = st.characters(codec="utf-8")
_MAYBE_TEXT: Final = st.none() | texts()
_SCALARS: Final[st.SearchStrategy[JsonValue]] = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False), texts()
)
_JSON: Final[st.SearchStrategy[JsonValue]] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(texts(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
_OBJECTS: Final[st.SearchStrategy[JsonObject]] = st.dictionaries(texts(max_size=3), _JSON, max_size=2)
_PROVIDER_DATA: Final = st.builds(ProviderData.of, st.sampled_from(FAMILIES), _JSON)
_COUNTS: Final = st.none() | st.integers(0, 10_000)
_USAGES: Final = st.builds(
    Usage, _COUNTS, _COUNTS, _COUNTS, _COUNTS, _COUNTS, st.just(False), st.none() | _PROVIDER_DATA
)
