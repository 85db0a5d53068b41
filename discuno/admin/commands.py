"""Commands of the operator about the books and about what a person has to decide: see `flask --help`."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from discuno import journey, policy
from discuno.admin import tokens
from discuno.admin.books import at_stripe
from discuno.admin.books import invariants as doors
from discuno.admin.books import reconcile as walks
from discuno.admin.books.invariants import Finding
from discuno.admin.money import sums_jobs
from discuno.cli import duration
from discuno.disputes.jobs import locked_case
from discuno.disputes.models import Decision, Dispute, DisputeKind
from discuno.journey import levers
from discuno.kit import clock
from discuno.kit.db import session, transaction
from discuno.kit.errors import DomainError
from discuno.kit.money import in_words
from discuno.mentors import service as mentors
from discuno.payouts import onboarding
from discuno.payouts import service as payouts

DECISIONS = {str(each): each for each in (Decision.REFUNDED, Decision.RELEASED)}


class Duration(click.ParamType[timedelta]):
    """90s, 15m, 72h or 3d."""

    name = "duration"

    def convert(self, value: object, _param: object, _ctx: object) -> timedelta:
        """The timedelta that the text means."""
        return value if isinstance(value, timedelta) else duration(str(value))


def register(app: Flask) -> None:
    """Give the app these commands."""
    for command in (
        invariants,
        reconcile,
        cron_token,
        retry_transfer,
        mark_account,
        decide_report,
        rebuild_sums,
    ):
        app.cli.add_command(command)


@click.command("rebuild-sums")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day of UTC on; else from the first."
)
@with_appcontext
def rebuild_sums(since: datetime | None) -> None:
    """Sum the days that are over anew from the books, for the revenue page. Safe at any time."""
    sums_jobs.rebuild(since.replace(tzinfo=UTC).date() if since is not None else None)
    click.echo("Every day that is over was summed again.")


@click.command("retry-transfer")
@click.argument("transfer_id", type=int)
@click.option("--reason", prompt=True, help="Why; kept in the audit log.")
@with_appcontext
def retry_transfer(transfer_id: int, reason: str) -> None:
    """Try a transfer again that Stripe has refused three times; its number is in the letter that said so."""
    try:
        with transaction():
            transfer = payouts.locked_transfer(transfer_id)
            levers.retry(transfer, reason, "operator")
            stands = transfer.blocked_by
    except DomainError as error:
        raise click.ClickException(error.message) from error
    click.echo(
        "It is tried again within seconds." if stands is None else f"Something stands against it: {stands}."
    )


@click.command("decide-report")
@click.argument("dispute_id", type=int)
@click.argument("decision", type=click.Choice(list(DECISIONS)))
@click.option("--reason", prompt=True, help="Why; both sides read it, and it is kept in the audit log.")
@with_appcontext
def decide_report(dispute_id: int, decision: str, reason: str) -> None:
    """End an attendee's report: all of the money back, or to the mentor. Its number is in the letter about it."""
    try:
        with transaction():
            case = _open_report(dispute_id)
            if policy.needs_second_admin(case.amount, case.currency):
                raise DomainError(f"Two admins decide about so much: see /admin/disputes/{dispute_id}.")
            journey.decide_report(case, DECISIONS[decision], reason.strip(), "operator")
            amount = in_words(case.amount, case.currency)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"Decided: {amount} {DECISIONS[decision].label.lower()}. Both sides are told.")


def _open_report(dispute_id: int) -> Dispute:
    """The report, locked. Raises DomainError for what is none, or is decided."""
    found = session().get(Dispute, dispute_id)
    if found is None or found.kind != DisputeKind.REPORT:
        raise DomainError(f"There is no report {dispute_id}.")
    case = locked_case(dispute_id)
    if not case.is_open:
        raise DomainError(f"It is decided already: {case.decision}, because: {case.decision_reason}")
    return case


@click.command("mark-account")
@click.argument("username")
@click.option("--reason", prompt=True, help="How you know that it is theirs; kept in the audit log.")
@with_appcontext
def mark_account(username: str, reason: str) -> None:
    """Vouch that a mentor's Stripe account is theirs, when `doctor` says that it carries no mark of ours."""
    try:
        with transaction():
            mentor_id = mentors.by_username(username).id
        click.echo(onboarding.mark_account(mentor_id, "operator", reason))
    except DomainError as error:
        raise click.ClickException(error.message) from error


@click.command("cron-token")
@with_appcontext
def cron_token() -> None:
    """Print a token for /cron/transfer-funds: good for one call within five minutes."""
    secret = current_app.extensions["settings"].cron_jwt_secret
    if secret is None:
        raise click.ClickException("CRON_JWT_SECRET is not set, so there is no cron door to open.")
    with transaction():  # and so the clock is the database's
        token = tokens.mint(secret.get_secret_value())
    click.echo(token)


@click.command()
@click.option("--since", type=Duration(), help="Only payments made since then, e.g. 30d. All, if not given.")
@click.option(
    "--quiet-since",
    type=Duration(),
    default=timedelta(hours=24),
    show_default="24h",
    help="What was begun longer ago than this should have come to an end.",
)
@click.option("--stripe", is_flag=True, help="Ask Stripe as well: transfers and balances.")
@with_appcontext
def invariants(since: timedelta | None, quiet_since: timedelta, stripe: bool) -> None:
    """Ask the rows whether every promise holds. Exit 1, with the rows at fault, when one does not."""
    begin = clock.now() - since if since is not None else None
    findings = [*doors.look(begin, quiet_since), *(at_stripe.look(begin) if stripe else ())]
    for finding in findings:
        _say(finding)
    if any(finding.violations for finding in findings):
        raise click.exceptions.Exit(1)


def _say(finding: Finding) -> None:
    check, wrong = finding.check, finding.violations
    verdict = "ok" if not wrong else f"{len(wrong)} AT FAULT"
    click.echo(f"{check.name:<4}{verdict:<12}{finding.looked_at:>8} rows  {check.says}.")
    for violation in wrong:
        click.echo(f"      {violation}")
    if check.note:
        click.echo(f"      ({check.note})")


@click.command()
@click.option(
    "--since", type=Duration(), default=walks.WINDOW, show_default="7d", help="How far to look back."
)
@click.option("--accept", type=int, help="The number of a drift that is as it should be.")
@click.option("--reason", default="", help="Why it is; kept in the audit log.")
@with_appcontext
def reconcile(since: timedelta, accept: int | None, reason: str) -> None:
    """Compare our rows and books with Stripe's, repair what is provably ours. Exit 1 while anything differs."""
    if accept is not None:
        try:
            walks.accept(accept, "operator", reason)
        except DomainError as error:
            raise click.ClickException(error.message) from error
    for step, looked, repaired in _steps(since):
        click.echo(f"{step:<26}{looked:>7} looked at{repaired:>6} repaired")
    drift = walks.open_drift()
    for line in drift:
        click.echo(f"DRIFT {line}")
    if drift:
        raise click.exceptions.Exit(1)
    click.echo("No drift: ours and Stripe's agree to the cent.")


def _steps(since: timedelta) -> Iterator[tuple[str, int, int]]:
    """Each step's sums, once it is over; the pages of a long one are counted on the terminal meanwhile."""
    for step, pages in groupby(walks.run(since), key=lambda told: told[0]):
        looked = repaired = 0
        for _, done in pages:
            looked, repaired = looked + done.looked, repaired + done.repaired
            if sys.stderr.isatty():
                click.echo(f"\r{step}: {looked} …\r", err=True, nl=False)
        yield step, looked, repaired
