"""When a run has enough blocks: after a number of them, when the intervals are narrow enough, or when time is up."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isfinite

import record.schema


@dataclass
class EnoughBlocks:
    """``precision``: the half-width, as a share, that no interval may exceed.

    ``trials`` counts if neither ``precision`` nor ``budget_s`` is given. ``widest`` returns the widest half-width so
    far, and its cell: infinite while a cell has too few blocks for an interval, None if no cell will ever have one.
    """

    trials: int
    precision: float | None
    budget_s: float | None
    widest: Callable[[], tuple[float, str] | None]
    _begin_s: float = field(default_factory=time.monotonic)
    _block_begin_s: float = 0.0
    _last_block_s: float | None = None  # how long the last block took
    _why: str = ""

    def wants(self, block: int) -> bool:
        """Return whether block number ``block``, from 0, shall be run."""
        self._why = self._reason_to_stop(block)
        self._block_begin_s = time.monotonic()
        return not self._why

    def block_done(self) -> None:
        """Note that the block that `wants` has asked for is measured."""
        self._last_block_s = time.monotonic() - self._block_begin_s

    def _reason_to_stop(self, block: int) -> str:
        if self.precision is None and self.budget_s is None:
            return f"{self.trials} blocks were asked for" if block >= self.trials else ""
        if self.precision is not None and block > 0:
            widest = self.widest()
            if widest is None:
                return "no cell succeeds often enough for an interval"
            if widest[0] <= self.precision:
                return f"every interval is within ± {self.precision:.2%}"
        # A block is whole or not begun: half of one could not be paired. The first is measured whatever it takes.
        if self.budget_s is not None and self._last_block_s is not None:
            spent = time.monotonic() - self._begin_s
            if spent + self._last_block_s > self.budget_s:
                return f"another block does not fit into the budget of {self.budget_s:.0f} s"
        return ""

    def reached(self, blocks: int) -> record.schema.Stopping:
        """Return what was asked for and what was reached."""
        half_width, cell = self.widest() or (inf, "")
        return record.schema.Stopping(
            asked_precision=self.precision,
            asked_budget_s=self.budget_s,
            reached_precision=half_width if isfinite(half_width) else None,
            widest_cell=cell,
            blocks=blocks,
            spent_s=time.monotonic() - self._begin_s,
            reason=self._why,
        )
