"""YAML text to plain data with the line of every field, or to one clear reason why not.

Documents are taken as composed nodes, not as constructed objects: no tag can construct anything, and every node knows
its place. What a resource has no use for (tags, merge keys, keys that are no text) is refused by name.
"""

import re
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from hedgerow.strategy.problem import FieldPath

MAX_NODES = 20_000
MAX_DEPTH = 32

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?[0-9]+")
# What the parser says, and what the writer should do about it; the first that is contained in it counts.
_HINTS = (
    ("'\\t'", "indent with spaces, not with tabs"),
    ("mapping values are not allowed", 'write one "key: value" per line, and quote a value that holds ": "'),
    ("could not find expected ':'", 'write "key: value", with a colon and a space after the key'),
    ("expected <block end>", "begin all fields of one block in the same column"),
    ("unexpected end of stream", "close the quote or bracket that was opened above"),
    ("cannot start any token", "quote a value that begins with this character"),
    ("undefined alias", "define it with & further up, or quote a value that begins with *"),
    ("expected ',' or", "close the bracket that was opened above, and put commas between its items"),
)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One YAML document: its data, the line it begins on, and the line of every field. Lines count from 1."""

    data: Any
    line: int
    lines: dict[FieldPath, int]


class YamlProblem(ValueError):
    """The text is no YAML that a resource can be read from. Line and column count from 1; 0 is the whole file."""

    def __init__(self, wrong: str, right: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"{wrong}; {right}")
        self.line = line
        self.column = column

    def at_file(self, file: str) -> str:
        """The problem with the file's name, line and column before it."""
        return f"{file}:{self.line}:{self.column}: {self}" if self.line else f"{file}: {self}"


def read_documents(text: str) -> list[Document]:
    """Every document in the text; empty ones are left out.

    Raises:
        YamlProblem: the text cannot be read as YAML, or holds what no resource has.
    """
    try:
        nodes = list(YAML(typ="safe", pure=True).compose_all(text))
    except MarkedYAMLError as error:
        raise _from_parser(error) from None
    except ReaderError as error:
        before = text[: error.position]
        raise YamlProblem(
            f"character U+{ord(text[error.position]):04X} is not allowed in YAML",
            "take it out",
            before.count("\n") + 1,
            error.position - before.rfind("\n"),
        ) from None
    except RecursionError:
        raise YamlProblem("it is nested too deeply", f"nest at most {MAX_DEPTH} levels") from None
    except (YAMLError, ValueError) as error:
        raise YamlProblem(f"it is no YAML: {error}", "correct it") from None
    return [_document(node) for node in nodes if node is not None and not _is_empty(node)]


def _from_parser(error: MarkedYAMLError) -> YamlProblem:
    mark = error.problem_mark or error.context_mark
    wrong = " ".join(part for part in (error.problem, error.context) if part) or "it is no YAML"
    right = next((hint for sign, hint in _HINTS if sign in wrong), "check the lines above and below")
    return YamlProblem(wrong, right, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0)


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == _TAG + "null"


def _document(node: Node) -> Document:
    reader = _NodeReader()
    data = reader.read(node, ())
    return Document(data=data, line=node.start_mark.line + 1, lines=reader.lines)


class _NodeReader:
    """Walks one document's nodes. Aliases are followed, so the nodes are counted: a small text may stand for many."""

    def __init__(self) -> None:
        self.lines: dict[FieldPath, int] = {}
        self._seen = 0

    def read(self, node: Node, at: FieldPath) -> Any:
        self._seen += 1
        if self._seen > MAX_NODES or len(at) > MAX_DEPTH:
            raise _refused(node, "it is too large or nested too deeply", f"nest at most {MAX_DEPTH} levels")
        if isinstance(node, MappingNode):
            return self._mapping(node, at)
        if isinstance(node, SequenceNode):
            return self._sequence(node, at)
        return _scalar(node)

    def _mapping(self, node: MappingNode, at: FieldPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(key_node)
            if key in found:
                first = self.lines[(*at, key)]
                raise _refused(key_node, f'"{key}" stands already on line {first}', "keep one of them")
            self.lines[(*at, key)] = key_node.start_mark.line + 1
            found[key] = self.read(value_node, (*at, key))
        return found

    def _sequence(self, node: SequenceNode, at: FieldPath) -> list[Any]:
        found = []
        for number, item in enumerate(node.value):
            self.lines[(*at, number)] = item.start_mark.line + 1
            found.append(self.read(item, (*at, number)))
        return found


def _key(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        raise _refused(node, "a block cannot be a key", "use a name as the key")
    if node.tag == _TAG + "merge":
        raise _refused(node, "merge keys (<<) are not supported", "write the fields out")
    if node.tag != _TAG + "str":
        raise _refused(node, f"the key {node.value} is no text", f'quote it: "{node.value}"')
    return str(node.value)


def _scalar(node: Node) -> Any:
    text = str(node.value)
    match str(node.tag).removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text) if _INTEGER.fullmatch(text) and len(text) < 40 else text
        case "float":
            return _float(text)
        # A date is text here, as every field is that could hold one.
        case "str" | "timestamp":
            return text
        case tag:
            raise _refused(node, f"the tag {tag} is not supported", "take it out")


def _float(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _refused(node: Node, wrong: str, right: str) -> YamlProblem:
    return YamlProblem(wrong, right, node.start_mark.line + 1, node.start_mark.column + 1)
