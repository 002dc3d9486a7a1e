"""A form made from a model: a field for each of its fields, with its title, help and example; secrets are asked for once and never shown again."""

from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

KEPT = "***"


def ask(model: type[BaseModel], known: Mapping[str, object], key: str) -> dict[str, object]:
    """What was said, by field; empty ones are left out. `known` is what is kept already."""
    said = {name: _field(name, info, known.get(name), f"{key}_{name}") for name, info in model.model_fields.items()}
    return {name: value for name, value in said.items() if value not in (None, "", ())}


def _field(name: str, info: FieldInfo, known: object, key: str) -> object:
    kind = _kind(info.annotation)
    label = (info.title or name.replace("_", " ").capitalize()) + ("" if info.is_required() else " (optional)" if info.default in (None, "") else "")
    example = f"such as {info.examples[0]}" if info.examples else None
    if kind is SecretStr:
        typed = st.text_input(label, type="password", help=info.description, key=key, placeholder="kept; type to replace it" if known else example, autocomplete="new-password")
        return typed or (KEPT if known else None)
    value = known if known is not None else None if info.is_required() else info.get_default(call_default_factory=True)
    if kind is bool:
        return st.checkbox(label, bool(value), help=info.description, key=key)
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return st.selectbox(label, options, index=options.index(value) if value in options else 0, help=info.description, key=key)
    if kind is int:
        return st.number_input(label, value=value, step=1, help=info.description, key=key, placeholder=example)
    if kind is dict:
        return _pairs(st.text_area(label, "\n".join(f"{each}: {said}" for each, said in (value or {}).items()), help=f"{info.description or ''} One a line, as name: value.", key=key, height=80))
    if kind is tuple:
        return tuple(each.strip() for each in st.text_input(label, ", ".join(map(str, value or ())), help=f"{info.description or ''} Separated by commas.", key=key, placeholder=example).split(",") if each.strip())
    return st.text_input(label, "" if value is None else str(value), help=info.description, key=key, placeholder=example).strip()


def _kind(annotation: object) -> object:
    """The plain type of a field: of an optional one, what it is where it is said."""
    if get_origin(annotation) in (Union, UnionType):
        return _kind(next(each for each in get_args(annotation) if each is not type(None)))
    if get_origin(annotation) in (dict, tuple, list):
        return tuple if get_origin(annotation) in (tuple, list) else dict
    if hasattr(annotation, "__metadata__"):
        return _kind(get_args(annotation)[0])
    return str if annotation is Path else annotation


def _pairs(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
