"""Encodings of small files with few letters beyond plain English: the right one, or a question in which it is an answer."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.read.encoding import Encoding, find_encoding
from tests.languages import CASES, LANGUAGES, file_of

Find = Callable[[bytes], Encoding]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """The encoding of some bytes."""
    def find(content: bytes) -> Encoding:
        path = Path(tempfile.mkdtemp(dir=tmp_path)) / "source"
        path.write_bytes(content)
        return find_encoding(path)
    return find


def written(language: str, encoding: str, count: int, first: int) -> tuple[str, bytes] | None:
    """A small file's text and bytes, or None where the encoding hasn't all its letters or it has none beyond ASCII."""
    text = file_of(LANGUAGES[language][1][first : first + count])
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        return None
    return None if content.isascii() and not encoding.startswith("iso2022") else (text, content)


def is_found(found: Encoding, text: str, content: bytes) -> bool:
    return content.decode(found.name, errors="replace") == text


def is_asked(found: Encoding, text: str) -> bool:
    return any(rival.text in text for rival in found.rivals)


@pytest.mark.parametrize("language, encoding", [(language, encoding) for language, (encodings, _) in LANGUAGES.items() for encoding in encodings])
def test_three_words_tell_the_encoding(find: Find, language: str, encoding: str) -> None:
    files = [file for *place, count, first in CASES if place == [language, encoding] and count > 1 and (file := written(language, encoding, count, first))]
    found = [(find(content), text, content) for text, content in files]
    wrong = [each.name for each, text, content in found if not is_found(each, text, content) and not is_asked(each, text)]
    assert len(wrong) <= (encoding == "mac_roman")
    assert sum(is_found(*each) for each in found) >= 0.7 * len(found)


def test_one_word_tells_the_encoding_or_is_asked_about(find: Find) -> None:
    files = [file for case in CASES if case[2] == 1 and case[3] % 3 == 0 and (file := written(*case))]
    found = [(find(content), text, content) for text, content in files]
    right = sum(is_found(*each) for each in found)
    told = sum(is_asked(each, text) for each, text, content in found if not is_found(each, text, content))
    assert len(found) > 200 and right >= 0.8 * len(found) and right + told >= 0.95 * len(found)


@pytest.mark.parametrize("name, text", [
    ("Western", "Kunde;Menge\nJörg;5\nGrün GmbH;6\n"), ("Danish", "kunde;antal\nKøbenhavn;5\nTromsø;6\nSjælland;7\nMalmö;8\n"), ("a degree sign", "place;at 20 °C\nhall;5\nyard;6\n"), ("a dash and quotes", "name;note\nacme;good – “very”\nb;c\n"), ("a price", "name;price\nacme;5 €\nglobex;7 €\n"),
])
def test_windows_files_are_read_without_a_question(find: Find, name: str, text: str) -> None:
    found = find(text.encode("cp1252"))
    assert is_found(found, text, text.encode("cp1252")) and not found.questions


def test_two_letters_that_happen_to_be_valid_utf8_are_asked_about(find: Find) -> None:
    found = find("name;n\nÍñigo;5\n".encode("cp850"))
    assert found.questions and any(rival.text.startswith("Íñigo") for rival in found.rivals)
    assert not find("name;n\nÍñigo;5\nשלום;2\n한국;3\n".encode()).questions


def test_the_question_shows_the_cells_that_differ(find: Find) -> None:
    found = find("name;n\nacme;1\nJörg;5\n".encode("mac_roman"))
    labels = [option["label"] for option in found.questions[0]["options"]]
    assert any("Jörg" in label for label in labels) and all("acme" not in label for label in labels)
