"""Changes of all kinds to the bytes of a file, drawn by Hypothesis; packed files are changed from within as well."""

import bz2
import gzip
import io
import lzma
import zipfile

from hypothesis import strategies as some

from tests.samples import zipped

TOKENS = (
    b",", b";", b"\t", b"|", b" ", b":", b'"', b"'", b'""', b"\\", b'\\"', b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"\x01", b"\x1a", b"\x1f", b"\xff", b"\xfe", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\xfc", b"\x80", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"\x0c",
    b"Total", b"Total,", b"# ", b"customer,day,quantity,note\n", b"=1+1", b"-", b"1e999", b"NaN", b"_row", b"_file", b"sep=;\n", b"<", b">", b"</table>", b"<!--", b"<![CDATA[", b"&amp;", b"&#0;", b"&x;", b"{", b"}", b"[", b"]", b"null", b'":', b"\\u0000", b"\\ud800",
    b"9" * 30, b"a" * 300, b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xee\x80\x80", b"PK\x03\x04", b"1" * 5 + b"," * 60,
)
PACKED = {b"PK": "zip", b"\x1f\x8b": "gz", b"BZ": "bz2", b"\xfd7": "xz"}
PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
UNPACK = {"gz": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}
place = some.integers(0, 2**20)
change = some.one_of(
    some.tuples(some.just("insert"), place, some.sampled_from(TOKENS)), some.tuples(some.just("put"), place, some.sampled_from(TOKENS)), some.tuples(some.just("byte"), place, some.binary(min_size=1, max_size=1)),
    some.tuples(some.just("cut"), place, some.integers(1, 200)), some.tuples(some.just("double"), place, some.integers(1, 200)), some.tuples(some.just("end"), place, some.none()), some.tuples(some.just("begin"), place, some.none()),
    some.tuples(some.just("swap"), place, some.tuples(some.sampled_from(TOKENS), some.sampled_from(TOKENS))), some.tuples(some.just("repeat"), place, some.integers(2, 400)),
)


def applied(content: bytes, kind: str, at: int, what: object) -> bytes:
    """The bytes after one change."""
    at = at % (len(content) + 1)
    before, after = content[:at], content[at:]
    match kind:
        case "insert":
            return before + what + after
        case "put" | "byte":
            return before + what + after[len(what) :]
        case "cut":
            return before + after[what:]
        case "double":
            return before + after[:what] + after
        case "repeat":
            return before + after[:20] * what + after
        case "end":
            return before
        case "begin":
            return after
    return content.replace(*what)


@some.composite
def mutated(draw: some.DrawFn, samples: dict[str, bytes]) -> tuple[str, bytes]:
    """A file name and content: a sample with one to six changes, or a mixture of two."""
    name = draw(some.sampled_from(sorted(samples)))
    content = samples[name]
    kind = PACKED.get(content[:2])
    changes = draw(some.lists(change, min_size=1, max_size=6))
    if kind and draw(some.booleans()):
        return name, _within(content, kind, changes, draw(place))
    for each in changes:
        content = applied(content, *each)
    if draw(some.integers(0, 9)) == 9:
        content += samples[draw(some.sampled_from(sorted(samples)))]
    return name, content[:200_000]


def _within(content: bytes, kind: str, changes: list[tuple], which: int) -> bytes:
    """A packed file with a change to what is inside."""
    if kind != "zip":
        inner = UNPACK[kind](content)
        for each in changes:
            inner = applied(inner, *each)[:200_000]
        return PACK[kind](inner)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = sorted(members)[which % len(members)]
    for each in changes:
        members[name] = applied(members[name], *each)[:200_000]
    return zipped(members)


