"""Names that agents, specs and rows carry and that must stay data."""

HOSTILE_IDS = (
    "../../etc",
    "-rf",
    "--output=owned",
    "ws 1;rm",
    "ws-$(touch owned)",
    "ws-ü",
    "ws-'\"",
    "ws\n2",
    "",
    ".",
    "a" * 300,
)
