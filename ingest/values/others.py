"""Yes and no, and UUIDs."""

from ingest.values.text import matches

CROSSES = ("x", "✓", "✔", "☑")
"""Marks of a filled-in form, where an empty cell says no."""
YES = ("true", "t", "yes", "y", "1", "on", "ja", "j", "wahr", "oui", "vrai", "si", "sí", "sì", "verdadero", "vero", "sim", "verdadeiro", "tak", "prawda", "waar", "sand", "sant", "kyllä", "tosi", "já")
NO = ("false", "f", "no", "n", "0", "off", "nein", "falsch", "non", "faux", "falso", "não", "nao", "nie", "fałsz", "nee", "onwaar", "nej", "nei", "falsk", "usann", "ei", "epätosi")
UUID_FORM = r"\{?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\}?"


def is_cross(text: str) -> str:
    """Whether the cell is crossed or ticked."""
    return f"lower({text}) in {CROSSES}"


def to_bool(text: str) -> str:
    """True or false, null for anything else."""
    return f"case when lower({text}) in {YES} then true when lower({text}) in {NO} then false end"


def to_uuid(text: str) -> str:
    """A UUID, null for anything else."""
    return f"case when {matches(text, UUID_FORM)} then try_cast({text} as uuid) end"
