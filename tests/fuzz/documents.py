"""Documents of the vendors, written by hand, that fuzzing begins with: whole answers, and what the recordings lack."""

from __future__ import annotations

from typing import Final

from punk.core.json import JsonObject

_CALL: Final[JsonObject] = {"name": "f", "arguments": '{"a":"b"}'}
_USAGE: Final[JsonObject] = {
    "input_tokens": 3,
    "output_tokens": 4,
    "prompt_tokens": 3,
    "completion_tokens": 4,
    "inputTokens": 3,
}
WHOLE: Final[tuple[JsonObject, ...]] = (
    {
        "id": "m",
        "type": "message",
        "model": "c",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
    },
    {
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
            {"type": "server_tool_use", "id": "t2", "name": "web_search", "input": {}},
        ],
        "stop_reason": "tool_use",
        "usage": _USAGE,
    },
    {
        "id": "c",
        "object": "chat.completion",
        "model": "g",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "content": "<think>a</think>Hi",
                    "refusal": "No",
                    "reasoning_content": "Hm",
                    "reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0}],
                    "tool_calls": [{"id": "t", "type": "function", "function": _CALL}],
                    "annotations": [{"type": "url_citation"}],
                },
            }
        ],
        "usage": {**_USAGE, "prompt_tokens_details": {"cached_tokens": 1}},
    },
    {
        "id": "r",
        "object": "response",
        "status": "completed",
        "model": "g",
        "output": [
            {
                "type": "reasoning",
                "id": "a",
                "summary": [{"type": "summary_text", "text": "Hm"}],
                "encrypted_content": "e",
            },
            {"type": "message", "id": "b", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
            {"type": "message", "id": "c", "content": [{"type": "refusal", "refusal": "No"}]},
            {"type": "function_call", "id": "d", "call_id": "t", **_CALL},
            {"type": "web_search_call", "id": "e", "status": "completed"},
        ],
        "usage": {**_USAGE, "input_tokens_details": {"cached_tokens": 1}},
    },
    {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []},
    {"status": "failed", "error": {"code": "server_error", "message": "m"}, "output": []},
    {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
                    {"reasoningContent": {"redactedContent": "ZA=="}},
                    {"text": "Hi"},
                    {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}},
                    {"citationsContent": {"content": [{"text": "q"}], "citations": [{"title": "t"}]}},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": {**_USAGE, "outputTokens": 4, "cacheReadInputTokens": 1},
        "trace": {"guardrail": {"actionReason": "w"}},
    },
    {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "Hm", "thought": True},
                        {"text": "Hi", "thoughtSignature": "s"},
                        {"functionCall": {"id": "t", "name": "f", "args": {"a": 1}}},
                        {"inlineData": {"mimeType": "image/png", "data": "ZA=="}},
                    ]
                },
                "finishReason": "STOP",
                "groundingMetadata": {"a": 1},
            }
        ],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "thoughtsTokenCount": 1},
        "modelVersion": "g",
        "responseId": "r",
    },
    {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "m"}},
    {"error": {"type": "overloaded_error", "message": "m", "code": 503, "status": "UNAVAILABLE"}, "type": "error"},
    {"message": "m", "detail": "d"},
)
"""Answers in one piece, of every vendor."""

STREAMED_ARGUMENTS: Final[tuple[JsonObject, ...]] = (
    {"functionCall": {"name": "f", "willContinue": True}},
    {
        "functionCall": {
            "partialArgs": [{"jsonPath": "$.a", "stringValue": "x", "willContinue": True}],
            "willContinue": True,
        }
    },
    {"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "y"}], "willContinue": True}},
    {
        "functionCall": {
            "partialArgs": [{"jsonPath": "$.b[0].c", "numberValue": 1}, {"jsonPath": "$.b[1]['d']", "boolValue": True}],
            "willContinue": True,
        }
    },
    {"functionCall": {}},
)
"""The parts of a Gemini answer whose call comes value by value."""
