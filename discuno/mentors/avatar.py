"""A drawn avatar for everybody: initials on a quiet ground whose colour comes from the name."""

from hashlib import sha256
from xml.sax.saxutils import escape

GROUNDS = (
    ("#e3f0e9", "#0d6a4d"),
    ("#e4eef8", "#23588f"),
    ("#fbf0d9", "#8a5a00"),
    ("#f3e6f0", "#7a2f66"),
    ("#e9e7f7", "#463f99"),
    ("#fbe6e3", "#9c3026"),
)


def initials(name: str) -> str:
    """The first letters of the first and last word."""
    words = name.split()
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[0] for word in words[:1]]
    return "".join(letters).upper() or "?"


def draw(name: str) -> str:
    """An SVG picture of 96 by 96."""
    seed = sha256(name.encode()).digest()
    ground, ink = GROUNDS[seed[3] % len(GROUNDS)]
    x, y, r = 20 + seed[1] % 56, 12 + seed[2] % 40, 34 + seed[0] % 22
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">'
        f'<rect width="96" height="96" fill="{ground}"/>'
        f'<circle cx="{x}" cy="{y}" r="{r}" fill="{ink}" opacity=".1"/>'
        f'<circle cx="{96 - x}" cy="{110 - y}" r="{r // 2 + 12}" fill="{ink}" opacity=".12"/>'
        '<text x="48" y="60" text-anchor="middle" font-family="Georgia, serif" font-weight="700" '
        f'font-size="34" fill="{ink}">'
        f"{escape(initials(name))}</text></svg>"
    )
