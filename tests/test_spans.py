"""Stretches of time, charts over them, and the money monitors before anything has happened."""

from datetime import UTC, date, datetime, timedelta

import pytest

from discuno.admin import bars
from discuno.admin.bars import Chart, Series
from discuno.admin.cases import case_metrics, case_sums
from discuno.admin.spans import Span
from discuno.disputes.models import DisputeKind
from tests import signing
from tests.house import House
from tests.test_plans import PAGES


def test_there_is_a_page_before_anything_has_happened(bare: House) -> None:
    ada = signing.staff(bare)
    for url in PAGES:
        assert ada.get(url).status_code == 200, url


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"from": "x"}, "Please give a day such as"),
        ({"from": "2026-11-25", "to": "2026-11-01"}, "The last day lies before the first one."),
        ({"from": "2001-01-01", "to": "2026-11-01"}, "Please ask for five years at most."),
        ({"to": "0001-01-01"}, "Please give a day such as"),
    ],
)
def test_a_period_that_is_none_is_told_so(bare: House, given: dict[str, str], told: str) -> None:
    ada = signing.staff(bare)
    page = ada.get("/admin/status", query_string=given)
    assert page.status_code == 200
    assert told in page.text


# Pure


def test_a_year_is_told_by_month_and_days_end_at_midnight_utc() -> None:
    year = Span(date(2026, 1, 15), date(2026, 12, 2))
    assert year.is_by_month
    assert (len(year.cuts), year.cuts[0], year.cuts[1], year.cuts[-1]) == (
        12,
        date(2026, 1, 15),
        date(2026, 2, 1),
        date(2026, 12, 1),
    )
    month = Span(date(2026, 11, 1), date(2026, 12, 1))
    assert (len(month.cuts), month.ends) == (30, datetime(2026, 12, 1, tzinfo=UTC))


def test_a_charts_bars_stand_on_the_line_of_nothing_and_stay_inside() -> None:
    span = Span(date(2026, 11, 1), date(2026, 11, 4))
    up = Series("Paid", "earned", [4, 0, -2])  # what is negative is drawn downwards
    chart = Chart("T", span, [up, Series("More", "paid", [1, 2, 0]), Series("Back", "back", [0, 3, 1], -1)])
    assert [(b.kind, round(b.height, 1)) for b in chart.bars if b.x < 33] == [
        ("earned", 44.0),
        ("paid", 11.0),
    ]
    first, second = (b for b in chart.bars if b.x < 33)
    assert first.y + first.height == pytest.approx(chart.zero)
    assert second.y + second.height == pytest.approx(first.y)
    assert all(b.y >= bars.TOP - 0.01 and b.y + b.height <= 96.01 for b in chart.bars)
    below = [b for b in chart.bars if b.x > 66]
    assert below[0].y == pytest.approx(chart.zero)
    assert below[1].y == pytest.approx(below[0].y + below[0].height)


@pytest.mark.parametrize(
    ("took", "words"),
    [
        (None, "–"),
        (timedelta(seconds=5), "1 min"),
        (timedelta(minutes=40), "40 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=3, hours=5), "3.2 days"),
    ],
)
def test_how_long_something_took(took: timedelta | None, words: str) -> None:
    assert case_metrics.how_long(took) == words


def test_reasons_are_told_in_words() -> None:
    assert case_sums.reason_in_words(DisputeKind.REPORT, "mentor_absent") == "The mentor did not come"
    assert case_sums.reason_in_words(DisputeKind.CHARGEBACK, "product_not_received") == "Product not received"
    assert case_sums.rate(1, 0) == "–"
