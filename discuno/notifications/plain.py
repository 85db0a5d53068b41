"""Plain text for letters: 72 columns wide, whatever is too long for that on a line of its own, and never broken."""

import re
from textwrap import TextWrapper

WIDTH = 72
HANG = 4  # what goes on of a fact stands this far in, so that nothing typed can pass for a line of ours
BEFORE_A_NAME = re.compile(r" (?=\S+:(\s|$))")  # nor can the end of somebody's name: no line is broken here
GLUE = "\0"


def wrapped(sentence: str, indent: int = 0, hang: int = 0) -> str:
    """A sentence over as many lines as it needs; those after the first stand further in by `hang`."""
    wrapper = TextWrapper(
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.fill(BEFORE_A_NAME.sub(GLUE, sentence)).replace(GLUE, " ")


def fact(name: str, value: str) -> str:
    """A name and what it is; every further line of it stands in."""
    first, *more = value.splitlines() or [""]
    return "\n".join([wrapped(f"{name}: {first}", hang=HANG), *(wrapped(line, indent=HANG) for line in more)])


def tidy(text: str) -> str:
    """No spaces at the end of a line, never two empty lines in a row, and one line break at the end."""
    bare = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", bare).strip("\n") + "\n"
