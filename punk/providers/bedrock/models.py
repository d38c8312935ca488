"""What the name of a model on Bedrock says about what it can do."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

Form: TypeAlias = Literal["none", "budget", "budget_interleaved", "adaptive", "nova"]
"""In which form a model is asked to think."""

# From which version on (major, minor) a Claude thinks in which form.
_FORMS: Final[tuple[tuple[tuple[int, int], Form], ...]] = (
    ((4, 7), "adaptive"),
    ((4, 0), "budget_interleaved"),
    ((3, 7), "budget"),
    ((0, 0), "none"),
)
_JSON_SINCE: Final = (4, 5)
_ONE_SAMPLING: Final = ((4, 1), (4, 7))
"""From the first version on, and before the other one, a Claude takes `temperature` or `top_p`."""

# `claude-sonnet-4-20250514` is a 4.0, `claude-3-7-sonnet-…` a 3.7, `claude-v2` and `claude-instant-v1` are older.
_CLAUDE: Final = re.compile(r"claude-(?:[a-uw-z][a-z]*-|v[a-z]+-)*v?(\d{1,2})(?:[-.:](\d{1,2})(?!\d))?")
_NOVA: Final = re.compile(r"\bnova-(\d{1,2})-")


def is_claude(model: str) -> bool:
    """Whether `model` is one of Anthropic's."""
    return "claude" in model.lower() or "anthropic." in model.lower()


def thinking_form(model: str) -> Form:
    """In which form `model` is asked to think. A Claude whose name has no number is a recent one."""
    name = model.lower()
    if is_claude(name):
        version = _version(name)
        return "adaptive" if version is None else next(form for since, form in _FORMS if version >= since)
    nova = _NOVA.search(name)
    return "nova" if nova is not None and int(nova[1]) >= 2 else "none"


def writes_json(model: str) -> bool:
    """Whether the answers of `model` can be held to a JSON schema. Of other models than Claude it is not known."""
    version = _version(model.lower())
    return is_claude(model) and (version is None or version >= _JSON_SINCE)


def sees_results(model: str) -> bool:
    """Whether the results of tools can hold images for `model`: of the service, a Claude from 3 on, or a Nova."""
    name = model.lower()
    return (is_claude(name) and (_version(name) or (3, 0)) >= (3, 0)) or "nova" in name


def takes_one_sampling(model: str) -> bool:
    """Whether `model` takes `temperature` or `top_p`, but not both."""
    version = _version(model.lower())
    return version is not None and _ONE_SAMPLING[0] <= version < _ONE_SAMPLING[1]


def _version(name: str) -> tuple[int, int] | None:
    found = _CLAUDE.search(name)
    return None if found is None else (int(found[1]), int(found[2] or 0))
