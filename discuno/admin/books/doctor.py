"""`flask doctor`: whether this house can do its work, one line a check, with what to do where it cannot."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import click
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from discuno.config import Settings
from discuno.edges import queue, stripe
from discuno.edges.stripe import StripeDown, StripeRefused
from discuno.edges.stripe import accounts as stripe_accounts
from discuno.kit import clock, outbox
from discuno.kit.db import session, transaction
from discuno.payouts import accounts
from discuno.payouts.models import MentorStripeAccount, Transfer, TransferStatus

CLOCKS_MAY_DIFFER = timedelta(seconds=5)
JOB_IS_LATE = timedelta(minutes=2)  # promise 1.5: within a minute, and one more
TRANSFER_IS_LATE = timedelta(minutes=15)
RUNS_BY = "Start the processes `worker` and `scheduler` of the Procfile, or run `flask sweep`."


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at and what was seen; `advice` says what to do next where it is not well."""

    about: str
    seen: str
    advice: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be done."""
        return self.advice is None


Findings = Iterator[Finding]


def examine() -> Findings:
    """Every check, in order; what depends on something that is not there is left out."""
    database = list(_database())
    yield from database
    yield from _redis()
    yield from _secrets()
    there = all(finding.is_well for finding in database)
    if there:
        yield from _clock()
        yield from _jobs()
        yield from _transfers()
    platform = list(_asked("Stripe", _platform))
    yield from platform
    if there and platform[0].is_well:
        yield from _accounts()


# Ours


def _database() -> Findings:
    try:
        with transaction() as unit:
            at = unit.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except SQLAlchemyError as error:
        said = str(error).splitlines()[0]
        yield Finding("Database", said, "Check DATABASE_URL, and run `flask db upgrade`.")
        return
    config = current_app.extensions["migrate"].migrate.get_config()
    head = ScriptDirectory.from_config(config).get_current_head()
    advice = None if at == head else "Run `flask db upgrade`."
    yield Finding("Database", f"it answers; its tables are at {at}, and the newest are {head}", advice)


def _redis() -> Findings:
    if queue.is_there():
        yield Finding("Redis", "it answers")
    else:
        advice = "Check REDIS_URL. Nothing is lost meanwhile: work waits in the database."
        yield Finding("Redis", "it does not answer", advice)


def _secrets() -> Findings:
    """That they are there is seen to at the start; here, that they are not each other's."""
    settings: Settings = current_app.extensions["settings"]
    same = settings.stripe_webhook_secret == settings.stripe_connect_webhook_secret
    advice = "Each endpoint has its own secret in Stripe's Dashboard; copy them again." if same else None
    seen = "the platform's and the connected accounts' are the same" if same else "both are there"
    yield Finding("Stripe's webhook secrets", seen, advice)
    missing = [
        name.upper()
        for name in ("resend_webhook_secret", "calcom_webhook_secret", "cron_jwt_secret")
        if getattr(settings, name) is None
    ]
    seen = f"{', '.join(missing)} not set: what they guard answers nobody" if missing else "all are there"
    yield Finding("Other secrets", seen)


def _clock() -> Findings:
    with transaction() as unit:
        theirs: datetime = unit.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        ours, shifted = clock.on_the_wall(clock.now()), clock.now()
    apart = abs(theirs - ours)
    seen = f"this machine and the database are {apart.total_seconds():.1f} s apart"
    yield Finding("Clock", seen, "Set the clocks by NTP." if apart > CLOCKS_MAY_DIFFER else None)
    ahead = shifted - ours
    if abs(ahead) > CLOCKS_MAY_DIFFER:
        live = current_app.extensions["settings"].is_live
        advice = "Set `ahead` in discuno_clock to 0: real money moves by it." if live else None
        yield Finding("Sandbox clock", f"it was moved {ahead} ahead", advice)


def _jobs() -> Findings:
    job = outbox.Job
    late = sa.and_(job.dead_at.is_(None), job.run_at < clock.now() - JOB_IS_LATE)
    idle = sa.or_(job.claimed_until.is_(None), job.claimed_until < clock.now())
    with transaction():
        overdue = _count(sa.select(job.id).where(late, idle))
        dead = session().execute(sa.select(job.task).where(job.dead_at.is_not(None)).distinct()).scalars()
        given_up = ", ".join(sorted(dead))
    seen = f"{overdue} should have run two minutes ago" if overdue else "none is late"
    yield Finding("Jobs", seen, RUNS_BY if overdue else None)
    if given_up:
        advice = "The admin was written to about each; once the cause is gone, set dead_at to null."
        yield Finding("Jobs given up", given_up, advice)


def _transfers() -> Findings:
    late = (
        sa.select(Transfer.id)
        .where(Transfer.blocked_by.is_(None), Transfer.next_try_at < clock.now() - TRANSFER_IS_LATE)
        .where(Transfer.status.in_([TransferStatus.SCHEDULED, TransferStatus.SENDING]))
    )
    with transaction():
        overdue = _count(late)
    seen = (
        f"{overdue} that nothing stands against are a quarter of an hour late" if overdue else "none is late"
    )
    yield Finding("Transfers", seen, RUNS_BY if overdue else None)


def _count(of: sa.Select[int]) -> int:
    return int(session().execute(sa.select(sa.func.count()).select_from(of.subquery())).scalar_one())


# Stripe's


def _asked(about: str, ask: Callable[[], Findings]) -> Findings:
    """What Stripe answers, or that it does not."""
    try:
        yield from ask()
    except (StripeDown, StripeRefused) as error:
        yield Finding(about, str(error), "Check STRIPE_SECRET_KEY and https://status.stripe.com.")


def _platform() -> Findings:
    mode = "live" if stripe_accounts.is_live() else "test"
    yield Finding("Stripe", f"it takes our key, in {mode} mode, API {stripe.API_VERSION}")
    interval = stripe_accounts.payout_interval()
    advice = "Set the platform's payouts to manual in Stripe's Dashboard: held money must not be swept away."
    yield Finding("Platform payouts", f"they are {interval}", None if interval == "manual" else advice)


def _accounts() -> Findings:
    with transaction():
        live = accounts.live()
    wrong = [bad for account in live for bad in _asked(_name(account), partial(_account, account))]
    yield from wrong
    if not wrong:
        yield Finding("Connected accounts", f"{len(live)} looked at, all ours and on manual payouts")


def _name(account: MentorStripeAccount) -> str:
    return f"Account {account.stripe_account_id} of {account.mentor.name}"


def _account(account: MentorStripeAccount) -> Findings:
    """What is wrong with one account."""
    seen = stripe_accounts.look_at_account(account.stripe_account_id, account.api)
    if seen is None:
        yield Finding(_name(account), "it is not connected with us", "Within six hours its row says so too.")
        return
    if seen.mentor_id != account.mentor_id:
        theirs = f"`flask --app wsgi mark-account {account.mentor.username} --reason …` says so"
        advice = f"Nothing is sent there. If it is theirs, {theirs}."
        yield Finding(_name(account), f"it carries the mentor id {seen.mentor_id}", advice)
    interval = stripe_accounts.payout_interval(account.stripe_account_id)
    if interval != "manual":
        advice = "It is set back by itself within six hours; look who changed it in Stripe's Dashboard."
        yield Finding(_name(account), f"its payouts are {interval}, not manual", advice)


@click.command()
@with_appcontext
def doctor() -> None:
    """Look whether this house can do its work; exit 1 when something is to be done."""
    sick = 0
    for finding in examine():
        sick += not finding.is_well
        click.echo(f"{'ok ' if finding.is_well else 'NO '} {finding.about}: {finding.seen}")
        if finding.advice is not None:
            click.echo(f"    {finding.advice}")
    click.echo("All is well." if not sick else f"{sick} {'thing needs' if sick == 1 else 'things need'} you.")
    if sick:
        raise SystemExit(1)
