"""Every number of the business, how often something may be asked for, and what the owner may set."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple

HOLD_TO_CHOOSE = timedelta(minutes=10)  # a chosen time is kept this long while the details are typed
CHECKOUT_LIFE = timedelta(minutes=31)  # Stripe's shortest is 30 minutes; one more for clocks that differ
HOLD_BEYOND_CHECKOUT = timedelta(minutes=4)  # the hold outlives the session: no one pays for a freed hour
CALENDAR_RESERVATION = timedelta(minutes=36)  # Cal.com's reservation outlives both
MAX_LIVE_HOLDS = 3  # a visitor may keep so many hours at once
ASK_STRIPE_AGAIN = timedelta(seconds=4)  # a waiting page asks Stripe itself, no more often than this
WATCH_PAYMENT_EVERY = timedelta(minutes=2)  # how often an unpaid session is looked at without any webhook
CONFIRM_DEADLINE = timedelta(minutes=30)  # a paid booking the calendar will not take by then is refunded
MORE_TIME = timedelta(minutes=10)  # what asking for more time adds to a hold, once (WCAG 2.2.1)
TYPED_IS_KEPT = timedelta(hours=1)  # details of a hold that came to nothing are offered to the next one
NEAR_TIMES = 3  # so many other times are offered when one was lost
FREE_CANCELLATION = timedelta(hours=24)  # full refund until then
MOVE_UNTIL = timedelta(hours=24)  # an attendee may move a session until then
MAX_MOVES = 3  # and so often
ABSENT_AFTER = timedelta(minutes=10)  # so late after the start somebody may say that the other has not come
ANSWER_WITHIN = timedelta(hours=48)  # a mentor's time to answer a report
MAX_FILES = 5  # with one message of a report
MAX_SAID = 20  # messages of one side in a report; whoever has more to say writes to us
MAX_FILE_SIZE = 5 * 1024 * 1024  # bytes; the database refuses more
JOIN_FROM = timedelta(minutes=15)  # before the start, the way in is the first thing on the page
FIND_BACK = timedelta(days=90)  # links are sent for sessions that ended no longer ago
FORGET_REQUESTS = timedelta(days=1)  # after which nobody need know who has asked for links
SIGN_IN_LIFE = timedelta(minutes=10)  # of an e-mailed link; OWASP ASVS 5.0 6.5.5 allows no more
INVITATION_LIFE = timedelta(days=7)  # of a mentor's first link
INVITE_AGAIN = timedelta(minutes=10)  # until then an invitation stands, however often it is asked for
MAX_UNUSED_LINKS = 5  # to one address; asked for more often, no further letter goes out
UNUSED_LINKS_WITHIN = timedelta(hours=1)
SESSION_IDLE = timedelta(days=3)  # signed in, and nothing asked for
STAFF_IDLE = timedelta(hours=12)  # the same for who looks after money
SESSION_LIFE = timedelta(days=30)  # signed in, whatever is asked for; NIST SP 800-63B 4.1.3 allows no more
SEEN_EVERY = timedelta(minutes=5)  # how exactly it is known when somebody was here last
SECOND_FACTOR_LIFE = timedelta(hours=12)  # an admin's code is asked for again then; NIST SP 800-63B 4.2.3
PROVED_FOR = timedelta(minutes=10)  # and before money moves, unless it was given as lately as this
RECOVERY_CODES = 10  # on paper, each works once
CODES_REFUSED = 5  # wrong codes in a row, after which the next is looked at only later
CODES_REST = timedelta(minutes=5)
SET_UP_WITHIN = timedelta(minutes=10)  # of signing in: who has an old cookie alone plants no app
DECIDE_WITHIN = timedelta(hours=72)  # our time to decide a report, once both sides could speak
SECOND_ADMIN_ABOVE = 1000  # times the least charge ($500.00): an act on more takes two admins
NEW_ADMIN_WAITS = timedelta(hours=24)  # before they are the second: else one admin lets in an accomplice
MANAGE_LINK_LIFE = timedelta(days=400)  # after the session: a receipt can be had for the year's taxes
TRANSFER_ATTEMPTS = 3  # definite refusals before a person is told
TRANSFER_WAIT = timedelta(hours=1)  # whatever blocks a transfer is looked at again then, without any event
LEARN_FEE_EVERY = timedelta(minutes=1)  # how often a charge without its fee is looked at
PAYOUT_RESTS = timedelta(days=1)  # after a payout that failed, unless the account changes before
PAYOUT_STALE = timedelta(minutes=5)  # an intention not sent by then is dropped, and the balance asked again
HOLDING_LIMIT = {
    "US": timedelta(days=730),
    "TH": timedelta(days=10),
}  # Stripe's, for manual payouts, by country
HOLDING_LIMIT_ELSEWHERE = timedelta(days=90)
REFUND_WAITS = timedelta(minutes=2)  # for a transfer in flight, so that its share is asked back first


REMINDER_QUIET = timedelta(minutes=30)  # who has only just heard of a session needs no reminder of it
BULK_MOST = 10_000  # rows of one bulk run
VISIT_SILENCE = timedelta(hours=24)  # after which somebody who comes back is on another visit
FUNNEL_KEPT = timedelta(days=400)  # steps of visits; a year can be compared with the one before
ALERT_LETTERS = 5  # about alerts of one kind within an hour; the next ones share a letter
ALERT_RESTS = timedelta(days=1)  # a state that a person has dealt with, and that lasts, is told again then
LETTERS_MAKE_BATCH = 10  # so many due at once are handed over together
LETTERS_IN_BATCH = 100  # Resend takes no more
LETTER_KEY_LIFE = timedelta(
    hours=23
)  # Resend forgets a key after 24: handed over so long ago, it is not sent again
LETTER_FALLBACK = timedelta(minutes=5)  # that Resend cannot be reached, and the other carrier is asked
QUOTA_RESTS = timedelta(minutes=15)  # until Resend is asked again whether it takes letters today
EVENT_FAILS = 5  # attempts at an event, after which a person is told
JOB_IS_LATE = timedelta(minutes=1)  # due so long, and not begun
CLOCK_IS_SILENT = timedelta(minutes=30)  # what comes by the clock is so late


class Reminder(NamedTuple):
    """A letter before a session: so long before it is due, and when less than `until` is left it is of no use."""

    before: timedelta
    until: timedelta


REMINDERS = {
    "day": Reminder(timedelta(hours=24), timedelta(hours=3)),  # late, the one of the hour serves as well
    "hour": Reminder(timedelta(hours=1), timedelta(0)),
}


class Rate(NamedTuple):
    """How often something may be asked for by one address, and by one browser."""

    name: str
    per_address: str
    per_visitor: str


SLOTS = Rate("slots", "300 per minute", "120 per minute")
HOLDS = Rate("holds", "60 per 10 minutes", "30 per 10 minutes")
CHECKOUTS = Rate("checkouts", "120 per hour", "40 per hour")
CHANGES = Rate("changes", "120 per hour", "40 per hour")  # of a booking, by whoever holds its link
REPORTS = Rate("reports", "30 per hour", "15 per hour")
KEYS = Rate("keys", "60 per hour", "20 per hour")  # a key of another house's, which is asked at once
SETTINGS = Rate("settings", "600 per hour", "300 per hour")  # what somebody signed in changes of their own
CODES = Rate("codes", "60 per hour", "30 per hour")  # of an authenticator app
LEVERS = Rate("levers", "600 per hour", "300 per hour")  # what an admin does
SIGN_INS = Rate("sign-ins", "120 per hour", "40 per hour")  # links that somebody tries
FEED = Rate("feed", "900 per 10 minutes", "60 per 10 minutes")  # calendar services ask from few addresses
ONE_CLICK = Rate(
    "one-click", "900 per 10 minutes", "60 per 10 minutes"
)  # mail services ask from few addresses
METRICS = Rate("metrics", "60 per minute", "60 per minute")  # monitors ask every few seconds
MAIL = Rate("mail", "20 per hour", "6 per hour")  # forms that send a letter to somebody


@dataclass(frozen=True)
class Terms:
    """What the owner may set; everything else above is the house's."""

    fee_bps: int = 1000
    dispute_period: timedelta = timedelta(hours=72)
    hold_starts_at: Literal["session", "payment"] = "session"
