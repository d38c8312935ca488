"""Law 10: every version of a log equals its tuple, however versions branch."""

from __future__ import annotations

import threading

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from punk.core.log import Log

# Few values, so that branches often append an equal or the same item where another one did.
ITEMS = st.sampled_from(("a", "b", "".join(["a", "b"]), None))


class Branching(RuleBasedStateMachine):
    """Grows logs from any version that was ever made, beside tuples that do the same."""

    versions = Bundle("versions")

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[Log[str | None], tuple[str | None, ...]]] = []

    def keep(self, log: Log[str | None], model: tuple[str | None, ...]) -> int:
        self.made.append((log, model))
        return len(self.made) - 1

    @initialize(target=versions, items=st.lists(ITEMS, max_size=3))
    def start(self, items: list[str | None]) -> int:
        return self.keep(Log(items), tuple(items))

    @rule(target=versions, at=versions, item=ITEMS)
    def append(self, at: int, item: str | None) -> int:
        log, model = self.made[at]
        return self.keep(log.append(item), (*model, item))

    @rule(target=versions, at=versions, items=st.lists(ITEMS, max_size=3))
    def extend(self, at: int, items: list[str | None]) -> int:
        log, model = self.made[at]
        return self.keep(log.extend(items), (*model, *items))

    @rule(at=versions, index=st.integers(0, 8))
    def read(self, at: int, index: int) -> None:
        log, model = self.made[at]
        assert tuple(log.since(index)) == model[index:]
        if index < len(model):
            assert log[index] is model[index]

    @rule(one=versions, other=versions)
    def compare(self, one: int, other: int) -> None:
        (log, model), (log2, model2) = self.made[one], self.made[other]
        assert (log == log2) == (model == model2)
        assert model != model2 or hash(log) == hash(log2)

    @invariant()
    def no_version_has_changed(self) -> None:
        for log, model in self.made:
            assert len(log) == len(model)
            assert tuple(log) == model


TestBranching = Branching.TestCase


@pytest.mark.parametrize("index", [-1, 1, 2])
def test_an_index_outside_this_version_is_an_error(index: int) -> None:
    short: Log[str] = Log(["a"])
    short.append("b")
    with pytest.raises(IndexError, match=f"index {index} is outside a log of 1"):
        short[index]


def test_a_line_of_appends_shares_one_buffer() -> None:
    log: Log[int] = Log()
    versions = [log]
    for item in range(5):
        versions.append(versions[-1].append(item))
    assert len({id(version._slots) for version in versions}) == 1


def test_it_shows_its_items_and_equals_no_tuple() -> None:
    assert repr(Log([1, 2])) == "Log([1, 2])"
    assert Log([1]) != (1,)


def test_threads_that_append_to_one_version_never_see_each_other() -> None:
    root: Log[int] = Log([0])
    ready = threading.Barrier(4)
    grown: dict[int, Log[int]] = {}

    def grow(number: int) -> None:
        ready.wait()
        log = root
        for step in range(200):
            log = log.append(number * 1000 + step)
        grown[number] = log

    threads = [threading.Thread(target=grow, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, log in grown.items():
        assert tuple(log) == (0, *(number * 1000 + step for step in range(200)))
