"""Words that people type, made fit for the places where they are shown."""

import unicodedata


def one_line(value: str | None) -> str:
    """Trimmed, on one line, without characters that print nothing: for mail headers and calendar files."""
    return " ".join("".join(c for c in value or "" if c.isprintable() or c.isspace()).split())


def as_typed(value: str) -> str:
    """With its lines, and without the characters that steer a terminal or a printer."""
    lines = ("".join(c for c in line if unicodedata.category(c) != "Cc") for line in value.splitlines())
    return "\n".join(lines)


def apart(value: str) -> str:
    """What somebody typed from right to left, kept from turning round what stands beside it in the same line."""
    from_the_right = any(unicodedata.bidirectional(c) in ("R", "AL") for c in value)
    return f"\N{FIRST STRONG ISOLATE}{value}\N{POP DIRECTIONAL ISOLATE}" if from_the_right else value
