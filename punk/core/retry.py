"""When a turn that failed is asked for again, and after how long."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import final

from punk.core.bounds import check_count
from punk.core.failures import Failure, retry_after
from punk.errors import ConfigurationError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a turn is asked for again: only after a failure that says it is retryable, and only while nothing of
    the answer (text, thinking, a call) was seen. No tool ever runs twice by it.

    `attempts` is the number of requests for one turn, the first included: 1 is no retry. Before the second one it waits
    `base` seconds, twice as long before each further one, at most `cap`; of each wait a random part of up to `jitter`
    (0 to 1) is left out, so that clients do not come back all at once. A provider that says when to come back is taken
    at its word, if that is within `patience` seconds; else the turn fails at once.

    Raises `ConfigurationError` for numbers that cannot be.
    """

    attempts: int = 3
    base: float = 0.5
    cap: float = 8.0
    jitter: float = 0.5
    patience: float = 60.0

    def __post_init__(self) -> None:
        check_count("attempts of a RetryPolicy", self.attempts)
        for name in ("base", "cap", "jitter", "patience"):
            number: object = getattr(self, name)
            if not isinstance(number, int | float) or isinstance(number, bool) or not 0 <= number <= 1e9:
                raise ConfigurationError(f"{name} of a RetryPolicy is a number of 0 or more, not {number!r:.40}")
        if self.jitter > 1:
            raise ConfigurationError(f"jitter of a RetryPolicy is between 0 and 1, not {self.jitter:g}")

    def wait(self, attempt: int, failure: Failure, chance: float) -> float | None:
        """Seconds to wait before a turn is asked for again whose request number `attempt` (from 1) met with `failure`,
        a retryable one; None if it was the last. `chance`, from 0 to 1, decides on the jitter."""
        if attempt >= self.attempts:
            return None
        # Not 2.0 ** n, which overflows: whoever asks that often has long come to the cap.
        full = min(self.cap, self.base * 2.0 ** min(attempt - 1, 64))
        own = full * (1 - self.jitter * chance)
        asked = retry_after(failure)
        if asked is None:
            return own
        # What jitter leaves out of a wait of one's own is added to this one: sooner must nobody come back.
        return max(asked, own) + (full - own) if asked <= self.patience else None


def chance(seed: int, round: int, model: int, attempt: int) -> float:
    """A number from 0 to 1 that differs from request to request and from run to run, by the run's `seed`."""
    return int.from_bytes(blake2b(b"%d %d %d %d" % (seed, round, model, attempt), digest_size=4).digest()) / 0xFFFFFFFF
