"""What has to hold for every row of this kind of usage, beside what is always checked: listed, added in a form, taken away again."""

from collections.abc import Callable

import streamlit as st

from ingest import imports
from ingest.check.checks import CHECKS
from pages.parts import errors
from pages.parts.ask import ask
from pages.parts.text import plain
from pages.usage.steps import fixing, words
from pages.usage.steps.aside import aside
from schemas.check_setting import CheckSetting
from schemas.event_type import ROOT_FIELDS
from schemas.matching import MatchSpec
from schemas.records import ImportRecord

LEVELS = {"error": "needs fixing before it goes", "warning": "has to be confirmed by somebody", "note": "is only noted", "off": "isn't looked for"}
USUAL, FEW = 0.01, 50
"""A text that stands in such a share of the rows is proposed as an allowed one, where there are so many at most."""
Filled = tuple[str, CheckSetting] | None
"""The name of a check and how it is set; None while something is missing."""


def show(record: ImportRecord, who: str, *, editable: bool) -> None:
    """Draws the tab."""
    aside("Dates, numbers, customers, repeated rows and much more are always checked. What you add here holds for this kind of usage, and stays when you keep the set-up.")
    for name, setting in record.match.checks.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"- {in_words(name, setting)}")
            if editable and st.button("Remove", key=f"check_off_{record.id}_{name}"):
                _set(record, name, None, who)
    if editable:
        _add(record, who)


def in_words(name: str, setting: CheckSetting) -> str:
    """One check as a sentence, as Markdown."""
    called, _, field = name.partition(".")
    check = next(each for each in CHECKS.values() if called in (each.called, each.code))
    level = LEVELS[setting.severity or check.severity]
    said = f"**{words.field(field)}**" if field else ""
    if called in _SENTENCES:
        return f"{said} {_SENTENCES[called](setting)}; a row for which that doesn't hold {level}.".strip()
    return f"{plain(check.title)}{f' in {said}' if said else ''}: {level}."


def _between(setting: CheckSetting, unit: str = "") -> str:
    sides = [f"{word} {plain(text)}{unit}" for word, text in (("at least", setting.min), ("at most", setting.max)) if text]
    return " and ".join(sides)


_SENTENCES: dict[str, Callable[[CheckSetting], str]] = {
    "allowed": lambda setting: f"is one of {words.listed(setting.values, 8)}", "range": lambda setting: f"is {_between(setting)}", "length": lambda setting: f"has {_between(setting, ' characters')}",
    "pattern": lambda setting: f"has the form “{plain(setting.pattern or '')}”", "required": lambda _setting: "is never empty", "unique": lambda _setting: "is never the same in two rows",
    "formula": lambda setting: f"It holds that “{plain(setting.formula or '')}”",
}


def _add(record: ImportRecord, who: str) -> None:
    with st.container(border=True, key=f"check_add_{record.id}"):
        st.markdown("**Add a check**")
        kind = st.selectbox("What has to hold", list(_FORMS), key=f"check_kind_{record.id}")
        filled = _FORMS[kind](record)
        if kind != SEVERITY:
            level = st.selectbox("A row for which it doesn't hold", list(LEVELS)[:3], format_func=LEVELS.get, key=f"check_level_{record.id}")
            filled = filled and (filled[0], filled[1].model_copy(update={"severity": level}))
        if st.button("Check all rows for it", disabled=filled is None, key=f"check_do_{record.id}", icon=":material/rule:"):
            _set(record, *filled, who)


def _set(record: ImportRecord, name: str, setting: CheckSetting | None, who: str) -> None:
    with errors.shown():
        imports.set_check(record.id, name, setting, who)
        fixing.check_again(record, who)
        st.rerun()


def _field(record: ImportRecord) -> str:
    fields = sorted((match.field for match in record.match.matches), key=lambda field: field in ROOT_FIELDS)  # the customer and the time are looked at closely as it is
    return st.selectbox("Of which field", fields, format_func=words.name_of, key=f"check_field_{record.id}")


def _allowed(record: ImportRecord) -> Filled:
    field = _field(record)
    proposed = "\n".join(_usual(record, record.match, field))
    text = st.text_area("Allowed values, one in each line", value=proposed, key=f"check_values_{record.id}_{field}", help="Proposed are the usual ones of this file; take out what isn't allowed.")
    values = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    return (f"allowed.{field}", CheckSetting(values=values)) if values else None


def _usual(record: ImportRecord, spec: MatchSpec, field: str) -> list[str]:
    """The texts that stand in many rows of a field's column; none where there are too many to choose from."""
    column = spec.of(field).column
    found = ask(imports.kinds_in, record.id, column) if column is not None else ()
    usual = [each.value for each in found if each.value.strip() and each.rows >= USUAL * record.report.rows]
    return usual if len(usual) <= FEW else []


def _two(record: ImportRecord, name: str) -> Filled:
    field = _field(record)
    with st.container(horizontal=True):
        low, high = (st.text_input(label, key=f"check_{name}_{label}_{record.id}").strip() for label in ("At least", "At most"))
    return (f"{name}.{field}", CheckSetting(min=low or None, max=high or None)) if low or high else None


def _pattern(record: ImportRecord) -> Filled:
    field = _field(record)
    pattern = st.text_input("Form (a regular expression)", placeholder="INV-[0-9]{6}", key=f"check_pattern_{record.id}").strip()
    return (f"pattern.{field}", CheckSetting(pattern=pattern)) if pattern else None


def _formula(record: ImportRecord) -> Filled:
    fields = ", ".join(match.field for match in record.match.matches)
    formula = st.text_input("Condition", placeholder="quantity <= seats * 24", key=f"check_formula_{record.id}", help=f"With + - * /, comparisons, and, or, not. The fields: {plain(fields)}").strip()
    return ("formula", CheckSetting(formula=formula)) if formula else None


def _severity(record: ImportRecord) -> Filled:
    by_name = {check.called: check for check in CHECKS.values() if not check.fixed and not check.asked and check.called != "required"}
    name = st.selectbox("What is always looked for", list(by_name), format_func=lambda called: by_name[called].title, key=f"check_always_{record.id}")
    level = st.selectbox("What is found", list(LEVELS), index=list(LEVELS).index(by_name[name].severity), format_func=LEVELS.get, key=f"check_severity_{record.id}_{name}")
    return name, CheckSetting(severity=level)


SEVERITY = "How much weighs what is always looked for"
_FORMS: dict[str, Callable[[ImportRecord], Filled]] = {
    "Only some values are allowed": _allowed, "It lies within a range": lambda record: _two(record, "range"), "It is never empty": lambda record: (f"required.{_field(record)}", CheckSetting()),
    "It is never the same in two rows": lambda record: (f"unique.{_field(record)}", CheckSetting()), "It has a certain form": _pattern, "It has a certain length": lambda record: _two(record, "length"),
    "A condition of my own": _formula, SEVERITY: _severity,
}
