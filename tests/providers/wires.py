"""The table of all wires, and what a test needs of each: a new vendor is one entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, final

from returns.result import Result

from punk.core.effects import RequestTurn
from punk.core.events import ProviderEvent
from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.azure_openai import AzureOpenAiModel
from punk.llm.models.base import Model
from punk.llm.models.bedrock import BedrockModel
from punk.llm.models.google import GoogleModel
from punk.llm.models.openai import OpenAiCompatibleModel, OpenAiModel
from punk.providers.anthropic.decode import AnthropicDecoder
from punk.providers.anthropic.encode import encode as encode_anthropic
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.base import Body, Decoder, Delivery
from punk.providers.bedrock.decode import ConverseDecoder
from punk.providers.bedrock.encode import encode as encode_converse
from punk.providers.bedrock.settings import BedrockSettings
from punk.providers.google.decode import GeminiDecoder
from punk.providers.google.encode import encode as encode_gemini
from punk.providers.google.settings import GoogleSettings
from punk.providers.openai.chat.decode import ChatDecoder
from punk.providers.openai.chat.encode import encode as encode_chat
from punk.providers.openai.chat.settings import ChatSettings
from punk.providers.openai.responses.decode import ResponsesDecoder
from punk.providers.openai.responses.encode import encode as encode_responses
from punk.providers.openai.responses.settings import ResponsesSettings
from punk.testing.wires import anthropic, bedrock_converse, gemini, openai_chat, openai_responses
from punk.testing.wires.anthropic_request import request_faults as anthropic_faults
from punk.testing.wires.bedrock_converse_request import request_faults as converse_faults
from punk.testing.wires.gemini_request import request_faults as gemini_faults
from punk.testing.wires.openai_chat_request import request_faults as chat_faults
from punk.testing.wires.openai_responses_request import request_faults as responses_faults

Encode: TypeAlias = Callable[[RequestTurn, Delivery], Result[Body, Unsupported]]
Write: TypeAlias = Callable[[Iterable[ProviderEvent]], bytes]
Faults: TypeAlias = Callable[[JsonObject], tuple[str, ...]]


@final
@dataclass(frozen=True, slots=True)
class Wire:
    """One wire, by name: its family, how its answers are read and how its server would write one, how a request for it
    is made and which of the wire's rules a request breaks, and what a user writes to ask a server at a base URL."""

    name: str
    family: str
    decoder: Callable[[], Decoder]
    write: Write
    encode: Encode
    faults: Faults
    model: Callable[[str], Model]

    def __str__(self) -> str:
        return self.name


_CLAUDE: Final = partial(encode_anthropic, AnthropicSettings("claude-sonnet-5-5"))
_GPT_CHAT: Final = partial(encode_chat, ChatSettings("gpt-5.5"))
_OTHER_CHAT: Final = partial(encode_chat, ChatSettings("qwen3", flavour="compatible"))
_GPT: Final = partial(encode_responses, ResponsesSettings("gpt-5.5"))
_BEDROCK: Final = partial(encode_converse, BedrockSettings("anthropic.claude-sonnet-4-5-20250929-v1:0"))
_GEMINI: Final = partial(encode_gemini, GoogleSettings("gemini-3.5-flash"))

# Static keys: nothing is looked up.
_CONVERSE: Final = partial(BedrockModel, aws_access_key_id="A", aws_secret_access_key="s", region_name="us-east-1")

WIRES: Final = (
    Wire(
        "anthropic",
        "anthropic",
        AnthropicDecoder,
        anthropic.encode_events,
        _CLAUDE,
        anthropic_faults,
        lambda base: AnthropicModel("claude-sonnet-5-5", api_key="k", base_url=base),
    ),
    Wire(
        "openai-chat",
        "openai-chat",
        ChatDecoder,
        openai_chat.encode_events,
        _GPT_CHAT,
        chat_faults,
        lambda base: AzureOpenAiModel("gpt-5.5", api_key="k", endpoint=base),
    ),
    Wire(
        "compatible-chat",
        "openai-chat",
        ChatDecoder,
        openai_chat.encode_events,
        _OTHER_CHAT,
        chat_faults,
        lambda base: OpenAiCompatibleModel("qwen3", base_url=f"{base}/v1"),
    ),
    Wire(
        "openai-responses",
        "openai-responses",
        ResponsesDecoder,
        openai_responses.encode_events,
        _GPT,
        responses_faults,
        lambda base: OpenAiModel("gpt-5.5", api_key="k", base_url=f"{base}/v1"),
    ),
    Wire(
        "bedrock-converse",
        "bedrock-converse",
        ConverseDecoder,
        bedrock_converse.encode_events,
        _BEDROCK,
        converse_faults,
        lambda base: _CONVERSE("anthropic.claude-sonnet-4-5-20250929-v1:0", endpoint_url=base),
    ),
    Wire(
        "gemini",
        "gemini",
        GeminiDecoder,
        gemini.encode_events,
        _GEMINI,
        gemini_faults,
        lambda base: GoogleModel("gemini-3.5-flash", api_key="k", base_url=base),
    ),
)
