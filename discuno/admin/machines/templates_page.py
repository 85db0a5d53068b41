"""/admin/emails/templates: every letter that there is, as it would look, told of people whom there are not."""

from collections.abc import Iterable

from flask import Response, current_app

from discuno.admin import desk
from discuno.admin.machines import letter_uses, sealed
from discuno.admin.machines.samples import EMPTY, NOBODY, SAMPLES, world
from discuno.admin.machines.stage import stage
from discuno.kit import clock
from discuno.kit.errors import NotFound
from discuno.notifications import addresses, letters
from discuno.notifications.letters import LETTERS, Drawn, Letter
from discuno.notifications.models import MailAddress

READERS = ("the attendee", "the mentor", "the admin")  # first

bp = desk.private("admin_letter_templates", __name__, "/admin/emails/templates")


@bp.get("")
def index() -> Response:
    """All of them, by who reads them."""
    return desk.page(
        "admin/_letter_templates.html",
        "Templates of letters",
        templates=LETTERS,
        readers=_by_reader(),
        written=_written(LETTERS),
        uses=letter_uses.lately(),
        domain=current_app.config["EMAIL_FROM_DOMAIN"],
    )


@bp.get("/<name>")
def show(name: str) -> Response:
    """One letter in all its forms."""
    words = _letter(name)
    order = [each for names in _by_reader().values() for each in names]
    place = order.index(name)
    response = desk.page(
        "admin/_letter_template.html",
        f"Letter {name}",
        name=name,
        template=LETTERS[name],
        letter=words,
        drawn=drawn(name, words) if words is not None else None,
        use=letter_uses.lately().get(name),
        domain=current_app.config["EMAIL_FROM_DOMAIN"],
        before=order[place - 1] if place else None,
        after=order[place + 1] if place + 1 < len(order) else None,
    )
    return sealed.page(response)


@bp.get("/<name>/html")
def as_html(name: str) -> Response:
    """The letter as a mail program would draw it."""
    words = _letter(name)
    if words is None:
        raise NotFound
    return sealed.letter(drawn(name, words).html)


def _by_reader() -> dict[str, list[str]]:
    """All letters by who reads them, in the order of the samples: as they come to a booking."""
    told = [
        *(name for name in SAMPLES if name in LETTERS),
        *(name for name in LETTERS if name not in SAMPLES),
    ]
    groups: dict[str, list[str]] = {reader: [] for reader in READERS}
    for name in told:
        groups.setdefault(LETTERS[name].reader, []).append(name)
    return groups


def _letter(name: str) -> Letter | None:
    """It in words, or None when no sample is made for it. Raises NotFound."""
    if name not in LETTERS:
        raise NotFound
    return _written([name]).get(name)


def _written(names: Iterable[str]) -> dict[str, Letter]:
    """These letters, of the samples; those without a sample are left out."""
    told = [name for name in names if name in SAMPLES]
    with stage(world(clock.now()), EMPTY):
        return {name: letters.write(name, {LETTERS[name].about: SAMPLES[name]}) for name in told}


def drawn(name: str, words: Letter) -> Drawn:
    """The letter as it is sent; one that can be declined leads to the choices of nobody."""
    choices = addresses.path(MailAddress(id=NOBODY)) if LETTERS[name].optional is not None else None
    return letters.render(words, current_app.config["BASE_URL"], choices)
