"""Where columns of fixed width begin: at the places after which spaces run through nearly all lines."""

from collections.abc import Sequence

MIN_LINES = 4
SURE_LINES = 10
"""From so many lines on, a single space through all of them is no chance."""
MAX_PLACES = 4_000


def fixed_starts(lines: Sequence[str]) -> tuple[int, ...]:
    """The places where cells begin; fewer than two where the lines aren't laid out so."""
    texts = [line.rstrip("\r\n ").expandtabs() for line in lines if line.strip()]
    if len(texts) < MIN_LINES or max(map(len, texts)) > MAX_PLACES:
        return ()
    usual = sorted(map(len, texts))[len(texts) // 2]
    full = [text for text in texts if len(text) >= 0.6 * usual and text.strip("-=+ ")]
    if len(full) < MIN_LINES or sum("  " in text.strip() for text in full) < 0.5 * len(full):
        return ()
    return _after_gutters(full)


def _after_gutters(texts: list[str]) -> tuple[int, ...]:
    width = max(map(len, texts))
    filled = [sum(place < len(text) and text[place] != " " for text in texts) for place in range(width)]
    most = 0 if len(texts) < 20 else 0.03 * len(texts)
    needed = 1 if len(texts) >= SURE_LINES else 2
    starts, gap = [0], 0
    for place, count in enumerate(filled):
        if count <= most:
            gap += 1
            continue
        if gap >= needed and place > gap:
            starts.append(place)
        gap = 0
    return tuple(starts)
