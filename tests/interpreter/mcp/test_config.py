"""Tests of what a server's configuration allows, and of what it keeps to itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypedDict

import pytest

from punk.errors import ConfigurationError
from punk.interpreter.mcp.config import START_TIMEOUT, MCPServerConfig


class Fields(TypedDict, total=False):
    """What a configuration may be given."""

    url: str
    command: str | list[str]
    env: Mapping[str, str]
    headers: Mapping[str, str]
    cwd: str
    timeout: float
    start_timeout: float
    requires_approval: bool | Collection[str]


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ä", "x" * 65, "a\n"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(ConfigurationError, match="1 to 64 of"):
        MCPServerConfig(name, command="x")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (Fields(), "either a url or a command"),
        (Fields(url="http://x/", command="x"), "either a url or a command"),
        (Fields(url="http://x/", env={}), "belong to a command"),
        (Fields(url="http://x/", cwd="/"), "belong to a command"),
        (Fields(command="x", headers={}), "belong to a url"),
        (Fields(command=""), "neither a program"),
        (Fields(command=[]), "neither a program"),
        (Fields(command="x", timeout=0), "above 0, not 0"),
        (Fields(url="http://x/", timeout=-1), "above 0, not -1"),
        (Fields(command="x", timeout=float("nan")), "above 0, not nan"),
        (Fields(command="x", start_timeout=0), "above 0, not 0"),
        (Fields(command="x", start_timeout=float("inf")), "a start_timeout without an end"),
        (Fields(url="ftp://x/?token=secret"), "has a url that is none"),
        (Fields(url="http:///mcp"), "has a url that is none"),
        (Fields(url="http://x:99999/"), "has a url that is none"),
        (Fields(url="http://[x/"), "has a url that is none"),
        (Fields(url="x"), "has a url that is none"),
        (Fields(url="http://x/", headers={"a b": "secret"}), "whose name is none: 'a b'"),
        (Fields(url="http://x/", headers={"a": "secret\nb: c"}), "header a whose value has a line break"),
        (Fields(command="x", requires_approval="echo"), "a requires_approval that is neither"),
        (Fields(command="x", requires_approval=None), "a requires_approval that is neither"),  # type: ignore[typeddict-item]  # so
        (Fields(command="x", env={"A": 1}), "an env that is none"),  # type: ignore[dict-item]  # so
        (Fields(url="https://x", headers={"A": 1}), "headers that are none"),  # type: ignore[dict-item]  # so
    ],
)
def test_what_contradicts_itself(fields: Fields, says: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the MCP server 'files'") as caught:
        MCPServerConfig("files", **fields)
    assert says in caught.value.message
    assert "secret" not in caught.value.message


def test_a_command_is_a_program_and_its_arguments() -> None:
    assert MCPServerConfig("a", command="x y").program == ("x y",)
    assert MCPServerConfig("a", command=["x", "y"]).program == ("x", "y")
    assert MCPServerConfig("a", url="http://x/").program == ()
    assert MCPServerConfig("a", command="x").start_timeout == START_TIMEOUT


def test_what_its_user_changes_later_does_not_count() -> None:
    words, env = ["x"], {"A": "1"}
    config = MCPServerConfig("a", command=words, env=env)
    words.append("y")
    env["B"] = "2"
    assert config.program == ("x",)
    assert config.env == {"A": "1"}


def test_which_tools_need_approval() -> None:
    assert not MCPServerConfig("a", command="x").asks_approval("echo")
    assert MCPServerConfig("a", command="x", requires_approval=True).asks_approval("echo")
    some = MCPServerConfig("a", command="x", requires_approval=["echo"])
    assert some.asks_approval("echo")
    assert not some.asks_approval("other")


def test_a_list_of_tools_that_is_changed_later_does_not_count() -> None:
    asked = ["echo"]
    config = MCPServerConfig("a", command="x", requires_approval=asked)
    asked[:] = ["other"]
    assert config.asks_approval("echo")
    assert not config.asks_approval("other")


def test_the_representation_shows_no_secret() -> None:
    web = MCPServerConfig("a", url="https://me:secret@x.org:1/mcp?key=secret", headers={"authorization": "secret"})
    assert repr(web) == "MCPServerConfig('a', url='https://x.org:1/mcp?…')"
    program = MCPServerConfig("a", command=["x", "--key=secret"], env={"KEY": "secret"})
    assert repr(program) == "MCPServerConfig('a', command='x')"


def test_secrets_are_blotted_out() -> None:
    web = MCPServerConfig(
        "a", url="https://me:passw0rd@x/mcp?key=k-123&v=1", headers={"authorization": "Bearer abcdef"}
    )
    for secret in ("Bearer abcdef", "abcdef", "key=k-123&v=1", "k-123", "passw0rd", "me:passw0rd"):
        assert web.without_secrets(f"<{secret}>") == "<…>"
    assert web.without_secrets("1 Bearer") == "1 Bearer"
    program = MCPServerConfig("a", command="x", env={"A": "longer", "B": "longer still", "C": "1"})
    assert program.without_secrets("longer still, longer, 1") == "…, …, 1"
