"""How Cal.com speaks: envelopes, refusals, times, and bodies read strictly."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Response, jsonify, request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationError

Body = TypeVar("Body", bound=BaseModel)

REASONS = {
    400: ("BadRequestException", "Bad Request"),
    401: ("UnauthorizedException", "Unauthorized"),
    403: ("ForbiddenException", "Forbidden"),
    404: ("NotFoundException", "Not Found"),
    422: ("UnprocessableEntityException", "Unprocessable Entity"),
    429: ("ThrottlerException", "Too Many Requests"),
}


@dataclass
class Refusal(Exception):
    """A request Cal.com would answer with an error; `faults` lists what validation found."""

    status: int
    message: str
    faults: list[str] | None = None


def success(data: Any, status: int = 200, **beside: Any) -> Response:
    """The success envelope; `beside` stands next to `data`, as `pagination` does."""
    response = jsonify({"status": "success", "data": data, **beside})
    response.status_code = status
    return response


def refuse(refusal: Refusal) -> Response:
    """The error envelope."""
    code, reason = REASONS[refusal.status]
    details = {
        "message": refusal.faults or refusal.message,
        "error": reason,
        "statusCode": refusal.status,
    }
    response = jsonify(
        {
            "status": "error",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "path": request.full_path.removeprefix("/calcom").rstrip("?"),
            "error": {"code": code, "message": refusal.message, "details": details},
        }
    )
    response.status_code = refusal.status
    return response


def iso(moment: int) -> str:
    """Unix seconds as Cal.com writes them: UTC with milliseconds and a Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def parse_moment(text: object) -> int:
    """Unix seconds of an ISO 8601 text that names its offset; ValueError otherwise."""
    if not isinstance(text, str):
        raise ValueError("must be a valid ISO 8601 date string")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("must be in UTC, ending in Z, or name its offset")
    return int(moment.timestamp())


def known_zone(name: str) -> str:
    """The name itself if it is an IANA zone; ValueError otherwise."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("must be a valid IANA time-zone") from error
    return name


Moment = Annotated[int, BeforeValidator(parse_moment)]
Zone = Annotated[str, AfterValidator(known_zone)]


def read(shape: type[Body]) -> Body:
    """The request's JSON body in the given shape; 400 with every fault listed if it does not fit."""
    try:
        return shape.model_validate(request.get_json(silent=True) or {})
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]
        raise Refusal(400, ", ".join(faults), faults) from error


def query(name: str, parse: Callable[[str], Any], default: Any = None) -> Any:
    """A query parameter, parsed; 400 naming it when it does not parse."""
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise Refusal(400, f"{name}: {error}", [f"{name}: {error}"]) from error
