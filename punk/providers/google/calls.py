"""A call on its way in: whole in one part, or with arguments that are streamed over several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from punk.core.events import CallDelta, CallEnded, ProviderEvent
from punk.core.json import JsonObject, dump_json
from punk.core.provider_data import ProviderData
from punk.providers.google.arguments import StreamedArguments
from punk.providers.google.wire import FAMILY


@final
@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call whose arguments are streamed, and what stood beside it in its parts."""

    block: int
    id: str | None
    name: str
    arguments: StreamedArguments
    whole: JsonObject | None
    data: JsonObject

    def goes_on(self, id_: str | None, name: str) -> bool:
        """Whether a piece belongs to this call that states this id and name, or none."""
        return name in ("", self.name) and (id_ is None or self.id is None or id_ == self.id)

    def end(self, out: list[ProviderEvent]) -> None:
        """Append the end of the call: the rest of its arguments, and all of them where they came in pieces."""
        data = ProviderData.of(FAMILY, self.data) if self.data else None
        streamed = bool(self.arguments.values)
        if streamed and (rest := self.arguments.end()):
            out.append(CallDelta(self.block, rest))
        if self.whole is None and not streamed:
            out.append(CallEnded(self.block, None, data))
            return
        whole = dump_json(self.arguments.whole() if self.whole is None else self.whole)
        if not streamed:
            out.append(CallDelta(self.block, whole))
        out.append(CallEnded(self.block, whole if streamed else None, data))
