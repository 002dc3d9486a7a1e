"""Prices as YAML and back. Numbers stay the text that was written: a float between would change them."""

from collections.abc import Mapping
from decimal import Decimal

import yaml
from pydantic import TypeAdapter, ValidationError

from ingest.errors import BadInput
from schemas.price import PRICING_TYPES, Price

_PRICE: TypeAdapter[Price] = TypeAdapter(Price)
_WORDS = {
    "missing": "is missing", "extra_forbidden": "has no meaning here", "greater_than_equal": "must not be negative", "greater_than": "must be more than 0", "finite_number": "must be a number", "decimal_parsing": "must be a number",
    "decimal_type": "must be a number", "decimal_max_places": "has more than 18 digits after the point", "decimal_max_digits": "has too many digits",
}


class _AsWritten(yaml.SafeLoader):
    """Leaves every value as its text, but null: 0.10 stays exact, and the country NO is no truth value."""

    yaml_implicit_resolvers = {first: [each for each in known if each[0] == "tag:yaml.org,2002:null"] for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()}


class _Plain(yaml.SafeDumper):
    """Writes decimals as numbers, and lists of them in one line."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Plain.add_representer(Decimal, lambda dumper, value: dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in format(value, 'f') else 'int'}", format(value, "f")))
_Plain.add_representer(tuple, lambda dumper, values: dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=True))


def to_yaml(price: Price) -> str:
    """A price as text that people can read and keep."""
    said = price.model_dump(exclude_defaults=True)
    return yaml.dump({"pricing_type": price.pricing_type, **said}, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def from_yaml(text: str) -> Price:
    """A price out of its text. Raises BadInput with the place where it can't be understood."""
    try:
        said = yaml.load(text, _AsWritten)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        raise BadInput(f"This is no price: the text can't be read{f' at line {place.line + 1}' if place else ''}.", "docs/metrics.md shows how a price is written.") from error
    return from_values(said)


def from_values(said: object) -> Price:
    """A price out of plain values, numbers as text. Raises BadInput naming the value that can't be used."""
    if not isinstance(said, Mapping) or said.get("pricing_type") not in PRICING_TYPES:
        found = f"{said['pricing_type']!r} is no pricing_type" if isinstance(said, Mapping) and said.get("pricing_type") else "pricing_type is missing"
        raise BadInput(f"This is no price: {found}.", f"Known are {', '.join(PRICING_TYPES)}.")
    try:
        return _PRICE.validate_python(said)
    except ValidationError as error:
        raise BadInput(f"This price can't be used: {_first(error)}.", "docs/metrics.md shows how a price is written.") from error


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, in words; places in a list are counted from 1."""
    found = error.errors()[0]
    where = " ".join(f"number {part + 1}" if isinstance(part, int) else str(part) for part in found["loc"][1:])
    return f"{where} {_WORDS.get(found['type'], found['msg'].removeprefix('Value error, '))}".strip()
