"""Makes ingest/read/letters.json anew: how often letters, and pairs with one beyond ASCII, stand in the words of a language.

The words are names of countries, languages, currencies, months, units and towns of the Unicode CLDR (Unicode licence), as the package Babel has them; it is needed here only:
    pip install babel && python -m benchmarks._make_letters
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from babel import Locale

LANGUAGES = "de fr es pt it nl da sv nb fi pl cs sk hu ro hr sl ru uk bg sr el tr he ar lt lv et ja zh zh_Hant ko th"
TARGET = Path(__file__).parent.parent / "ingest" / "read" / "letters.json"


def texts(locale: Locale) -> Iterator[str]:
    """Names in a language."""
    for names in (locale.territories, locale.languages, locale.currencies, locale.scripts, locale.variants):
        yield from map(str, names.values())
    for contexts in (locale.months, locale.days, locale.quarters):
        for names in contexts.values():
            yield from map(str, names.get("wide", {}).values())
    yield from _within(locale._data.get("unit_patterns", {}))
    yield from _within(locale._data.get("unit_display_names", {}))
    yield from _within(locale._data.get("currency_names_plural", {}))
    yield from _within(locale._data.get("time_zones", {}))
    yield from _within(locale._data.get("meta_zones", {}))


def _within(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value.replace("{0}", "")
    elif isinstance(value, dict):
        for each in value.values():
            yield from _within(each)


def counts(locale: Locale) -> dict[str, dict[str, int]]:
    """Letter → how often, pair → how often; a space is the edge of a word."""
    letters, pairs = Counter(), Counter()
    for text in sorted(set(texts(locale))):
        for word in re.findall(r"[^\W\d_]+", text.lower()):
            edged = f" {word} "
            letters.update(edged[:-1])
            pairs.update(pair for pair in map("".join, zip(edged, edged[1:], strict=False)) if not pair.isascii())
    return {"letters": dict(letters), "pairs": {pair: count for pair, count in pairs.items() if count > 1}}


if __name__ == "__main__":
    TARGET.write_text(json.dumps({name: counts(Locale.parse(name)) for name in LANGUAGES.split()}, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")
