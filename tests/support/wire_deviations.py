"""The recorded cases where punk does otherwise than the sidecar says, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DEVIATIONS: Final[Mapping[str, str]] = {
    "anthropic/empty_text_block": "a text block without a character is no part of a message: it cannot be sent back",
    "anthropic/gateway_done_sentinel": "the SDK parses the gateway's [DONE], although message_stop came before it; "
    "and it keeps of the last usage only the fields that it knows",
    "anthropic/mcp_tool": "the SDK adds web_fetch_requests: null to the usage, which the provider did not say",
    "anthropic/compaction": "the SDK drops usage.iterations, which says what the compaction cost",
    "anthropic/refusal_after_thinking": "the SDK drops usage.iterations",
}
"""`protocol/case` to the reason; the tests of the wire say what is expected instead."""
