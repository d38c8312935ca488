"""Tests that the tools of several servers have names that differ, and their own where they can."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from punk.interpreter.mcp.naming import ServerTool, told_apart

LONG = "x" * 64


@pytest.mark.parametrize(
    ("taken", "tools", "names"),
    [
        ([], [("a", "read"), ("b", "write")], ["read", "write"]),
        ([], [("a", "read"), ("b", "read")], ["a_read", "b_read"]),
        (["read"], [("a", "read")], ["a_read"]),
        (["read"], [("a", "read"), ("b", "write"), ("b", "read")], ["a_read", "write", "b_read"]),
        ([], [("a", "x.y"), ("a", "x_y")], ["a_x_y", "a_x_y_2"]),
        (["read", "a_read"], [("a", "read")], ["a_read_2"]),
        (["read"], [("a", "read"), ("b", "a_read")], ["a_read_2", "a_read"]),
        ([], [("a", "ä b"), ("b", "")], ["__b", "tool"]),
        ([], [("a", LONG + "yz")], [LONG]),
        ([], [("a", LONG), ("a", LONG + "y")], [f"a_{LONG}"[:64], f"a_{LONG}"[:62] + "_2"]),
    ],
)
def test_names(taken: list[str], tools: list[ServerTool], names: list[str]) -> None:
    assert list(told_apart(taken, tools)) == names


NAMES = st.text("ab_.ä", max_size=3) | st.sampled_from([LONG, LONG + "a", LONG[:-2] + "_2"])


@settings(max_examples=200, deadline=None)
@given(st.sets(st.text("ab_", min_size=1, max_size=4)), st.lists(st.tuples(st.sampled_from("ab"), NAMES), max_size=8))
def test_names_differ(taken: set[str], tools: list[ServerTool]) -> None:
    names = told_apart(taken, tools)
    assert len({*names, *taken}) == len(tools) + len(taken)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)
