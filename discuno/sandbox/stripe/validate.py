"""Checks parameters against the SDK's own typed dictionaries, with their literals taken as closed.

Values may be Python's (in contract tests) or the strings of a form (in the stand-in).
"""

import re
import types
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe._request_options import RequestOptions
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import get_type_hints, is_typeddict

from discuno.sandbox.stripe.errors import BadParam

OPTIONS = frozenset(RequestOptions.__annotations__)  # keys of the SDK's own, never sent
UNIMPORTED = {"StripeContext": object, "Mapping": Mapping}  # names its options use and do not import


def check(params_type: type, params: dict[str, Any]) -> None:
    """Raise BadParam when Stripe would refuse these parameters for their names or types."""
    clean(params_type, params)


def clean(params_type: Any, params: Any) -> dict[str, Any]:
    """The parameters with form strings turned into what their types say, or BadParam."""
    return _typed_dict(params_type, params, "")


@cache
def _fields(params_type: type) -> dict[str, Any]:
    hints = get_type_hints(params_type, localns=UNIMPORTED, include_extras=True)
    return {name: hint for name, hint in hints.items() if name not in OPTIONS}


@cache
def _required(params_type: type) -> frozenset[str]:
    return frozenset(n for n, hint in _fields(params_type).items() if get_origin(hint) is not NotRequired) & (
        getattr(params_type, "__required_keys__", frozenset())
    )


def _typed_dict(hint: type, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadParam("Invalid object", path)
    fields = _fields(hint)
    for name in value:
        if name not in fields:
            raise BadParam(
                f"Received unknown parameter: {_join(path, name)}", _join(path, name), "parameter_unknown"
            )
    for name in sorted(_required(hint)):
        if name not in value:
            where = _join(path, name)
            raise BadParam(f"Missing required param: {where}.", where, "parameter_missing")
    return {name: _value(fields[name], item, _join(path, name)) for name, item in value.items()}


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _value(hint: Any, value: Any, path: str) -> Any:
    origin = get_origin(hint)
    if origin in (NotRequired, Required, Annotated):
        return _value(get_args(hint)[0], value, path)
    if origin in (Union, types.UnionType):
        return _union(hint, value, path)
    if origin is Literal:
        return _literal(get_args(hint), value, path)
    if origin in (list, dict):
        return (_list if origin is list else _dict)(get_args(hint), value, path)
    if is_typeddict(hint):
        return _typed_dict(hint, value, path)
    scalar = SCALARS.get(hint)
    return scalar(value, path) if scalar else value


@cache
def _choices(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a union; an open `str` beside named values is left out."""
    flat: list[Any] = []
    for choice in get_args(hint):
        flat += _choices(choice) if get_origin(choice) in (Union, types.UnionType) else [choice]
    named = any(get_origin(c) is Literal and any(get_args(c)) for c in flat)
    return tuple(
        c for c in flat if get_origin(c) is not UntypedStripeObject and c is not UntypedStripeObject
        and not (named and c is str)
    )  # fmt: skip


def _union(hint: Any, value: Any, path: str) -> Any:
    failures = []
    for choice in sorted(_choices(hint), key=lambda c: c is str):
        try:
            return _value(choice, value, path)
        except BadParam as failure:
            failures.append((_fits(choice, value), failure))
    raise max(failures, key=lambda pair: pair[0])[1]


def _fits(choice: Any, value: Any) -> int:
    """How much the value looks like this alternative, so that the most useful refusal is told."""
    structured = is_typeddict(choice) or get_origin(choice) in (list, dict)
    if isinstance(value, dict | list):
        return 2 if structured else 0
    return 0 if structured else 1


def _literal(allowed: tuple[Any, ...], value: Any, path: str) -> Any:
    if value not in allowed:
        raise BadParam(f"Invalid {path}: must be one of {', '.join(map(str, allowed))}", path)
    return value


def _list(args: tuple[Any, ...], value: Any, path: str) -> list[Any]:
    if isinstance(value, dict) and value and all(str(key).isdigit() for key in value):
        value = [value[key] for key in sorted(value, key=int)]  # a form's a[0], a[1]
    if not isinstance(value, list | tuple):
        raise BadParam("Invalid array", path)
    return [_value(args[0], item, _join(path, str(i))) for i, item in enumerate(value)]


def _dict(args: tuple[Any, ...], value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadParam("Invalid object", path)
    if path.endswith("metadata") or path.endswith("[metadata]"):
        return _metadata(value, path)
    return {str(key): _value(args[1], item, _join(path, str(key))) for key, item in value.items()}


def _metadata(value: dict[str, Any], path: str) -> dict[str, Any]:
    if len(value) > 50:
        raise BadParam("Metadata may hold at most 50 keys", path)
    for key, item in value.items():
        where = _join(path, str(key))
        if not isinstance(item, str):
            raise BadParam("Metadata values must be strings", where)
        if len(str(key)) > 40 or len(item) > 500:
            raise BadParam("Metadata keys have at most 40 characters and values at most 500", where)
    return value


def _int(value: Any, path: str) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
        raise BadParam(f"Invalid integer: {value}", path, "parameter_invalid_integer")
    return int(value)


def _bool(value: Any, path: str) -> bool:
    if value in (True, False) and isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise BadParam(f"Invalid boolean: {value}", path)
    return bool(value == "true")


def _str(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise BadParam("Invalid string", path)
    if not value:
        raise BadParam(
            f"You passed an empty string for '{path}', which cannot be unset.",
            path,
            "parameter_invalid_empty",
        )
    return value


def _number(value: Any, path: str) -> Any:
    try:
        Decimal(str(value))
    except InvalidOperation:
        raise BadParam(f"Invalid decimal: {value}", path) from None
    return value


def _null(value: Any, path: str) -> None:
    if value is not None:
        raise BadParam("Invalid value", path)


SCALARS: dict[Any, Callable[[Any, str], Any]] = {
    int: _int,
    bool: _bool,
    str: _str,
    float: _number,
    Decimal: _number,
    type(None): _null,
}
