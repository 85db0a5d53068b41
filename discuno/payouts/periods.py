"""The time that a statement is about: a month or a year, from midnight to midnight of a zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date

from discuno.kit.web import LOCALE


@dataclass(frozen=True)
class Period:
    """A month or a whole year of a zone."""

    year: int
    month: int | None
    zone: str

    @property
    def name(self) -> str:
        """As addresses have it: 2026-11, or 2026."""
        return f"{self.year}" if self.month is None else f"{self.year}-{self.month:02}"

    @property
    def words(self) -> str:
        """November 2026, or 2026."""
        day = date(self.year, self.month or 1, 1)
        return str(format_date(day, "MMMM y" if self.month else "y", locale=LOCALE))

    @property
    def begins(self) -> datetime:
        """The first instant of it."""
        return self._midnight(self.year, self.month or 1)

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        if self.month is None or self.month == 12:
            return self._midnight(self.year + 1, 1)
        return self._midnight(self.year, self.month + 1)

    def _midnight(self, year: int, month: int) -> datetime:
        return datetime(year, month, 1, tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
