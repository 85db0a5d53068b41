"""Stripe's form encoding: `a[b][0][c]=1` becomes nested dictionaries; types come later."""

import re
from collections.abc import Iterable
from typing import Any

from discuno.sandbox.stripe.errors import BadParam


def nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """One dictionary from the pairs of a form or a query string; arrays keep their indexes as keys."""
    tree: dict[str, Any] = {}
    for key, value in pairs:
        head, *rest = re.findall(r"^[^\[]+|(?<=\[)[^\]]*(?=\])", key)
        _plant(tree, [head, *rest], value, key)
    return tree


def _plant(tree: dict[str, Any], path: list[str], value: Any, key: str) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step or str(len(tree)), {})
        if not isinstance(tree, dict):
            raise BadParam("Invalid object", key)
    tree[path[-1] or str(len(tree))] = value
