"""CSV under a header that names its columns: every problem with its line. Pure."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

import msgspec

from hedgerow.domain.money import is_on_step, plain
from hedgerow.domain.times import parse_time

AS_OF = "as_of"
# As the gateway takes them.
SMALLEST = Decimal("1e-12")
LARGEST = Decimal("1e12")


class CsvProblem(msgspec.Struct, frozen=True):
    """What is wrong at a line (1 is the header), in which column, with which value, and what would be right."""

    line: int
    column: str
    value: str
    right: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.value!r} {self.right}"


class CsvRefused(ValueError):
    """The file cannot be a book; `problems` has everything that is wrong with it, in order of lines."""

    def __init__(self, problems: list[CsvProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


Lines = list[tuple[int, list[str]]]


def split_lines(text: str) -> Lines:
    """Each line that is not blank, its number first, its fields without the spaces around them.

    Raises:
        CsvRefused: it is no CSV.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: Lines = []
    try:
        for row in reader:
            rows.append((reader.line_num, [field.strip() for field in row]))
    except csv.Error as error:
        raise CsvRefused([CsvProblem(reader.line_num, "row", "", f"is no CSV: {error}")]) from None
    return [(line, row) for line, row in rows if any(row)]


def check_header(line: int, header: list[str], required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    """Let only these columns pass, each once, the required ones all there.

    Raises:
        CsvRefused: see above.
    """
    known = (*required, *optional)
    problems = [
        CsvProblem(line, "header", name, f"is no column of a book; they are {', '.join(known)}")
        for name in header
        if name not in known
    ]
    problems += [
        CsvProblem(line, "header", name, "is there more than once")
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    problems += [
        CsvProblem(line, "header", ",".join(header), f"lacks the column {name}")
        for name in required
        if name not in header
    ]
    if problems:
        raise CsvRefused(problems)


class Rows:
    """Reads the rows under a header, and remembers what is wrong with them and as of when they are told."""

    def __init__(self, header: list[str]) -> None:
        self._header = header
        self._as_of: str | None = None
        self.problems: list[CsvProblem] = []

    def fields(self, rows: Lines, if_none: str) -> Iterator[tuple[int, dict[str, str]]]:
        """Line and fields of each row that has as many as the header names."""
        for line, row in rows:
            if len(row) != len(self._header):
                wanted = f"has {len(row)} fields, the header names {len(self._header)}"
                self.problem(line, "row", ",".join(row), wanted)
                continue
            fields = dict(zip(self._header, row, strict=True))
            yield line, fields
            if AS_OF in fields:
                self._take_as_of(line, fields[AS_OF])
        if not rows:
            self.problem(1, "file", "", if_none)

    def end(self) -> str | None:
        """As of when the rows are told; None when they do not say.

        Raises:
            CsvRefused: anything was wrong.
        """
        if self.problems:
            raise CsvRefused(self.problems)
        return self._as_of

    def problem(self, line: int, column: str, value: str, right: str) -> None:
        self.problems.append(CsvProblem(line, column, value, right))

    def number(self, line: int, column: str, text: str) -> Decimal | None:
        """The number, or None when it is none that the gateway takes."""
        problem = "should be a decimal number without separators, such as -1.25"
        try:
            # Decimal also takes underscores, and digits of other scripts.
            value = Decimal(text) if text.isascii() and "_" not in text else None
        except InvalidOperation:
            value = None
        if value is not None and value.is_finite():
            if not value:
                return Decimal(0)
            if not SMALLEST <= value.copy_abs() <= LARGEST:
                problem = f"should be 0, or between {plain(SMALLEST)} and {plain(LARGEST)} in size"
            elif not is_on_step(value, SMALLEST):
                problem = "should have at most 12 decimals"
            else:
                return value
        self.problem(line, column, text, problem)
        return None

    def time(self, line: int, column: str, text: str) -> int | None:
        """Nanoseconds, or None when it is no time."""
        try:
            return parse_time(text)
        except ValueError as error:
            self.problem(line, column, text, str(error))
            return None

    def _take_as_of(self, line: int, text: str) -> None:
        """The gateway says what is wrong with a time; here all rows must tell the same one."""
        if not text:
            right = "should be when it was so, e.g. 2026-03-01T12:00:00Z"
        elif self._as_of not in (None, text):
            right = f"differs from {self._as_of!r} of the rows before; a book holds at one time"
        else:
            self._as_of = text
            return
        self.problem(line, AS_OF, text, right)
