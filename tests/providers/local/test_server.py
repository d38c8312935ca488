"""The real server of other tests: it answers on both wires, and is gone afterwards."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.support.local_server import local_server


def post(url: str, body: dict[str, object]) -> str:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


def test_it_streams_on_both_wires_and_ends() -> None:
    body: dict[str, object] = {
        "model": "local",
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_tokens": 8,
        "stream": True,
    }
    with local_server() as url:
        chat = post(f"{url}/v1/chat/completions", body)
        messages = post(f"{url}/v1/messages", body)
    assert chat.rstrip().endswith("data: [DONE]")
    assert '"finish_reason":"' in chat
    assert "event: content_block_delta" in messages
    assert "event: message_stop" in messages
    with pytest.raises(urllib.error.URLError):
        post(f"{url}/v1/messages", body)


def test_it_ends_with_a_failing_test() -> None:
    with pytest.raises(ZeroDivisionError), local_server() as url:
        raise ZeroDivisionError
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/health", timeout=5)


def test_one_that_does_not_start_in_time_is_a_timeout() -> None:
    with pytest.raises(TimeoutError, match="did not start"), local_server(deadline=0.0):
        pass
