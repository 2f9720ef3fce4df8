"""What the pictures share: text that cannot become markup, and a picture as an address."""

from base64 import b64encode
from html import escape

TEXT = """
text{font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1f2328}
.small{font-size:10px;fill:#57606a}
"""


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Write words at a place, in the class of style named."""
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.0f}" y="{y:.0f}">{safe(words)}</text>'


def safe(words: str) -> str:
    """Keep a name from becoming markup; what no file of XML can hold is shown as a code."""
    told = words.encode("utf-8", "backslashreplace").decode()
    return escape("".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in told))


def cut_to(letters: int, words: str) -> str:
    """Cut words to so many letters, and show that they were."""
    return words if len(words) <= letters else f"{words[: letters - 1]}…"


def as_data_url(picture: str) -> str:
    """Write a picture as an address that holds all of it: nothing has to be fetched to see it."""
    return f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode('ascii')}"
