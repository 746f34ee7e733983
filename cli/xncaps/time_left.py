"""How long a row of steps still takes, out of what their shares are as a rule and how it went."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_ENOUGH = 0.05  # of a counted step, before its own pace says more than the rule


@dataclass(frozen=True)
class Share:
    """A step that will come: the words that its name begins with, and its seconds as a rule.

    Only ratios of the seconds count: the steps that have ended say how slow the machine is and how
    large the network.
    """

    step: str
    seconds: float


class TimeLeft:
    """Told of each step; says about how long the rest takes."""

    def __init__(
        self, shares: Sequence[Share], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shares, self._clock = tuple(shares), clock
        self._at = -1  # place of the current step among the shares
        self._began = clock()
        self._done = 0.0
        self._spent = self._usual = 0.0  # of the steps that have ended

    def step(self, name: str, done: float) -> None:
        """A step has begun, or that share of it is done."""
        at = next((i for i, s in enumerate(self._shares) if name.startswith(s.step)), None)
        if at is not None and at > self._at:
            now = self._clock()
            if self._at >= 0:
                self._spent += now - self._began
                self._usual += sum(share.seconds for share in self._shares[self._at : at])
            self._at, self._began = at, now
        if at == self._at:
            self._done = done

    def seconds(self) -> float | None:
        """About how long the rest takes; None as long as nothing has ended that tells."""
        if self._at < 0:
            return None
        spent, own = self._clock() - self._began, self._shares[self._at].seconds
        if self._done >= _ENOUGH:
            rest = spent * (1 - self._done) / self._done
            pace = (self._spent + spent) / (self._usual + own * self._done)
        elif self._usual > 0:
            pace = self._spent / self._usual
            rest = max(own * pace - spent, 0.0)
        else:
            return None
        return rest + pace * sum(share.seconds for share in self._shares[self._at + 1 :])


def about(seconds: float | None) -> str:
    """'about 40 s left': no more digits than are known."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"about {max(5 * round(seconds / 5), 5)} s left"
    return f"about {round(seconds / 60)} min left"
