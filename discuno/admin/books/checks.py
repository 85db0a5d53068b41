"""What must be true of the rows, as questions whose every answer is a row at fault.

Each query names what is at fault (`about`), what is wrong (`says`) and, where it is an amount, the difference in
minor units. `:since` leaves out payments made before it; `:quiet` is how long ago the last trouble may have been.
"""

from dataclasses import dataclass

# One line a payment: what the books say, by what happened.
SUMS = """
sums AS MATERIALIZED (
  SELECT payment.id, payment.currency, payment.amount, payment.mentor_amount, payment.status, payment.paid_at,
    payment.stripe_charge_id IS NOT NULL AS charged,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'capture' AND e.account = 'stripe'), 0) AS captured,
    -coalesce(sum(e.amount) FILTER (WHERE e.kind IN ('refund', 'refund_undone') AND e.account = 'stripe'), 0)
      AS refunded,
    -coalesce(sum(e.amount) FILTER (
      WHERE e.kind IN ('dispute_withdrawn', 'dispute_reinstated') AND e.account = 'stripe'), 0) AS disputed,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'transfer' AND e.account = 'connected'), 0) AS transferred,
    -coalesce(sum(e.amount) FILTER (WHERE e.kind = 'reversal' AND e.account = 'connected'), 0) AS reversed,
    -coalesce(sum(e.amount) FILTER (WHERE e.account = 'held'), 0) AS held,
    -coalesce(sum(e.amount) FILTER (WHERE e.account = 'fees'), 0) AS fee_kept,
    coalesce(sum(e.amount) FILTER (WHERE e.account = 'debt'), 0) AS debt,
    coalesce(sum(e.amount) FILTER (WHERE e.account = 'debt' AND e.kind <> 'debt_netted'), 0) AS debt_made,
    coalesce(sum(e.amount) FILTER (WHERE e.account = 'loss'), 0) AS loss,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'split' AND e.account = 'fees'), 0) AS given_up
  FROM discuno_payment payment LEFT JOIN discuno_ledger_entry e ON e.payment_id = payment.id
  WHERE payment.created_at >= :since
  GROUP BY payment.id)"""

# What Stripe has made of our rows, and what the books must therefore say: one line an object.
MADE = """
made AS (
  SELECT 'refund ' || r.id AS about, 'refund' AS kind, r.stripe_refund_id AS source, 'stripe' AS account,
    -r.amount AS amount, r.status IN ('succeeded', 'failed') AS certain, r.status = 'failed' AS undone,
    r.payment_id
  FROM discuno_refund r WHERE r.stripe_refund_id IS NOT NULL
  UNION ALL
  SELECT 'transfer ' || t.id, 'transfer', t.stripe_transfer_id, 'connected', t.amount, true, false, t.payment_id
  FROM discuno_transfer t WHERE t.stripe_transfer_id IS NOT NULL
  UNION ALL
  SELECT 'reversal ' || v.id, 'reversal', v.stripe_reversal_id, 'connected', -v.amount, true, false, t.payment_id
  FROM discuno_transfer_reversal v JOIN discuno_transfer t ON t.id = v.transfer_id
  WHERE v.stripe_reversal_id IS NOT NULL
  UNION ALL
  SELECT 'payout ' || o.id, 'payout', o.stripe_payout_id, 'bank', o.amount, true,
    o.status IN ('failed', 'canceled'), NULL
  FROM discuno_payout o WHERE o.stripe_payout_id IS NOT NULL
  UNION ALL
  SELECT 'payment ' || p.id, 'stripe_fee', p.stripe_entry_id, 'stripe_fees', p.stripe_fee, true, false, p.id
  FROM discuno_payment p
  WHERE p.stripe_entry_id IS NOT NULL AND p.stripe_fee <> 0 AND p.settlement_currency = p.currency)"""


@dataclass(frozen=True)
class Check:
    """One invariant: what it says, how many rows it looks at, and the queries whose answers are at fault."""

    name: str
    says: str
    count: str
    queries: tuple[str, ...]
    after_quiet: tuple[str, ...] = ()  # true only of a house in which the work has been done
    note: str = ""  # what rows cannot show, and where it is held instead


Fault = tuple[str, str, str]  # when it is one, what it says, the difference


def _sums(*faults: Fault) -> str:
    """What can be wrong with a payment's sums, asked at once."""
    rows = ", ".join(f"({wrong}, {says}, {difference})" for wrong, says, difference in faults)
    return f"""WITH {SUMS} SELECT 'payment ' || id AS about, fault.says, fault.difference, currency
FROM sums, LATERAL (VALUES {rows}) AS fault (wrong, says, difference) WHERE fault.wrong"""  # noqa: S608


PAYMENTS = "SELECT count(*) FROM discuno_payment WHERE created_at >= :since"

I1 = Check(
    "I1",
    "No cent is lost: what came in is where the books say, for every payment, and the books balance",
    PAYMENTS,
    (
        _sums(
            (
                "captured + debt + loss <> refunded + disputed + transferred - reversed + held + fee_kept",
                "'captured + debt + loss is not refunded + disputed + transferred + held + fee'",
                "captured + debt + loss - refunded - disputed - transferred + reversed - held - fee_kept",
            ),
            (
                "captured <> CASE WHEN status IN ('SUCCEEDED', 'DISPUTED', 'REFUNDED', 'TRANSFERRED') THEN amount "
                "ELSE 0 END",
                "'it is ' || status || ' and the books have captured ' || captured",
                "captured",
            ),
            (
                "disputed <> 0 AND disputed > (SELECT coalesce(sum(d.amount), 0) FROM discuno_dispute d "
                "WHERE d.payment_id = sums.id AND d.kind = 'chargeback') OR disputed < 0",
                "'banks have taken ' || disputed || ', which no chargeback of it explains'",
                "disputed",
            ),
        ),
        """SELECT 'the books' AS about, 'all entries do not add up to zero' AS says, sum(amount) AS difference,
currency FROM discuno_ledger_entry GROUP BY currency HAVING sum(amount) <> 0""",
        """SELECT kind || ' ' || source AS about, 'a posting does not add up to zero' AS says,
sum(amount) AS difference, currency FROM discuno_ledger_entry GROUP BY kind, source, currency
HAVING sum(amount) <> 0""",
        f"""WITH {MADE} SELECT about, 'the books have ' || coalesce(posted.amount, 0) || ' for ' || source AS says,
  coalesce(posted.amount, 0) - CASE WHEN undone THEN 0 ELSE made.amount END AS difference, NULL AS currency
FROM made LEFT JOIN LATERAL (
  SELECT sum(e.amount) AS amount FROM discuno_ledger_entry e
  WHERE e.source = made.source AND e.account = made.account AND e.kind IN (made.kind, made.kind || '_undone')
) posted ON true
WHERE coalesce(posted.amount, 0) <> CASE WHEN undone THEN 0 ELSE made.amount END
  AND (certain OR posted.amount IS NOT NULL AND posted.amount <> made.amount)
  AND (payment_id IS NULL OR payment_id IN (SELECT id FROM discuno_payment WHERE created_at >= :since))""",  # noqa: S608
        f"""WITH {MADE} SELECT e.kind || ' ' || e.source AS about, 'the books have it, and no row of ours' AS says,
  e.amount AS difference, e.currency
FROM discuno_ledger_entry e LEFT JOIN made ON made.source = e.source AND made.kind = e.kind
WHERE e.account = CASE e.kind WHEN 'refund' THEN 'stripe' WHEN 'payout' THEN 'bank' ELSE 'connected' END
  AND e.kind IN ('refund', 'transfer', 'reversal', 'payout') AND made.source IS NULL
  AND e.posted_at >= :since""",  # noqa: S608
        """SELECT 'mentor ' || mentor_id AS about, 'more debt was paid than was owed' AS says,
sum(amount) AS difference, currency FROM discuno_ledger_entry WHERE account = 'debt'
GROUP BY mentor_id, currency HAVING sum(amount) < 0""",
    ),
)

I2 = Check(
    "I2",
    "Nothing goes back or on beyond what came in, unless a debt or a loss says so",
    PAYMENTS,
    (
        _sums(
            ("refunded < 0 OR refunded > captured", "'refunded ' || refunded", "refunded - captured"),
            ("reversed < 0 OR reversed > transferred", "'reversed ' || reversed", "reversed - transferred"),
            (
                "transferred - reversed > mentor_amount + given_up + debt_made",
                "'the mentor was sent more than their share'",
                "transferred - reversed - mentor_amount - given_up - debt_made",
            ),
            (
                "refunded + disputed + transferred - reversed > captured AND debt <= 0 AND loss <= 0",
                "'more has left than came in, and neither a debt nor a loss explains it'",
                "refunded + disputed + transferred - reversed - captured",
            ),
            (
                "held < 0 OR fee_kept < 0",
                "'held ' || held || ', fee kept ' || fee_kept",
                "least(held, fee_kept)",
            ),
        ),
    ),
)

I3 = Check(
    "I3",
    "A share is transferred once: at most one live release a payment, one Stripe object a row",
    "SELECT count(*) FROM discuno_transfer",
    (
        """SELECT 'payment ' || payment_id AS about, count(*) || ' releases are live' AS says,
NULL::bigint AS difference, NULL AS currency FROM discuno_transfer
WHERE kind = 'release' AND status NOT IN ('cancelled', 'reversed') GROUP BY payment_id HAVING count(*) > 1""",
        """SELECT 'transfer ' || t.id AS about, 'it was sent to ' || coalesce(t.destination, 'nobody')
  || ', which is not its mentor''s account' AS says, t.amount AS difference, t.currency
FROM discuno_transfer t JOIN discuno_payment p ON p.id = t.payment_id JOIN discuno_booking b ON b.id = p.booking_id
LEFT JOIN discuno_mentor_stripe_account a ON a.stripe_account_id = t.destination AND a.mentor_id = b.mentor_id
WHERE t.stripe_transfer_id IS NOT NULL AND (a.id IS NULL OR t.currency <> p.currency)""",
    ),
)

I4 = Check(
    "I4",
    "No share goes before its dispute period is over, nor beside a chargeback without being taken back",
    "SELECT count(*) FROM discuno_transfer WHERE stripe_transfer_id IS NOT NULL",
    (
        """SELECT 'transfer ' || t.id AS about, 'it was sent before ' || p.dispute_period_ends AS says,
NULL::bigint AS difference, NULL AS currency FROM discuno_transfer t JOIN discuno_payment p ON p.id = t.payment_id
WHERE t.stripe_transfer_id IS NOT NULL AND t.kind = 'release'
  AND coalesce(t.attempted_at, t.sent_at) < p.dispute_period_ends""",
        f"""WITH {SUMS} SELECT 'transfer ' || t.id AS about, 'it went beside dispute ' || d.id
  || ' and was not asked back' AS says, t.amount AS difference, t.currency
FROM discuno_transfer t JOIN sums ON sums.id = t.payment_id JOIN discuno_dispute d ON d.payment_id = t.payment_id
WHERE t.stripe_transfer_id IS NOT NULL AND d.kind = 'chargeback' AND NOT d.is_inquiry AND sums.disputed > 0
  AND d.opened_at < coalesce(t.attempted_at, t.sent_at)
  AND (d.closed_at IS NULL OR d.closed_at > coalesce(t.attempted_at, t.sent_at))
  AND sums.transferred > sums.reversed AND sums.mentor_amount > 0 AND sums.disputed >= sums.captured
  AND NOT EXISTS (SELECT 1 FROM discuno_transfer_reversal v WHERE v.transfer_id = t.id)""",  # noqa: S608
    ),
)

# Which connected account an entry of CONNECTED lies in, by the row that it was made for.
BY_ACCOUNT = """
SELECT coalesce(t.destination, back.destination, a.stripe_account_id) AS account, e.currency, sum(e.amount) AS total
FROM discuno_ledger_entry e
LEFT JOIN discuno_transfer t ON e.kind = 'transfer' AND t.stripe_transfer_id = e.source
LEFT JOIN discuno_transfer_reversal v ON e.kind = 'reversal' AND v.stripe_reversal_id = e.source
LEFT JOIN discuno_transfer back ON back.id = v.transfer_id
LEFT JOIN discuno_payout o ON e.kind IN ('payout', 'payout_undone') AND o.stripe_payout_id = e.source
LEFT JOIN discuno_mentor_stripe_account a ON a.id = o.account_id
WHERE e.account = 'connected' AND (CAST(:mentors AS bigint[]) IS NULL OR e.mentor_id = ANY(:mentors))
GROUP BY 1, e.currency"""

I11 = Check(
    "I11",
    "What mentors have at Stripe and in their banks is what was transferred to them",
    "SELECT count(*) FROM discuno_mentor_stripe_account",
    (
        """SELECT 'mentor ' || mentor_id AS about, 'custody and what is theirs differ' AS says,
sum(amount) AS difference, currency FROM discuno_ledger_entry
WHERE account IN ('connected', 'bank', 'mentors') GROUP BY mentor_id, currency HAVING sum(amount) <> 0""",
        f"""SELECT 'no account' AS about, 'the books have money in it' AS says,
total AS difference, currency FROM ({BY_ACCOUNT}) AS by_account WHERE account IS NULL""",  # noqa: S608
    ),
    (  # a payout that came back without a word is money there of which the books learn at night, from Stripe's list
        f"""SELECT account AS about, 'the books have less than nothing in it' AS says,
total AS difference, currency FROM ({BY_ACCOUNT}) AS by_account WHERE total < 0 AND account IS NOT NULL""",  # noqa: S608
    ),
    note="that Stripe's own balances equal the books is asked with --stripe",
)

MONEY = (I1, I2, I3, I4, I11)
