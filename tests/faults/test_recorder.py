"""The table of outcomes reads back as it was written."""

from __future__ import annotations

from typing import Final

from tests.faults.recorder import ALL_WIRES, Cells, parsed, written

CELLS: Final[Cells] = {
    (1, ""): dict.fromkeys(ALL_WIRES, "error: ConnectFailed"),
    (23, "CR"): {"anthropic": "ok", "chat": "ok", "bedrock": "n/a: binary frames have no lines"},
    (90, ""): {"any": "ok"},
}


def test_a_table_reads_back_as_it_was_written() -> None:
    assert parsed(written(CELLS)) == CELLS


def test_wires_with_the_same_outcome_share_a_row() -> None:
    rows = [line for line in written(CELLS).splitlines() if line.startswith(("| 1 ", "| 23 ", "| 90 "))]
    assert rows == [
        "| 1 | | no connection | all | error: ConnectFailed |",
        "| 23 | CR | other line ends, data on several lines | anthropic, chat | ok |",
        "| 23 | CR | other line ends, data on several lines | bedrock | n/a: binary frames have no lines |",
        "| 90 | | an MCP server dies between list and call | any | ok |",
    ]
