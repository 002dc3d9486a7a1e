"""Numbers of things in sentences."""


def count(number: int, one: str, many: str = "") -> str:
    """`1 row`, `12,431 rows`; the plural is the singular with an s, unless it is given."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
