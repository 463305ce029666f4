"""One way to write a resource, as an edit of one that is right."""

from collections.abc import Callable
from typing import Any

import msgspec
from resource_documents import Data


class Case(msgspec.Struct, frozen=True):
    """One way to write a resource. `words` are what a refusal says; none: it is accepted."""

    name: str
    kind: str
    edit: Callable[[Data], Any]
    field: str = ""
    words: str = ""


def strategy(name: str, edit: Callable[[Data], Any], field: str = "", words: str = "") -> Case:
    return Case(name, "HedgeStrategy", edit, field, words)


def in_spec(**changes: Any) -> Callable[[Data], Any]:
    return lambda data: data["spec"].update(changes)


def in_block(block: str, **changes: Any) -> Callable[[Data], Any]:
    return lambda data: data["spec"][block].update(changes)
