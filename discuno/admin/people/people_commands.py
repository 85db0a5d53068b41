"""Commands of the operator about people: admins, support, their second factor, and a mentor who is invited."""

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app
from flask.cli import with_appcontext

from discuno import journey
from discuno.accounts import service as accounts
from discuno.accounts.models import STAFF, Role
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.kit.text import one_line

OPERATOR, COMMAND = "operator", "on the command line"


class Address(click.ParamType[str]):
    """An e-mail address, in lower case."""

    name = "email"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address, checked as in our forms: by its syntax alone."""
        try:
            return validate_email(str(value), check_deliverability=False).normalized.lower()
        except EmailNotValidError as error:
            self.fail(str(error), param, ctx)


def register(app: Flask) -> None:
    """Give the app these commands."""
    for command in (create_admin, reset_second_factor, invite_mentor):
        app.cli.add_command(command)


@click.command("create-admin")
@click.argument("email", type=Address())
@click.option("--name", default="", help="As it is shown; the address, if not given.")
@click.option("--support", is_flag=True, help="They see everything and change nothing.")
@with_appcontext
def create_admin(email: str, name: str, support: bool) -> None:
    """Let somebody look after payments. They sign in by letter, at /sign-in, and set up an authenticator app."""
    role = Role.SUPPORT if support else Role.ADMIN
    try:
        with transaction():
            is_new = journey.add_staff(email, one_line(name) or email, role, COMMAND, OPERATOR)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    there = f"{current_app.config['BASE_URL']}/sign-in"
    what = "support" if support else "an admin"
    click.echo(f"{email} is {what} {'now' if is_new else 'already'}, and signs in at {there}.")


@click.command("reset-second-factor")
@click.argument("email", type=Address())
@click.option("--reason", required=True, help="Why; the audit log keeps it.")
@with_appcontext
def reset_second_factor(email: str, reason: str) -> None:
    """For who has lost phone and paper: they are signed out everywhere, and set up another app when they come."""
    with transaction():
        user = accounts.by_email(email)
    if user is None or user.role not in STAFF:
        raise click.ClickException(f"Nobody who looks after payments has the address {email}.")
    try:
        with transaction():
            is_done = journey.reset_second_factor(journey.person(user.id), reason, OPERATOR)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    click.echo(
        f"{email} is signed out everywhere, and sets up another app within ten minutes of signing in by letter."
        if is_done
        else f"{email} has no authenticator app."
    )


@click.command("invite-mentor")
@click.argument("email", type=Address())
@click.argument("name")
@with_appcontext
def invite_mentor(email: str, name: str) -> None:
    """Ask somebody to be a mentor: a letter goes to them, with a link that works for seven days."""
    if not one_line(name):
        raise click.BadParameter("give the name that attendees will read", param_hint="NAME")
    try:
        with transaction():
            journey.invite(one_line(name), email, OPERATOR)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    click.echo(f"The invitation of {one_line(name)} is on its way to {email}.")
