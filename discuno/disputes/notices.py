"""What somebody says about a mentor and the mentor has not answered yet."""

from discuno.disputes.against import open_reports
from discuno.disputes.models import Dispute
from discuno.disputes.words import case_path
from discuno.kit import clock
from discuno.kit.web import moment
from discuno.mentors.models import Mentor
from discuno.mentors.notices import Notice


def of_mentor(mentor: Mentor, hours: str) -> list[Notice]:
    """A notice for every open report that waits for their answer, the first due first. `hours` is "12" or "24"."""
    waiting = (case for case in open_reports(mentor) if case.answered_at is None)
    return [_notice(case, mentor.zone, hours) for case in waiting]


def _notice(case: Dispute, zone: str, hours: str) -> Notice:
    about = f"{case.payment.booking.attendee_name} has reported a problem."
    if case.due_at is not None and case.due_at > clock.now():
        answer = f"Answer by {moment(case.due_at, zone, hours)}."
    else:
        answer = "The time to answer is over; until it is decided you can still say what happened."
    return Notice("bad", f"{about} {answer}", "Answer the report", case_path(case))
