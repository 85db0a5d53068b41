"""Errors that are meant for the person who caused them."""


class DomainError(Exception):
    """An expected no. The message is shown to the person as it stands."""

    def __init__(self, message: str, *, status: int = 422, heading: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.heading = heading


class NotFound(DomainError):
    """The thing is not there, or not theirs: the answer is the same."""

    def __init__(self, message: str = "There is nothing at this address.") -> None:
        super().__init__(message, status=404, heading="Not found")
