"""A small world for previews of letters: who plays in it, what has happened to them, and which letter tells of it.

Its rows are made anew for each preview, around the present hour, and stand on a stage (`machines/stage.py`) only.
"""

from datetime import datetime

from discuno.accounts.models import UserSession
from discuno.admin.machines.samples.around import (
    ALERT,
    ASKED,
    AT_CALCOM,
    CHANGED,
    GIVEN_UP,
    INVITED,
    RUN,
    SIGN_IN,
    around,
)
from discuno.admin.machines.samples.cast import FIRST, GONE, LUCIA, NOOR, TOMAS, cast
from discuno.admin.machines.samples.objections import objections
from discuno.admin.machines.samples.shares import (
    ARRIVED,
    CAME_BACK,
    FOUND,
    NOT_MADE,
    ON_ITS_WAY,
    shares,
)
from discuno.admin.machines.samples.sold import (
    ANSWERED,
    CANCELLED,
    COMING,
    DECIDED,
    DELAYED,
    KIND,
    MISSED,
    MOVED,
    OBJECTED,
    ODD,
    OWED,
    PAYING,
    REFUSED,
    REPORTED,
    SENT,
    SOON,
    STUCK,
    TAKEN_BACK,
    TOMORROW,
    UNPAID,
    WON,
    YEN,
    sold,
)
from discuno.kit.db import Base
from discuno.payments.models import LedgerEntry
from discuno.payouts.models import Pause

NOBODY = FIRST  # an address that is in no row
EMPTY = (Pause, UserSession)  # letters ask for them: nothing is paused, and nobody was ever signed in
SAMPLES = {  # what each letter is about; a test compares it with the registry
    "booking_confirmed": COMING,
    "booking_confirmed_mentor": COMING,
    "reminder_day": TOMORROW,
    "reminder_day_mentor": TOMORROW,
    "reminder_hour": SOON,
    "reminder_hour_mentor": SOON,
    "booking_refused": REFUSED,
    "payment_expired": UNPAID,
    "payment_failed": UNPAID,
    "payment_late": REFUSED,
    "booking_link": COMING,
    "your_bookings": ASKED,
    "booking_moved": MOVED,
    "booking_moved_mentor": MOVED,
    "booking_not_moved": COMING,
    "booking_cancelled": CANCELLED,
    "booking_cancelled_mentor": CANCELLED,
    "attendee_absent": MISSED,
    "report_filed": REPORTED,
    "report_filed_mentor": REPORTED,
    "report_answered": ANSWERED,
    "report_answered_mentor": ANSWERED,
    "report_answered_admin": ANSWERED,
    "report_unanswered_admin": REPORTED,
    "report_decided": DECIDED,
    "report_decided_mentor": DECIDED,
    "case_admin": OBJECTED,
    "chargeback_opened_mentor": OBJECTED,
    "chargeback_closed_mentor": WON,
    "refund_started": KIND,
    "refund_done": YEN,
    "refund_failed": DELAYED,
    "refund_failed_admin": DELAYED,
    "refund_mentor": YEN,
    "payment_attention": ODD,
    "transfer_made": SENT,
    "transfer_taken_back": TAKEN_BACK,
    "transfer_stuck_admin": STUCK,
    "debt_mentor": OWED,
    "debt_admin": OWED,
    "debt_paid": PAYING,
    "payout_sent": ON_ITS_WAY,
    "payout_arrived": ARRIVED,
    "payout_failed": CAME_BACK,
    "payout_failed_admin": CAME_BACK,
    "payout_refused_admin": NOT_MADE,
    "payout_found_admin": FOUND,
    "account_needs_you": NOOR,
    "account_closed": GONE,
    "account_closed_admin": GONE,
    "account_not_ours_admin": NOOR,
    "account_not_manual_admin": LUCIA,
    "account_deadline": TOMAS,
    "payouts_need_you": NOOR,
    "holding_admin": TOMAS,
    "mentor_suspended": TOMAS,
    "mentor_unsuspended": LUCIA,
    "calendar_needs_you": NOOR,
    "sign_in": SIGN_IN,
    "invitation": INVITED,
    "staff_changed": CHANGED,
    "alert": ALERT,
    "alerts_many": ALERT,
    "job_dead_admin": GIVEN_UP,
    "drift_admin": RUN,
    "foreign_booking_admin": AT_CALCOM,
}


def world(now: datetime) -> list[Base]:
    """All rows, in the order in which they came to be."""
    now = now.replace(second=0, microsecond=0)
    rows = [*cast(now), *sold(now), *shares(now), *objections(now), *around(now)]
    for number, entry in enumerate(row for row in rows if isinstance(row, LedgerEntry)):
        entry.id = FIRST + number
    return rows


__all__ = ["EMPTY", "NOBODY", "SAMPLES", "world"]
