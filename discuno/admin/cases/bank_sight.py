"""What the pages say on which a bank is answered: how it stands, what it would read, and what would be over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from discuno import policy
from discuno.admin import proposals
from discuno.admin.models import Proposal
from discuno.disputes import answers, dues, evidence, settling
from discuno.disputes.evidence import Field
from discuno.disputes.models import AnswerKind, Dispute, DisputeAnswer, DisputeFile, EvidenceFile
from discuno.disputes.settling import Terms
from discuno.kit import clock
from discuno.kit.money import in_words

READ = "I have read it. The bank takes one answer, and there is no way back."
LET_GO = "The cardholder keeps the money. There is no way back."


@dataclass(frozen=True)
class Standing:
    """A chargeback, and all that we have told the bank or could. `texts` are those of the form."""

    case: Dispute
    told: Sequence[DisputeAnswer]
    files: Sequence[EvidenceFile]
    texts: Mapping[str, str]
    sent_by_people: Sequence[DisputeFile]
    proposal: Proposal | None

    @property
    def why_not(self) -> str | None:
        """Why nothing can be told now, or None."""
        return answers.why_not(self.case, self.told)

    @property
    def is_busy(self) -> bool:
        """Whether something is on its way to Stripe."""
        return answers.under_way(self.told)

    @property
    def staged(self) -> DisputeAnswer | None:
        """The evidence that lies at Stripe, or is on its way there."""
        return answers.staged(self.told)

    @property
    def final(self) -> DisputeAnswer | None:
        """The answer to what the bank asks now, if it was given."""
        return answers.final(self.case, self.told)

    @property
    def says(self) -> tuple[str, str] | None:
        """The tone and the sentence of how it stands, when nothing is to be done here."""
        if not self.case.is_open:
            return self.case.status.tone, self.case.status.sentence
        given = self.final or (self.told[-1] if self.told and self.why_not is not None else None)
        if given is not None and given.kind in answers.FINAL:
            return given.kind.tone, given.kind.sentence
        return ("plain", self.why_not) if self.why_not is not None else None

    @property
    def due(self) -> dues.Due:
        """Whose turn it is, and until when."""
        return dues.of(self.case)

    @property
    def time_left(self) -> str:
        """3 days left, as long as an answer of ours is waited for and not given."""
        return "" if self.final is not None else dues.in_words(self.due, clock.now())

    @property
    def total(self) -> int:
        """How many characters the texts have together."""
        return sum(map(len, self.texts.values()))

    def file(self, name: str) -> EvidenceFile | None:
        """The file in one of Stripe's fields."""
        return next((file for file in self.files if file.field == name), None)

    def was_refused(self, file: EvidenceFile) -> bool:
        """Whether Stripe did not take it."""
        return answers.was_refused(file)

    def has(self, name: str) -> bool:
        """Whether there is something in one of Stripe's fields."""
        return bool(self.texts.get(name)) or self.file(name) is not None

    @property
    def checklist(self) -> list[tuple[str, str, bool]]:
        """What helps with this reason: the field, what people call it, and whether it is there."""
        return [(name, evidence.LABELS[name], self.has(name)) for name in evidence.helps(self.case)]

    @property
    def groups(self) -> list[tuple[str, list[Field]]]:
        """The texts of the form: what helps with this reason, and the rest."""
        first = evidence.helps(self.case)
        helping = [field for field in evidence.TEXTS if field.name in first or field.name in ALWAYS]
        others = [field for field in evidence.TEXTS if field not in helping]
        return [("In words", helping), ("Other fields", others)]


ALWAYS = ("access_activity_log", "uncategorized_text")


def of(case: Dispute, texts: Mapping[str, str]) -> Standing:
    """How it stands, with these texts in its form."""
    return Standing(
        case,
        answers.of_case(case),
        answers.files_of(case),
        texts,
        answers.sent_by_people(case),
        proposals.of_payment(case.payment),
    )


def as_read(
    told: DisputeAnswer | None, files: Sequence[EvidenceFile]
) -> list[tuple[str, str, EvidenceFile | None]]:
    """Evidence as the bank reads it: what people call each field, its text, or its file."""
    given = told.evidence if told is not None else {}
    by_id = {file.stripe_file_id: file for file in files if file.stripe_file_id is not None}
    names = [field.name for field in (*evidence.TEXTS, *evidence.FILES) if field.name in given]
    return [(evidence.LABELS[name], given[name], by_id.get(given[name])) for name in names]


def was_told(case: Dispute, kind: AnswerKind, nonce: str) -> bool:
    """Whether this wish was heard before: it is told, or waits for a second admin."""
    given = answers.final(case, answers.of_case(case))
    if given is not None or kind != AnswerKind.ACCEPT:
        return given is not None and given.kind == kind
    waiting = proposals.of_payment(case.payment)
    return waiting is not None and bool(nonce) and waiting.terms.get("nonce") == nonce


def why_not_yet(found: Standing, kind: AnswerKind) -> str | None:
    """Why this answer cannot be given now, in a sentence; None when it can."""
    if found.is_busy:
        return answers.UNDER_WAY
    if found.proposal is not None:
        return proposals.WAITS
    if kind == AnswerKind.SUBMIT and found.staged is None:
        return found.why_not or answers.NOT_STAGED
    if kind == AnswerKind.ACCEPT and found.case.is_inquiry:
        return found.why_not or answers.INQUIRY
    return found.why_not


@dataclass(frozen=True)
class Line:
    """One line of what would be over."""

    label: str
    amount: str
    more: str = ""


def what_is_over(case: Dispute) -> Iterator[Line]:
    """What it means not to contest it. Nothing moves at that moment: the bank has the money already."""
    seen = settling.sight(case.payment, Terms())
    name = case.payment.booking.mentor.name
    yield Line("The bank keeps", in_words(case.amount, case.currency), "taken when the case was opened")
    yield Line(f"{name}’s share is then", in_words(seen.mentor, seen.currency), "as now")
    yield Line("We then keep", in_words(seen.ours, seen.currency), "as now")


def moves(case: Dispute) -> str:
    """The line that an admin agrees to."""
    return settling.sight(case.payment, Terms()).moves


def needs_two(case: Dispute) -> bool:
    """Whether not contesting it takes a second admin."""
    return policy.needs_second_admin(case.amount, case.currency)
