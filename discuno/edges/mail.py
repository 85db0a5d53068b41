"""What every carrier of letters is given, and the six ways in which it does not just take it.

CarrierUnsure: nobody knows whether it was taken; with a key, ask again under the same. CarrierBusy: it was not, and
may be later. QuotaSpent: not before tomorrow. CarrierRefused: a definite no. CarrierClosed: to
whatever we send, until somebody mends it. SentBefore: it was taken under this key
already, and only the answer was lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class CarrierUnsure(Exception):
    """No answer, or trouble on their side: it may have been taken."""


class CarrierBusy(Exception):
    """It was not taken, because there was nobody to take it, or too much to do."""


class QuotaSpent(CarrierBusy):
    """Nothing more is taken from us today, or this month."""


class CarrierRefused(Exception):
    """A definite no, in the carrier's words."""


class CarrierClosed(CarrierRefused):
    """It does not know us: the key is wrong, or the domain that letters come from is not ours there."""


class SentBefore(Exception):
    """The key was used for other words: what the letter tells has moved on since the answer was lost."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter; its type may carry parameters."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class OutgoingLetter:
    """One letter, ready to be handed over."""

    sender: str
    to: str
    reply_to: str
    subject: str
    html: str
    text: str
    tags: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()
