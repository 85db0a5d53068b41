"""What must be true of bookings, letters, events and work; see `checks` for how it is asked.

What is true only once the work has been done is asked of a house that has been quiet since `:before`.
"""

from discuno.admin.books.checks import PAYMENTS, SUMS, Check

I5 = Check(
    "I5",
    "A paid session ends in exactly one of a confirmed booking or a full refund",
    PAYMENTS,
    (
        """SELECT 'payment ' || p.id AS about, 'confirmed, and refunded because it was refused' AS says,
r.amount AS difference, r.currency FROM discuno_payment p JOIN discuno_booking b ON b.id = p.booking_id
JOIN discuno_refund r ON r.payment_id = p.id
WHERE b.status = 'confirmed' AND r.reason = 'booking_refused' AND r.status <> 'failed'
  AND p.created_at >= :since""",
    ),
    (
        """SELECT 'payment ' || p.id AS about, 'paid, its booking is ' || b.status || ', and not refunded' AS says,
p.amount - coalesce(back.amount, 0) AS difference, p.currency
FROM discuno_payment p JOIN discuno_booking b ON b.id = p.booking_id LEFT JOIN LATERAL (
  SELECT sum(r.amount) AS amount FROM discuno_refund r WHERE r.payment_id = p.id AND r.status <> 'failed')
  back ON true
LEFT JOIN LATERAL (
  SELECT -sum(e.amount) AS amount FROM discuno_ledger_entry e WHERE e.payment_id = p.id AND e.account = 'stripe'
    AND e.kind IN ('dispute_withdrawn', 'dispute_reinstated')) taken ON true
WHERE p.status IN ('SUCCEEDED', 'DISPUTED', 'REFUNDED', 'TRANSFERRED') AND p.paid_at < :now - interval '35 minutes'
  AND b.status NOT IN ('confirmed', 'cancelled') AND p.needs_attention IS NULL
  AND coalesce(back.amount, 0) + coalesce(taken.amount, 0) < p.amount AND p.created_at >= :since""",
        # Cancelled by the mentor, or early enough: see policy.cancellation.
        """SELECT 'payment ' || p.id AS about, 'cancelled by the ' || b.cancelled_by || ', and not refunded' AS says,
p.amount - coalesce(back.amount, 0) AS difference, p.currency
FROM discuno_payment p JOIN discuno_booking b ON b.id = p.booking_id LEFT JOIN LATERAL (
  SELECT sum(r.amount) AS amount FROM discuno_refund r WHERE r.payment_id = p.id AND r.status <> 'failed')
  back ON true
WHERE b.status = 'cancelled' AND b.cancelled_at < :before AND p.needs_attention IS NULL
  AND (b.cancelled_by IN ('mentor', 'admin', 'house') OR lower(b.during) - b.cancelled_at >= interval '24 hours')
  AND coalesce(back.amount, 0) < p.amount AND p.created_at >= :since
  AND NOT EXISTS (SELECT 1 FROM discuno_dispute d WHERE d.payment_id = p.id AND d.kind = 'chargeback')""",
    ),
)

I6 = Check(
    "I6",
    "A confirmed booking was paid for once, or is free; an hour is sold once; Cal.com knows its own",
    "SELECT count(*) FROM discuno_booking WHERE status IN ('held', 'confirmed')",
    (
        """SELECT 'booking ' || b.id AS about,
  CASE WHEN b.requires_payment THEN 'confirmed, and not paid' ELSE 'free, and paid' END AS says,
  b.price AS difference, b.currency
FROM discuno_booking b LEFT JOIN discuno_payment p ON p.booking_id = b.id
  AND p.status IN ('SUCCEEDED', 'DISPUTED', 'REFUNDED', 'TRANSFERRED')
WHERE b.status = 'confirmed' AND b.requires_payment <> (p.id IS NOT NULL) AND b.created_at >= :since""",
        """SELECT 'bookings ' || a.id || ' and ' || b.id AS about, 'one mentor, one hour' AS says,
NULL::bigint AS difference, NULL AS currency
FROM discuno_booking a JOIN discuno_booking b ON b.mentor_id = a.mentor_id AND b.id > a.id AND b.during && a.during
WHERE a.status IN ('held', 'confirmed') AND b.status IN ('held', 'confirmed')
  AND upper(a.during) >= :since AND upper(b.during) >= :since""",
        """SELECT 'booking ' || id AS about, 'confirmed without a booking at Cal.com' AS says,
NULL::bigint AS difference, NULL AS currency FROM discuno_booking
WHERE status = 'confirmed' AND calcom_event_type_id IS NOT NULL AND calcom_booking_uid IS NULL
  AND created_at >= :since""",
    ),
)

I7 = Check(
    "I7",
    "One letter an event and person; sent by Resend it has its id; what waits will be sent; who must be told is told",
    "SELECT count(*) FROM discuno_email WHERE created_at >= :since",
    (
        """SELECT 'letter ' || id AS about, 'it is ' || status || ' without an id of Resend''s' AS says,
NULL::bigint AS difference, NULL AS currency FROM discuno_email
WHERE status IN ('sent', 'delivered', 'bounced', 'complained') AND resend_id IS NULL AND carrier = 'resend'
  AND created_at >= :since""",
        """SELECT 'letter ' || e.id AS about, 'it waits, and nothing will send it' AS says,
NULL::bigint AS difference, NULL AS currency FROM discuno_email e
WHERE e.status = 'queued' AND e.created_at >= :since AND NOT EXISTS (SELECT 1 FROM discuno_job j
  WHERE j.unique_key IN ('letter:' || e.id, 'batch:' || e.batch_id) AND j.dead_at IS NULL)""",
        """SELECT 'event ' || event AS about, count(*) || ' letters to ' || recipient AS says,
NULL::bigint AS difference, NULL AS currency FROM discuno_email WHERE created_at >= :since
GROUP BY event, recipient HAVING count(*) > 1""",
        """SELECT 'booking ' || b.id AS about, 'no letter says to ' || who.email || ' that it is ' || b.status
  AS says, NULL::bigint AS difference, NULL AS currency
FROM discuno_booking b JOIN discuno_mentor m ON m.id = b.mentor_id JOIN discuno_user u ON u.id = m.user_id,
LATERAL (SELECT lower(b.attendee_email) AS email UNION ALL SELECT lower(u.email) WHERE b.status = 'confirmed') who
WHERE b.status IN ('confirmed', 'refused') AND who.email IS NOT NULL AND b.created_at >= :since AND NOT EXISTS (
  SELECT 1 FROM discuno_email e WHERE e.event = 'booking:' || b.id || ':' || b.status AND e.recipient = who.email)""",
    ),
)

I8 = Check(
    "I8",
    "Every event that came is handled, or will be tried again, or is dead and somebody was told",
    "SELECT count(*) FROM discuno_webhook_event WHERE received_at >= :since",
    (
        """SELECT 'event ' || e.id AS about, e.type || ' is not handled, and nothing will handle it' AS says,
NULL::bigint AS difference, NULL AS currency
FROM discuno_webhook_event e WHERE e.handled_at IS NULL AND e.received_at >= :since
  AND NOT EXISTS (SELECT 1 FROM discuno_job j WHERE j.unique_key = 'event:' || e.id)""",
        """SELECT 'job ' || j.id AS about, j.task || ' was given up, and nobody was told' AS says,
NULL::bigint AS difference, NULL AS currency FROM discuno_job j
WHERE j.dead_at IS NOT NULL AND j.task NOT IN ('send_letter', 'send_batch')
  AND NOT EXISTS (SELECT 1 FROM discuno_email e WHERE e.event = concat_ws(':', 'job', j.id, 'dead'))""",
    ),
    note="that replaying every event changes nothing is a test (tests/test_events.py)",
)

# The owner's one word for a payment, made from the rows (payments.service.restate says it in Python).
WORD = """CASE
  WHEN (SELECT coalesce(sum(r.amount), 0) FROM discuno_refund r WHERE r.payment_id = p.id
        AND r.status = 'succeeded') >= p.amount THEN 'REFUNDED'
  WHEN EXISTS (SELECT 1 FROM discuno_dispute d WHERE d.payment_id = p.id AND d.kind IN ('chargeback', 'report')
               AND d.status IN ('open', 'waiting', 'lost')) THEN 'DISPUTED'
  WHEN EXISTS (SELECT 1 FROM discuno_transfer t WHERE t.payment_id = p.id AND t.stripe_transfer_id IS NOT NULL
    AND t.amount > (SELECT coalesce(sum(v.amount), 0) FROM discuno_transfer_reversal v
                    WHERE v.transfer_id = t.id AND v.status = 'made')) THEN 'TRANSFERRED'
  ELSE 'SUCCEEDED' END"""


def _went_back(table: str, column: str, statuses: str, what: str) -> str:
    """A row whose status is one from before something that it says has happened."""
    return f"""SELECT '{what} ' || id AS about, 'it is ' || status || ', and has {column}' AS says,
NULL::bigint AS difference, NULL AS currency FROM discuno_{table}
WHERE {column} IS NOT NULL AND status IN ({statuses}) AND created_at >= :since"""  # noqa: S608


I9 = Check(
    "I9",
    "No status goes back, and a payment's word is what its rows say",
    PAYMENTS,
    (
        _went_back("payment", "paid_at", "'PENDING', 'PROCESSING', 'FAILED'", "payment"),
        _went_back("booking", "confirmed_at", "'held', 'expired', 'released', 'refused'", "booking"),
        _went_back(
            "transfer", "stripe_transfer_id", "'scheduled', 'sending', 'cancelled', 'netted'", "transfer"
        ),
        _went_back("transfer_reversal", "stripe_reversal_id", "'requested', 'failed'", "reversal"),
        _went_back("refund", "stripe_refund_id", "'requested'", "refund"),
        _went_back("payout", "stripe_payout_id", "'requested'", "payout"),
        f"""SELECT 'payment ' || p.id AS about, 'it is ' || p.status || ', and its rows say ' || {WORD} AS says,
NULL::bigint AS difference, NULL AS currency FROM discuno_payment p
WHERE p.status IN ('SUCCEEDED', 'DISPUTED', 'REFUNDED', 'TRANSFERRED') AND p.status <> {WORD}
  AND p.created_at >= :since""",  # noqa: S608
    ),
)


def _left_open(table: str, condition: str, says: str, since: str, amount: str = "NULL::bigint") -> str:
    """Work that was begun before the quiet and has not come to an end."""
    return f"""SELECT '{table} ' || id AS about, '{says}, since ' || {since} AS says,
{amount} AS difference, NULL AS currency FROM discuno_{table}
WHERE {condition} AND {since} < :before"""  # noqa: S608


I10 = Check(
    "I10",
    "In a quiet house nothing stays open or unknown, and no share is held past due without a reason",
    "SELECT count(*) FROM discuno_job",
    (),
    (
        _left_open("job", "dead_at IS NULL", "it should have run", "run_at"),
        _left_open("transfer", "status = 'sending'", "it is being sent", "attempted_at", "amount"),
        _left_open(
            "transfer", "status = 'scheduled' AND blocked_by IS NULL", "it is due", "next_try_at", "amount"
        ),
        _left_open("refund", "status = 'requested'", "it is only asked for", "created_at", "amount"),
        _left_open(
            "transfer_reversal", "status = 'requested'", "it is only asked for", "created_at", "amount"
        ),
        _left_open("payout", "status = 'requested'", "it is only asked for", "created_at", "amount"),
        _left_open(
            "payment",
            "status IN ('PENDING', 'PROCESSING') AND needs_attention IS NULL",
            "it is not decided",
            "checkout_expires_at",
            "amount",
        ),
        _left_open("booking", "status = 'held'", "its hold is over", "held_until"),
        _left_open("email", "status = 'queued'", "it is not sent", "created_at"),
        f"""WITH {SUMS} SELECT 'payment ' || sums.id AS about, 'its share is held, due, and nothing sends it' AS says,
sums.held AS difference, sums.currency FROM sums JOIN discuno_payment p ON p.id = sums.id
JOIN discuno_booking b ON b.id = p.booking_id
WHERE sums.held > 0 AND p.dispute_period_ends < :before AND b.status IN ('confirmed', 'cancelled')
  AND p.needs_attention IS NULL AND NOT p.dispute_requested
  AND NOT EXISTS (SELECT 1 FROM discuno_transfer t
                  WHERE t.payment_id = sums.id AND t.status IN ('scheduled', 'sending'))
  AND NOT EXISTS (SELECT 1 FROM discuno_dispute d
                  WHERE d.payment_id = sums.id AND d.status IN ('open', 'waiting'))""",  # noqa: S608
    ),
)

I13 = Check(
    "I13",
    "The audit log is what was written: every entry has its seal, and every seal follows from the one before it",
    "SELECT count(*) FROM discuno_audit_entry",
    (
        """SELECT 'audit entry ' || e.id AS about, 'it has no seal' AS says,
NULL::bigint AS difference, NULL AS currency
FROM discuno_audit_entry e LEFT JOIN discuno_audit_seal s ON s.entry_id = e.id WHERE s.id IS NULL""",
        """SELECT 'audit entry ' || entry_id AS about,
  'it is not what was sealed, or a seal before it is gone' AS says, NULL::bigint AS difference, NULL AS currency
FROM (SELECT id, entry_id, digest, lag(digest, 1, '') OVER (ORDER BY id) AS prior FROM discuno_audit_seal) AS seal
WHERE digest IS DISTINCT FROM
  (SELECT discuno_audit_digest(seal.prior, e) FROM discuno_audit_entry e WHERE e.id = seal.entry_id)
ORDER BY id""",
    ),
    note="who cuts off the end of the log leaves no trace in it: the last seal is logged every night",
)

LIFE = (I5, I6, I7, I8, I9, I10, I13)
