"""How much of a damaged text comes back: clean tables, damaged in every known way at every place, read and held against what they were.

    python -m benchmarks.damage [--kinds quote delimiter] [--tables sales] [--every 7] [--show 5]

Scores are the mean of three F1 measures (names of the header, whole rows, cells). A mistake is silent when the report has no entry for it. Exit 1 where a kind stays below ASKED or a mistake is silent.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.clean_tables import TABLES
from tests.file_damages import ALL_DAMAGES
from tests.scoring import Result, result

ASKED = 0.99


def main() -> int:
    """Reads everything and prints the kinds, the worst first."""
    options = _options()
    found: dict[tuple[str, str], list[tuple[Result, str]]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="damage-") as folder:
        for table in TABLES:
            for kind, damage in ALL_DAMAGES.items():
                if any(each in kind for each in options.kinds) and any(each in table.name for each in options.tables):
                    for damaged in list(damage(table))[:: options.every]:
                        found[kind, table.name].append((result(kind, damaged, Path(folder)), damaged.where))
    return _print(found, options.show)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", default=[""], help="words in the names of damages")
    parser.add_argument("--tables", nargs="*", default=[""], help="words in the names of tables")
    parser.add_argument("--every", type=int, default=1, help="read only every n-th file of a kind")
    parser.add_argument("--show", type=int, default=0, help="how many wrong files of each kind to describe")
    return parser.parse_args()


def _print(found: dict[tuple[str, str], list[tuple[Result, str]]], show: int) -> int:
    print(f"{'damage':32} {'table':14} {'files':>6} {'mean':>7} {'worst':>7} {'wrong':>6} {'silent':>6} {'spread':>6}")
    means, silent = {}, 0
    for (kind, table), results in sorted(found.items(), key=lambda item: -_mean(item[1])):
        scores = [each for each, _ in results]
        means[kind, table] = _mean(results)
        silent += sum(each.silent for each in scores)
        wrong = sum(each.score < 1 for each in scores)
        if wrong:
            print(f"{kind:32} {table:14} {len(scores):6} {means[kind, table]:7.4f} {min(each.score for each in scores):7.4f} {wrong:6} {sum(each.silent for each in scores):6} {sum(each.spread for each in scores):6}")
        for each, where in sorted(results, key=lambda item: (not item[0].silent, item[0].score))[:show]:
            if each.score < 1:
                print(f"    {where}: {each.score:.4f}{' SILENT' if each.silent else ''} {each.what}")
    every = [each.score for results in found.values() for each, _ in results]
    print(f"{len(every):,} files, mean {sum(every) / len(every):.4f}, silent {silent}, kinds below {ASKED}: {sum(mean < ASKED for mean in means.values())} of {len(means)}")
    return 1 if silent or sum(every) < ASKED * len(every) else 0


def _mean(results: list[tuple[Result, str]]) -> float:
    return sum(each.score for each, _ in results) / len(results)


if __name__ == "__main__":
    sys.exit(main())
