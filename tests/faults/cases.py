"""All cases of faults of a stream."""

from __future__ import annotations

from typing import Final

from tests.faults import cases_connection, cases_frames, cases_json, cases_order, cases_retries, cases_status

CASES: Final = (
    *cases_connection.CASES,
    *cases_status.CASES,
    *cases_frames.CASES,
    *cases_json.CASES,
    *cases_order.CASES,
    *cases_retries.CASES,
)
