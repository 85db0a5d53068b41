"""First in, first out: which session's money is in which payout, whatever comes, goes, and comes back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discuno.payments.models import PostingKind as K
from discuno.payouts.lots import Lots, Move, replay

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def came(name: str, amount: int) -> Move:
    return Move(K.TRANSFER, f"tr_{name}", amount, NOW, payment_id=ord(name))


def back(name: str, amount: int) -> Move:
    return Move(K.REVERSAL, f"trr_{name}{amount}", -amount, NOW, transfer=f"tr_{name}")


def paid(payout: int, amount: int) -> Move:
    return Move(K.PAYOUT, f"po_{payout}", -amount, NOW)


def undone(payout: int, amount: int) -> Move:
    return Move(K.PAYOUT_UNDONE, f"po_{payout}", amount, NOW)


def told(lots: Lots) -> dict[str, tuple[int, ...]]:
    """Of each transfer: what is there, was taken back, was lent, and went with each payout."""
    return {
        name[3:]: (lot.there, lot.back, lot.lent, *(part.amount for part in lot.parts))
        for name, lot in lots.lots.items()
    }


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        pytest.param(
            [came("a", 50), came("b", 30), paid(1, 60)],
            {"a": (0, 0, 0, 50), "b": (20, 0, 0, 10)},
            id="oldest",
        ),
        pytest.param(
            [came("a", 50), paid(1, 20), paid(2, 30)], {"a": (0, 0, 0, 20, 30)}, id="split over two"
        ),
        pytest.param(
            [came("a", 50), came("b", 30), back("b", 30), paid(1, 50)],
            {"a": (0, 0, 0, 50), "b": (0, 30, 0)},
            id="its own money is taken back, not the oldest",
        ),
        pytest.param(
            [came("a", 50), came("b", 30), paid(1, 80), undone(1, 80)],
            {"a": (50, 0, 0), "b": (30, 0, 0)},
            id="a payout that failed",
        ),
        pytest.param(
            [came("a", 50), paid(1, 50), came("b", 30), undone(1, 50), paid(2, 60)],
            {"a": (0, 0, 0, 50), "b": (20, 0, 0, 10)},
            id="what came back is the oldest again",
        ),
        pytest.param(
            [came("a", 50), paid(1, 50), came("b", 60), back("a", 50)],
            {"a": (0, 0, 0, 50), "b": (10, 0, 50)},
            id="another session lends for a reversal",
        ),
        pytest.param(
            [came("a", 50), paid(1, 50), back("a", 50), came("b", 60)],
            {"a": (0, 0, 0, 50), "b": (10, 0, 50)},
            id="also when it comes later",
        ),
        pytest.param(
            [came("a", 50), paid(1, 50), came("b", 60), back("a", 50), undone(1, 50)],
            {"a": (0, 50, 0), "b": (60, 0, 0)},
            id="and has it back when the payout fails",
        ),
        pytest.param(
            [came("a", 50), paid(1, 50), came("b", 30), back("a", 50), undone(1, 50), paid(2, 30)],
            {"a": (0, 50, 0), "b": (0, 0, 0, 30)},
            id="in part lent, in part missing",
        ),
        pytest.param([back("a", 20), came("a", 50)], {"a": (30, 20, 0)}, id="the reversal is heard of first"),
        pytest.param([paid(1, 40), came("a", 50)], {"a": (10, 0, 0, 40)}, id="the payout is heard of first"),
        pytest.param(
            [paid(1, 40), came("a", 30), undone(1, 40)],
            {"a": (30, 0, 0)},
            id="and fails before all of it has come",
        ),
    ],
)
def test_money_leaves_in_the_order_in_which_it_came(
    moves: list[Move], expected: dict[str, tuple[int, ...]]
) -> None:
    assert told(replay(moves)) == expected


def test_what_the_books_do_not_know_has_no_name_in_a_payout() -> None:
    lots = replay([came("a", 50), paid(1, 70)])
    assert [(part.transfer, part.amount) for part in lots.payouts["po_1"]] == [("tr_a", 50), (None, 20)]
    assert (lots.there, lots.missing) == (-20, 20)


def test_a_payout_that_came_back_still_tells_what_was_in_it() -> None:
    lots = replay([came("a", 50), paid(1, 40), undone(1, 40)])
    assert [(part.transfer, part.amount) for part in lots.undone["po_1"]] == [("tr_a", 40)]
    assert lots.lots["tr_a"].undone == lots.undone["po_1"]
    assert lots.payouts == {}


def test_what_does_not_concern_an_account_is_refused() -> None:
    with pytest.raises(ValueError, match="does not concern"):
        replay([Move(K.CAPTURE, "ch_1", 100, NOW)])


# Whatever happens


@st.composite
def lives(draw: st.DrawFn) -> list[Move]:
    """An account's moves: transfers, reversals of at most what came, payouts of anything, and payouts undone."""
    moves: list[Move] = []
    left: dict[str, int] = {}  # of each transfer, what was not taken back
    out: dict[int, int] = {}
    for n in range(draw(st.integers(1, 25))):
        amount = draw(st.integers(1, 100))
        match draw(st.sampled_from(["came", "came", "back", "paid", "paid", "undone"])):
            case "came":
                name = chr(ord("a") + len(left))
                moves.append(came(name, amount))
                left[name] = amount
            case "back" if any(left.values()):
                name = draw(st.sampled_from([name for name, rest in left.items() if rest]))
                taken = min(amount, left[name])
                moves.append(Move(K.REVERSAL, f"trr_{n}", -taken, NOW, transfer=f"tr_{name}"))
                left[name] -= taken
            case "paid":
                moves.append(paid(n, amount))
                out[n] = amount
            case "undone" if out:
                which = draw(st.sampled_from(sorted(out)))
                moves.append(undone(which, out.pop(which)))
    return moves


@given(lives())
def test_no_cent_is_lost_whatever_comes_and_goes(moves: list[Move]) -> None:
    lots, total = Lots(), 0
    for move in moves:
        lots.take(move)
        total += move.amount
        assert lots.there == total
        assert lots.missing == 0 or not any(lot.there for lot in lots.lots.values()), (
            "what is there fills first"
        )
        for lot in lots.lots.values():
            assert lot.amount == lot.there + lot.back + lot.lent + sum(part.amount for part in lot.parts)
            assert min(lot.there, lot.back, lot.lent) >= 0
            assert all(part.amount > 0 for part in lot.parts)


@given(lives())
def test_every_payout_is_made_of_its_parts_to_the_cent(moves: list[Move]) -> None:
    lots = replay(moves)
    wanted = {m.source: -m.amount for m in moves if m.kind == K.PAYOUT}
    failed = {m.source for m in moves if m.kind == K.PAYOUT_UNDONE}
    assert set(lots.undone) == failed
    assert {po: sum(p.amount for p in parts) for po, parts in (lots.payouts | lots.undone).items()} == wanted
    named = [part for lot in lots.lots.values() for part in lot.parts]
    nameless = [part for parts in lots.payouts.values() for part in parts if part.transfer is None]
    assert sum(p.amount for p in named + nameless) == sum(wanted[po] for po in wanted.keys() - failed)
    lent = sum(lot.lent for lot in lots.lots.values())
    assert lent == sum(
        amount for holes in lots.reversed.values() for hole in holes for _, amount in hole.lenders
    )


@given(lives())
def test_nothing_older_stays_while_something_newer_has_gone_with_a_later_payout(moves: list[Move]) -> None:
    """Without anything taken or sent back, payouts take the lots strictly in their order."""
    plain = [move for move in moves if move.kind in (K.TRANSFER, K.PAYOUT)]
    lots = list(replay(plain).lots.values())
    gone = [lot.there == 0 for lot in lots]
    assert gone == sorted(gone, reverse=True)
