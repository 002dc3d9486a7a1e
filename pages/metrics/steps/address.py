"""Drafts in the address, so that a reload or a colleague sees the same: short ones themselves, long ones by the name under which they are kept."""

import base64
import zlib
from typing import TypeVar

import streamlit as st
from pydantic import ValidationError

from ingest import drafts as texts
from schemas.base import Frozen

IN_ADDRESS = 3_000
"""Servers on the way refuse addresses that are much longer."""
LONGEST = 200_000
"""How many bytes a draft from an address may have once it is unpacked."""
D = TypeVar("D", bound=Frozen)


def said(name: str, kind: type[D]) -> D | None:
    """The draft that the address holds or names; None where it has none, or something that is none."""
    text = st.query_params.get(name) or texts.kept(st.query_params.get(_kept(name), "")) or ""
    try:
        opened = zlib.decompressobj().decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), LONGEST)
        return kind.model_validate_json(opened)
    except (ValueError, zlib.error, ValidationError):
        return None


def say(name: str, draft: D, base: D) -> None:
    """Puts a draft into the address; nothing while it is what it was before anybody changed it."""
    if draft == base:
        forget(name)
        return
    text = base64.urlsafe_b64encode(zlib.compress(draft.model_dump_json(exclude_defaults=True).encode(), 9)).decode().rstrip("=")
    here, value, other = (name, text, _kept(name)) if len(text) <= IN_ADDRESS else (_kept(name), texts.keep(text), name)
    st.query_params.pop(other, None)
    if st.query_params.get(here) != value:
        st.query_params[here] = value


def forget(name: str) -> None:
    """Takes a draft out of the address."""
    for each in (name, _kept(name)):
        st.query_params.pop(each, None)


def _kept(name: str) -> str:
    return f"{name}_kept"
