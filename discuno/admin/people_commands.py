"""Commands of the operator about people: the first admin, and a mentor who is invited."""

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app
from flask.cli import with_appcontext

from discuno import journey
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.kit.text import one_line

OPERATOR = "operator"


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
    for command in (create_admin, invite_mentor):
        app.cli.add_command(command)


@click.command("create-admin")
@click.argument("email", type=Address())
@click.option("--name", default="", help="As it is shown; the address, if not given.")
@with_appcontext
def create_admin(email: str, name: str) -> None:
    """Let somebody look after payments. They sign in by letter, at /sign-in."""
    try:
        with transaction():
            is_new = journey.make_admin(email, one_line(name) or email, OPERATOR)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    there = f"{current_app.config['BASE_URL']}/sign-in"
    click.echo(f"{email} is an admin {'now' if is_new else 'already'}, and signs in at {there}.")


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
