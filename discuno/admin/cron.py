"""The door for a scheduler outside: one signed call does what the release run does by itself."""

import structlog
from flask import Blueprint, Response, current_app, jsonify, request

from discuno.admin import tokens
from discuno.admin.tokens import BadToken
from discuno.kit import security
from discuno.kit.db import transaction
from discuno.payouts.release import release

bp = security.open_to("machine", Blueprint("cron", __name__, url_prefix="/cron"))
log = structlog.get_logger()

SECONDS = 20.0  # Heroku's router gives up on a request after 30
SCHEME = "Bearer "


@bp.route("/transfer-funds", methods=["GET", "POST"])
def transfer_funds() -> Response:
    """Transfer what is due. Whoever has no good token learns nothing but that."""
    secret = current_app.extensions["settings"].cron_jwt_secret
    if secret is None:
        return _answer(Response(status=404))
    try:
        _let_in(secret.get_secret_value())
    except BadToken as why:
        log.warning("cron_refused", why=str(why))
        return _answer(Response(status=401, headers={"WWW-Authenticate": SCHEME.strip()}))
    run = release(SECONDS)
    return _answer(jsonify(processed=run.processed, failed=run.failed, total=run.total))


def _let_in(secret: str) -> None:
    """Use the caller's token up. Raises BadToken."""
    given = request.headers.get("Authorization", "")
    if not given.startswith(SCHEME):
        raise BadToken("no token")
    with transaction():  # and so the clock is the database's
        token = tokens.read(given.removeprefix(SCHEME), secret)
        if not tokens.use(token):
            raise BadToken(f"{token.jti} was used before")


def _answer(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
