"""What attendees and mentors do with a session that was sold: cancel it, move it, complain of it, answer."""

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from discuno.bookings.models import Party
from discuno.disputes.models import Decision
from discuno.policy import ReportReason
from tests.chaos.outside import Outside

SALES: Bundle["Sale"] = Bundle("sales")
NOTHING = 0


@dataclass(frozen=True)
class Sale:
    """A payment somebody has begun."""

    id: int
    mentor: str


class Changes(RuleBasedStateMachine):
    """Rules about sessions that were sold; whatever policy refuses is refused, and that is all."""

    outside: Outside

    @rule(sale=SALES, by=st.sampled_from([Party.ATTENDEE, Party.MENTOR, Party.CALENDAR]))
    def somebody_cancels(self, sale: Sale, by: Party) -> None:
        """By a page, or in the mentor's calendar."""
        self.outside.cancels(sale.id, by)

    @rule(sale=SALES, later=st.integers(-2, 4))
    def the_attendee_moves_it(self, sale: Sale, later: int) -> None:
        """So many days, to an hour that may be somebody else's."""
        self.outside.moves(sale.id, timedelta(days=later))

    @rule(sale=SALES, reason=st.sampled_from(list(ReportReason)))
    def the_attendee_reports(self, sale: Sale, reason: ReportReason) -> None:
        """Once or again."""
        self.outside.reports(sale.id, reason)

    @rule(sale=SALES, agrees=st.booleans())
    def the_mentor_answers(self, sale: Sale, agrees: bool) -> None:
        """That it is true, or that it is not."""
        self.outside.answers(sale.id, agrees=agrees)

    @rule(sale=SALES, decision=st.sampled_from(list(Decision)))
    def the_report_is_decided(self, sale: Sale, decision: Decision) -> None:
        """By an admin, or by the attendee, who is content after all."""
        self.outside.decides(sale.id, decision)

    @rule(sale=SALES)
    def the_mentor_says_that_nobody_came(self, sale: Sale) -> None:
        """The money goes its way all the same."""
        self.outside.nobody_came(sale.id)
