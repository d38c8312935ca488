"""Names models as Google's services do, and says where each is asked.

As Google's SDK does it, but for one thing: with a base URL and no location, the SDK asks at that URL without a path;
here the location is then `global`, as it is everywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, final
from urllib.parse import urlsplit, urlunsplit

from punk.providers.base import Delivery
from punk.providers.google.settings import Service

GEMINI_BASE: Final = "https://generativelanguage.googleapis.com"
REGIONS_TOGETHER: Final = ("us", "eu")
"""Places of Vertex that are more than one region, and have a host of their own."""

_METHODS: Final[dict[Delivery, str]] = {
    "stream": "streamGenerateContent?alt=sse",
    "whole": "generateContent",
    "count": "countTokens",
}


@final
@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is. `project` and `location` are Vertex's; without them it is asked by key alone. `version` is
    the API's."""

    service: Service
    base: str = field(repr=False)
    version: str
    project: str | None = None
    location: str | None = None

    def url(self, model: str, delivery: Delivery) -> str:
        """The URL at which `model` is asked."""
        path = f"{resource(model, self.service)}:{_METHODS[delivery]}"
        if self.service == "vertex" and self.project and not path.startswith("projects/"):
            path = f"projects/{self.project}/locations/{self.location}/{path}"
        base = urlsplit(self.base)
        path, _, query = path.partition("?")
        return urlunsplit((base.scheme, base.netloc, f"{base.path.rstrip('/')}/{self.version}/{path}", query, ""))


def resource(model: str, service: Service) -> str:
    """The model's full name at `service`."""
    if service == "gemini":
        return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
    if model.startswith(("projects/", "models/", "publishers/")):
        return model
    publisher, slash, name = model.partition("/")
    return f"publishers/{publisher}/models/{name}" if slash else f"publishers/google/models/{model}"


def is_model_name(model: str) -> bool:
    """Whether `model` can stand in an address."""
    return bool(model.strip()) and not any(sign in model for sign in ("..", "?", "&", "#", "%", "\\", " "))


def vertex_base(location: str | None) -> str:
    """The host of Vertex at `location`, or of a key that belongs to no place."""
    if location is None or location == "global":
        return "https://aiplatform.googleapis.com"
    if location in REGIONS_TOGETHER:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"
