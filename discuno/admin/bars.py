"""Bars over time, stacked: what counts for us upwards, what counts against it downwards. A table says the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from discuno.admin.spans import Span
from discuno.kit.money import minor_digits
from discuno.kit.web import LOCALE
from discuno.payouts.chart import Bar, Tick, round_step

TOP, HEIGHT = 8.0, 88.0  # what the bars have of the height, in per cent: the highest number stands above them
MOST_LABELS = {True: 12, False: 6}  # below the bars: short names of months, or days


@dataclass(frozen=True)
class Series:
    """One thing that is counted, piece by piece. `kind` is its colour; `sign` is −1 for what is drawn downwards."""

    name: str
    kind: str  # earned | paid | back | late
    values: list[int]
    sign: int = 1

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.values)


@dataclass(frozen=True)
class Chart:
    """A span in pieces. With a currency the values are amounts in minor units, without one they are counts."""

    title: str
    span: Span
    series: list[Series]
    currency: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for each in self.series for value in each.values)

    @property
    def zero(self) -> float:
        """Where the line of nothing lies, in per cent of the height."""
        return TOP + self._scale * self._up

    @property
    def ticks(self) -> list[Tick]:
        """Two to five round numbers up to the highest."""
        digits = minor_digits(self.currency) if self.currency else 0
        step = round_step(self._up, digits)
        return [Tick(n, self.zero - self._scale * n) for n in range(0, self._up + 1, step)]

    @property
    def bars(self) -> list[Bar]:
        """What there is of each piece, one upon the other."""
        width, found = 100 / len(self.span.cuts), []
        for n in range(len(self.span.cuts)):
            up = down = 0
            for each in self.series:
                value = each.values[n] * each.sign
                bottom = up if value > 0 else down + value
                up, down = (up + value, down) if value > 0 else (up, down + value)
                top = self.zero - self._scale * (bottom + abs(value))
                found.append(Bar(each.kind, (n + 0.14) * width, top, width * 0.72, self._scale * abs(value)))
        return [bar for bar in found if bar.height > 0]

    @property
    def labels(self) -> list[tuple[float, str]]:
        """Some of the pieces by name, and where the middle of each is."""
        cuts = self.span.cuts
        step = -(-len(cuts) // MOST_LABELS[self.span.is_by_month])
        form = "MMM" if self.span.is_by_month else "d MMM"
        return [
            ((n + 0.5) * 100 / len(cuts), _name(day, form))
            for n, day in enumerate(cuts)
            if n % step == step // 2
        ]

    @property
    def lines(self) -> list[tuple[str, list[int]]]:
        """The same in numbers, the newest first."""
        return [
            (name_of(self.span, day), [each.values[n] for each in self.series])
            for n, day in reversed(list(enumerate(self.span.cuts)))
        ]

    def _stacks(self, sign: int) -> list[int]:
        return [
            sum(max(0, each.values[n] * each.sign * sign) for each in self.series)
            for n in range(len(self.span.cuts))
        ]

    @property
    def _up(self) -> int:
        return max(1, *self._stacks(1))

    @property
    def _scale(self) -> float:
        return HEIGHT / (self._up + max(0, *self._stacks(-1)))


def values(span: Span, sums: Mapping[int, int]) -> list[int]:
    """What was counted by piece (1 is the first), with nothing where nothing was."""
    return [sums.get(n + 1, 0) for n in range(len(span.cuts))]


def name_of(span: Span, day: date) -> str:
    """A piece of a span: Nov 2026, or 23 Nov 2026."""
    return _name(day, "MMM y" if span.is_by_month else "d MMM y")


def _name(day: date, form: str) -> str:
    return str(format_date(day, form, locale=LOCALE))
