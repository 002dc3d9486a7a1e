"""Metrics as YAML and back. Numbers stay as they were written: a float between would change them; a date is text, and the country NO is no truth value."""

import re
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches

import yaml
from pydantic import ValidationError

from ingest.errors import BadInput
from schemas.metric import METRIC_FUNCTIONS, OPERATORS, Condition, CustomerMapping, Filters, Metric, Rounding

SHAPE = "docs/metrics.md shows how a metric is written."
KNOWN_VALUES = {"function": METRIC_FUNCTIONS, "operator": OPERATORS, "mode": ("half_up", "half_even", "up", "down"), "per": ("second", "minute", "hour", "day", "period"), "column": ("external_id", "id")}
KNOWN_KEYS = sorted({key for each in (Metric, Condition, Filters, Rounding, CustomerMapping) for key in each.model_fields})
KINDS = {"str": "a text", "int": "a whole number", "float": "a number", "Decimal": "a number", "dict": "a list of keys and values", "list": "a list", "tuple": "a list", "bool": "true or false"}


class _AsWritten(yaml.SafeLoader):
    """Knows numbers, true, false and null; everything else is text."""

    yaml_implicit_resolvers: dict[str, list] = {}


for _tag, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]), ("bool", r"true|false", ["t", "f"]), ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")), ("float", r"[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?", list("-+0123456789")),
):
    _AsWritten.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)
_AsWritten.add_constructor("tag:yaml.org,2002:float", lambda loader, node: Decimal(loader.construct_scalar(node)))
_AsWritten.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))


class _Plain(yaml.SafeDumper):
    """Writes decimals as numbers, and several lines as several lines."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Plain.add_representer(Decimal, lambda dumper, value: dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in format(value, 'f') else 'int'}", format(value, "f")))
_Plain.add_representer(tuple, lambda dumper, values: dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=all(not isinstance(each, Mapping) for each in values)))
_Plain.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None))


def to_yaml(metric: Metric) -> str:
    """A metric as text that people can read, keep and give on."""
    return yaml.dump(as_document(metric), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def as_document(metric: Metric) -> dict[str, object]:
    """A metric as plain values, without what is as it is by default."""
    return metric.model_dump(exclude_defaults=True)


def from_yaml(text: str) -> Metric:
    """A metric out of its text. Raises BadInput with the line, or the value that can't be used."""
    try:
        said = yaml.load(text, _AsWritten)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        raise BadInput(f"This is no metric: the text can't be read{f' at line {place.line + 1}' if place else ''}.", SHAPE) from error
    if not isinstance(said, Mapping):
        raise BadInput("This is no metric: it has no keys such as name, event_type and function.", SHAPE)
    try:
        return Metric.model_validate(said)
    except ValidationError as error:
        raise _mistake(error) from error


def _mistake(error: ValidationError) -> BadInput:
    """What is wrong, in words: of all the ways in which a filter can't be read, the one that got furthest."""
    found = max(error.errors(), key=lambda each: len(each["loc"]))
    where = ".".join(str(part) for part in found["loc"] if not isinstance(part, str) or part in KNOWN_KEYS or found["type"] == "extra_forbidden" and part == found["loc"][-1])
    name = str(found["loc"][-1]) if found["loc"] else ""
    if found["type"] == "extra_forbidden":
        return BadInput(f"This metric has a key that means nothing: {where}.", _meant(name, KNOWN_KEYS) or SHAPE)
    if found["type"] == "literal_error":
        known = KNOWN_VALUES.get(name, ())
        return BadInput(f"This metric can't be used: {where} is {found['input']!r}.", f"{_meant(str(found['input']), known)} Known are {', '.join(known)}.".strip())
    if found["type"] == "missing":
        return BadInput(f"This metric can't be used: {where} is missing.", SHAPE)
    said = found["msg"].removeprefix("Value error, ")
    return BadInput(f"This metric can't be used{f': {where}' if where else ''}: {said[0].lower()}{said[1:]}.", SHAPE)


def _meant(name: str, known: tuple[str, ...] | list[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f"Did you mean {close[0]!r}?" if close else ""
