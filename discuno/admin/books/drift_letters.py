"""The letter about drift: what a reconciliation run found that it could not repair."""

from datetime import UTC, datetime

from discuno.admin.books import books
from discuno.notifications.letters import ADMIN_REASON, Letter, letter, runbook
from discuno.notifications.models import AlertKind

MOST = 30  # lines; the rest is on the command line


@letter("drift_admin", about="run")
def drift_admin(run: int) -> Letter:
    """To the admin: where our books and Stripe's differ since this run (its time, in Unix seconds)."""
    new = books.new_drift(datetime.fromtimestamp(run, UTC))
    more = [f"And {len(new) - MOST} more: `flask reconcile` lists them."] if len(new) > MOST else []
    count = "One difference" if len(new) == 1 else f"{len(new)} differences"
    return Letter(
        subject=f"{count} between our books and Stripe's",
        sender="alerts",
        heading="Our books and Stripe's differ",
        paragraphs=[
            "The nightly comparison has repaired what is provably ours. What stands here is not, and no money "
            "was moved because of it.",
            "What is as it should be, such as a payout to our own bank, is accepted with "
            "`flask reconcile --accept NUMBER --reason …` or on the page; everything else has to be explained.",
            *more,
        ],
        facts=[
            (f"{d.id}. {d.kind.replace('_', ' ')}", f"{d.about}. Ours: {d.ours}. Stripe's: {d.theirs}")
            for d in new[:MOST]
        ]
        + [runbook(AlertKind.DRIFT)],
        action=("See what differs", "/admin/reconciliation"),
        reason=ADMIN_REASON,
    )
