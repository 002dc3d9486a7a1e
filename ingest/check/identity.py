"""The identity of an event: what makes a row the same row, as text, hashed. Once an id is sent, this text must never change for its version.

    <version>;<slug>;<field>=<value>;<field>=<value>…      fields sorted by name; an empty one is left out, as if it weren't matched
    …;source=<name>;column=<name>=<value>…                 where a source's own columns, which aren't sent, tell rows apart

Text is its length in bytes, `:` and the text, so that no two rows share a text by accident; every other
type is written in the one way below and ends at the `;`. Decimals have no zeros at their end, whatever their width; time is microseconds since 1970 in UTC.
"""

from collections.abc import Iterable, Sequence

from ingest.check.plan import Plan
from ingest.engine import identifier, literal

IDENTITY_VERSION = 1


def written(plan: Plan, column: str) -> str:
    """SQL for the arguments of concat() that write one value."""
    if plan.type == "String":
        return f"strlen({column}), ':', {column}"
    if plan.type == "DateTime64":
        return f"epoch_us({column})"
    if plan.type == "Decimal":
        return _decimal(plan, f"{column}::varchar")
    return f"{column}::varchar"


def _decimal(plan: Plan, text: str) -> str:
    if plan.sql_type.endswith(",0)"):
        return text
    return f"case when suffix({text}, '0') then rtrim(rtrim({text}, '0'), '.') else {text} end"


def canonical(slug: str, plans: Iterable[Plan]) -> str:
    """SQL for the text of an event over these fields, out of the cells."""
    parts = [literal(f"{IDENTITY_VERSION};{len(slug)}:{slug}")]
    parts += [_where_filled(plan) for plan in sorted(plans, key=lambda each: each.field)]
    return f"concat({', '.join(parts)})"


def _where_filled(plan: Plan) -> str:
    """A field and its value; nothing where it is empty, so that a column which comes along empty later changes no id."""
    named = f"{literal(f';{plan.field}=')}, {written(plan, plan.value)}"
    if plan.required or "filled" in plan.facts:
        return named
    return f"case when {plan.value} is not null then concat({named}) end"


def hashed(text: str) -> str:
    """SQL for the id made of a text: md5(text)::uuid, by way of bytes, which is a third cheaper than parsing its digits."""
    return f"unhex(md5({text}))::uuid"


def again(event_id: str, occurrence: str) -> str:
    """SQL for the id of a further identical row of the same file: its number makes it another event."""
    return hashed(f"concat({event_id}, ';occurrence=', {occurrence})")


def elsewhere(event_id: str, sha256: str) -> str:
    """SQL for the id of new usage that looks like an event sent from another file."""
    return hashed(f"concat({event_id}, {literal(f';source={sha256}')})")


def beside(columns: Iterable[str], space: str) -> tuple[str, ...]:
    """SQL for the texts of key columns that are no fields; none where there are none. Numbers of one source are no other's."""
    texts = {name: f"trim({identifier(name)})" for name in sorted(columns)}
    parts = [f"concat({literal(f';column={len(name)}:{name}=')}, strlen({text}), ':', {text})" for name, text in texts.items()]
    return (literal(f";source={len(space)}:{space}"), *parts) if parts else ()


def event_columns(plans: Sequence[Plan], slug: str, key: tuple[str, ...] | None, others: Sequence[str] = ()) -> str:
    """The columns event_id and content, then every field. `others` are what `beside` answers."""
    content = hashed(canonical(slug, plans))
    if key is None:
        ids = f"{content} as event_id, event_id as content"
    else:
        own = ", ".join((canonical(slug, [plan for plan in plans if plan.field in key]), *others))
        ids = f"{hashed(f'concat({own})' if others else own)} as event_id, {content} as content"
    return ", ".join([ids, *(f"{plan.value} as {identifier(plan.field)}" for plan in plans)])
