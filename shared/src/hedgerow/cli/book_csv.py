"""A book's positions from a CSV file: all of its problems at once, each with its line, or the positions. Pure."""

import csv
import io
from collections.abc import Collection
from decimal import Decimal, InvalidOperation

import msgspec

from hedgerow.domain.money import is_on_step, plain

COLUMNS = ("instrument", "quantity")
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


class BookFile(msgspec.Struct, frozen=True):
    """Signed quantities by instrument, and when they held; None when the file does not tell."""

    positions: dict[str, Decimal]
    as_of: str | None


def read_book_csv(text: str, listed: Collection[str]) -> BookFile:
    """Columns `instrument`, `quantity` and, when told, `as_of`, in any order, under a header that names them.

    Args:
        listed: the instruments that there are.

    Raises:
        CsvRefused: anything is wrong with it.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            rows.append((reader.line_num, [field.strip() for field in row]))
    except csv.Error as error:
        raise CsvRefused([CsvProblem(reader.line_num, "row", "", f"is no CSV: {error}")]) from None
    rows = [(line, row) for line, row in rows if any(row)]
    if not rows:
        raise CsvRefused([CsvProblem(1, "header", "", f"is missing: {','.join(COLUMNS)}")])
    header = [name.lower() for name in rows[0][1]]
    problems = _header_problems(rows[0][0], header)
    if problems:
        raise CsvRefused(problems)
    return _Rows(header, listed).read(rows[1:])


def _header_problems(line: int, header: list[str]) -> list[CsvProblem]:
    known = (*COLUMNS, AS_OF)
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
        for name in COLUMNS
        if name not in header
    ]
    return problems


class _Rows:
    def __init__(self, header: list[str], listed: Collection[str]) -> None:
        self._header = header
        self._listed = listed
        self._problems: list[CsvProblem] = []
        self._lines: dict[str, int] = {}
        self._as_of: str | None = None

    def read(self, rows: list[tuple[int, list[str]]]) -> BookFile:
        positions: dict[str, Decimal] = {}
        for line, row in rows:
            if len(row) != len(self._header):
                wanted = f"has {len(row)} fields, the header names {len(self._header)}"
                self._problems.append(CsvProblem(line, "row", ",".join(row), wanted))
                continue
            fields = dict(zip(self._header, row, strict=True))
            quantity = self._quantity(line, fields["quantity"])
            if self._is_new(line, fields["instrument"]) and quantity is not None:
                positions[fields["instrument"]] = quantity
            if AS_OF in fields:
                self._take_as_of(line, fields[AS_OF])
        if not rows:
            right = "has no rows; a flat book lists its instruments with quantity 0"
            self._problems.append(CsvProblem(1, "file", "", right))
        if self._problems:
            raise CsvRefused(self._problems)
        return BookFile(positions, self._as_of)

    def _is_new(self, line: int, symbol: str) -> bool:
        if symbol not in self._listed:
            right = f"is not listed; listed are {', '.join(sorted(self._listed))}"
        elif symbol in self._lines:
            right = f"is on line {self._lines[symbol]} already; a book has one row per instrument"
        else:
            self._lines[symbol] = line
            return True
        self._problems.append(CsvProblem(line, "instrument", symbol, right))
        return False

    def _quantity(self, line: int, text: str) -> Decimal | None:
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
        self._problems.append(CsvProblem(line, "quantity", text, problem))
        return None

    def _take_as_of(self, line: int, text: str) -> None:
        """The gateway says what is wrong with a time; here all rows must tell the same one."""
        if not text:
            right = "should be when the positions held, e.g. 2026-03-01T12:00:00Z"
        elif self._as_of not in (None, text):
            right = f"differs from {self._as_of!r} of the rows before; a book holds at one time"
        else:
            self._as_of = text
            return
        self._problems.append(CsvProblem(line, AS_OF, text, right))
