"""Reads resources from YAML files, and remembers on which line each field stands."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from hedgerow.cli.yaml_documents import Document, YamlProblem, read_documents
from hedgerow.strategy.parse import parse_resource
from hedgerow.strategy.problem import FieldPath, Problem
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.venue import Venue

MAX_BYTES = 1_000_000
SUFFIXES = (".yaml", ".yml")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a resource was declared. Lines count from 1."""

    file: str
    line: int
    lines: Mapping[FieldPath, int]

    def line_of(self, at: FieldPath) -> int:
        """The line of a field; of the block around it when the field itself is not there."""
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, self.line)

    def report(self, problems: Iterable[Problem]) -> tuple[str, ...]:
        """Problems of this resource from top to bottom, each with its file and line."""
        ordered = sorted(problems, key=lambda problem: self.line_of(problem.at))
        return tuple(f"{self.file}:{self.line_of(problem.at)}: {problem}" for problem in ordered)


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A resource and where it stands."""

    resource: HedgeStrategy | Venue
    place: Place

    @property
    def name(self) -> str:
        """Kind and key, e.g. `Venue default/paper`."""
        return f"{self.resource.kind} {self.resource.key}"


class FilesRead(msgspec.Struct, frozen=True, kw_only=True):
    """What files declare, and by file every reason why something in them cannot be used."""

    declared: tuple[Declared, ...]
    problems: dict[str, tuple[str, ...]]

    @property
    def all_problems(self) -> list[str]:
        return [text for texts in self.problems.values() for text in texts]


def list_files(path: Path) -> list[Path]:
    """The file itself, or the YAML files that lie directly in the folder.

    Raises:
        FileNotFoundError: there is no such file or folder.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {path}")
    if path.is_file():
        return [path]
    return sorted(item for item in path.iterdir() if item.suffix in SUFFIXES and item.is_file())


def read_resources(path: Path) -> FilesRead:
    """Every resource in a file or folder. A file that is no YAML is left out whole, a bad resource alone.

    Raises:
        FileNotFoundError: there is no such file or folder.
    """
    declared: list[Declared] = []
    problems: dict[str, tuple[str, ...]] = {}
    for file in list_files(path):
        try:
            found = [_declared(file, document) for document in read_documents(_text(file))]
        except YamlProblem as problem:
            problems[str(file)] = (problem.at_file(str(file)),)
            continue
        declared += [item for item in found if isinstance(item, Declared)]
        texts = [text for item in found if not isinstance(item, Declared) for text in item]
        if texts:
            problems[str(file)] = tuple(texts)
    return _without_doubles(declared, problems)


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise YamlProblem(
            f"cannot be read: {error.strerror}", "check that it is there and readable"
        ) from None
    if len(data) > MAX_BYTES:
        raise YamlProblem(
            f"{len(data)} bytes are too many", f"split it into files of at most {MAX_BYTES} bytes"
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        raise YamlProblem(
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            "save the file as UTF-8",
            before.count(b"\n") + 1,
            error.start - before.rfind(b"\n"),
        ) from None


def _declared(file: Path, document: Document) -> Declared | tuple[str, ...]:
    place = Place(file=str(file), line=document.line, lines=document.lines)
    found = parse_resource(document.data)
    return place.report(found) if isinstance(found, list) else Declared(resource=found, place=place)


def _without_doubles(declared: list[Declared], problems: dict[str, tuple[str, ...]]) -> FilesRead:
    """A resource that is declared twice is used neither way: which of the two is meant cannot be known."""
    by_name: dict[str, list[Declared]] = {}
    for item in declared:
        by_name.setdefault(item.name, []).append(item)
    for name, items in by_name.items():
        if len(items) > 1:
            text = f"{name} is declared {len(items)} times: {', '.join(map(_stands_at, items))}; keep one of them"
            file = items[-1].place.file
            problems[file] = (*problems.get(file, ()), f"{_stands_at(items[-1])}: {text}")
    kept = tuple(items[0] for items in by_name.values() if len(items) == 1)
    return FilesRead(declared=kept, problems=problems)


def _stands_at(item: Declared) -> str:
    return f"{item.place.file}:{item.place.line_of(('metadata', 'name'))}"
