"""The door to a mentor's first page: what is missing before they can be booked, and then what comes next."""

from flask import Response

from discuno.bookings import agenda
from discuno.bookings.agenda import Show
from discuno.disputes import against
from discuno.disputes.words import case_path
from discuno.mentors import access, checklist, desk, offers, weeks
from discuno.mentors.access import me
from discuno.mentors.checklist import Facts, Offer
from discuno.mentors.models import Calendar, Mentor
from discuno.payouts import figures
from discuno.payouts import service as payouts

bp = access.private("overview", __name__)
NEXT = 5  # sessions


@bp.get("")
def page() -> Response:
    """The checklist until nothing is missing; the next sessions, open reports and the money."""
    mentor = me()
    facts = _facts(mentor)
    return desk.page(
        "mentors/_overview.html",
        "Overview",
        steps=[] if checklist.is_set_up(facts) else checklist.steps(facts),
        said=checklist.said(facts),
        can_be_booked=checklist.can_be_booked(facts),
        sessions=agenda.listed(mentor, Show.UPCOMING).bookings[:NEXT],
        reports=[(case, case_path(case)) for case in against.open_reports(mentor)],
        figures=figures.of_mentor(mentor),
    )


def _facts(mentor: Mentor) -> Facts:
    payable, account = payouts.can_be_paid(mentor), payouts.account_of(mentor)
    at_calcom = mentor.calendar == Calendar.CALCOM
    return Facts(
        has_profile=mentor.profile_saved_at is not None,
        at_calcom=at_calcom,
        has_hours=mentor.calcom_problem is None if at_calcom else weeks.has_hours(mentor),
        offers=[Offer(t.is_free, offers.state(t, payable=payable)) for t in offers.of_mentor(mentor)],
        can_be_paid=payable,
        account_begun=account is not None,
        suspended=mentor.suspended_at is not None,
    )
