"""Reads the conversation in a request of any wire into one form, so that all routes can be held to the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, final

from punk.core.json import JsonObject, JsonValue


@final
@dataclass(frozen=True, slots=True)
class Said:
    """Text of the `user`, the `assistant` or the `system`."""

    role: str
    text: str


@final
@dataclass(frozen=True, slots=True)
class Thought:
    """Thinking that goes back, and the provider's `proof` of it: a signature, or its encrypted form."""

    text: str
    proof: str | None


@final
@dataclass(frozen=True, slots=True)
class Called:
    """A call that the model made. `id` is None where the wire has none."""

    id: str | None
    name: str
    arguments: JsonValue


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """The result of the call `id`, without the object that one wire wraps it in."""

    id: str | None
    result: JsonValue


Sent: TypeAlias = Said | Thought | Called | Answered


def chat(body: JsonObject) -> list[Sent]:
    """The messages of a chat-completions request."""
    sent: list[Sent] = []
    for message in _list(body["messages"]):
        match message:
            case {"role": "tool", "tool_call_id": str(id_), "content": str(text)}:
                sent.append(Answered(id_, text))
            case {"role": "assistant", "content": content, "tool_calls": list(calls)}:
                sent += _said("assistant", content)
                sent += map(_function_call, calls)
            case {"role": str(role), "content": content}:
                sent += _said(role, content)
            case _:
                raise AssertionError(f"no message: {message}")
    return sent


def _function_call(call: JsonValue) -> Sent:
    match call:
        case {"id": str(id_), "function": {"name": str(name), "arguments": str(arguments)}}:
            return Called(id_, name, json.loads(arguments))
        case _:
            raise AssertionError(f"no call: {call}")


def responses(body: JsonObject) -> list[Sent]:
    """The input items of a Responses request."""
    sent: list[Sent] = []
    for item in _list(body["input"]):
        match item:
            case {"type": "function_call_output", "call_id": str(id_), "output": str(text)}:
                sent.append(Answered(id_, text))
            case {"type": "function_call", "call_id": str(id_), "name": str(name), "arguments": str(arguments)}:
                sent.append(Called(id_, name, json.loads(arguments)))
            case {"type": "reasoning", "summary": list(summary), "encrypted_content": str(proof)}:
                sent.append(Thought("".join(_texts(summary)), proof))
            case {"role": str(role), "content": content}:
                sent += _said(role, content)
            case _:
                raise AssertionError(f"no item: {item}")
    return sent


def messages(body: JsonObject) -> list[Sent]:
    """The messages of a request of Anthropic's Messages wire."""
    sent: list[Sent] = []
    for message in _list(body["messages"]):
        assert isinstance(message, dict)
        role, content = str(message["role"]), message["content"]
        for block in _list(content) if isinstance(content, list) else [{"type": "text", "text": content}]:
            match block:
                case {"type": "text", "text": str(text)}:
                    sent.append(Said(role, text))
                case {"type": "thinking", "thinking": str(text), "signature": str(proof)}:
                    sent.append(Thought(text, proof))
                case {"type": "redacted_thinking", "data": str(proof)}:
                    sent.append(Thought("", proof))
                case {"type": "tool_use", "id": str(id_), "name": str(name), "input": arguments}:
                    sent.append(Called(id_, name, arguments))
                case {"type": "tool_result", "tool_use_id": str(id_), "content": result}:
                    sent.append(Answered(id_, "".join(_texts(result))))
                case _:
                    raise AssertionError(f"no block: {block}")
    return sent


def converse(body: JsonObject) -> list[Sent]:
    """The messages of a Bedrock Converse request."""
    sent: list[Sent] = []
    for message in _list(body["messages"]):
        assert isinstance(message, dict)
        for block in _list(message["content"]):
            match block:
                case {"text": str(text)}:
                    sent.append(Said(str(message["role"]), text))
                case {"reasoningContent": {"reasoningText": {"text": str(text), **more}}}:
                    sent.append(Thought(text, str(more["signature"]) if "signature" in more else None))
                case {"toolUse": {"toolUseId": str(id_), "name": str(name), "input": arguments}}:
                    sent.append(Called(id_, name, arguments))
                case {"toolResult": {"toolUseId": str(id_), "content": result}}:
                    sent.append(Answered(id_, "".join(_texts(result))))
                case _:
                    raise AssertionError(f"no block: {block}")
    return sent


def contents(body: JsonObject) -> list[Sent]:
    """The contents of a Gemini request."""
    sent: list[Sent] = []
    for content in _list(body["contents"]):
        assert isinstance(content, dict)
        for part in _list(content["parts"]):
            match part:
                case {"text": str(text), "thought": True, **more}:
                    sent.append(Thought(text, str(more["thoughtSignature"]) if "thoughtSignature" in more else None))
                case {"text": str(text)}:
                    sent.append(Said("assistant" if content["role"] == "model" else "user", text))
                case {"functionCall": {"name": str(name), "args": arguments, **more}}:
                    sent.append(Called(str(more["id"]) if "id" in more else None, name, arguments))
                case {"functionResponse": {"name": str(), "response": {"result": result} | {"error": result}, **more}}:
                    sent.append(Answered(str(more["id"]) if "id" in more else None, result))
                case _:
                    raise AssertionError(f"no part: {part}")
    return sent


def _list(value: JsonValue) -> list[JsonValue]:
    assert isinstance(value, list), f"a list was wanted: {value}"
    return value


def _said(role: str, content: JsonValue) -> list[Sent]:
    text = "".join(_texts(content))
    return [Said(role, text)] if text else []


def _texts(content: JsonValue) -> Iterator[str]:
    """The texts of a content that is a text or a list of parts."""
    match content:
        case None:
            return
        case str():
            yield content
        case list():
            for part in content:
                assert isinstance(part, dict)
                yield str(part["text"])
        case _:
            raise AssertionError(f"no content: {content}")
