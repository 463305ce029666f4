"""A book from a CSV file: all of its problems at once, each with its line, or its positions or loans. Pure."""

from collections.abc import Collection
from decimal import Decimal

import msgspec

from hedgerow.cli.csv_rows import AS_OF, CsvProblem, CsvRefused, Lines, Rows, check_header, split_lines
from hedgerow.domain.loans import Loan
from hedgerow.domain.positions import Entry

POSITION = ("instrument", "quantity")
ENTRY = ("entry_price", "since")
LOAN = ("id", "asset", "principal", "interest", "annual_rate", "since")
COLLATERAL = "collateral"


class BookFile(msgspec.Struct, frozen=True):
    """What a file tells, and as of when; None when it does not say.

    Attributes:
        positions: signed quantities by instrument; None in a file of loans.
        loans: by id; None in a file of positions.
        entries: of those positions that have one.
    """

    positions: dict[str, Decimal] | None
    as_of: str | None
    loans: dict[str, Loan] | None = None
    entries: dict[str, Entry] = {}


def read_book_csv(text: str, listed: Collection[str], assets: Collection[str]) -> BookFile:
    """Columns of positions or of loans, in any order, under a header that names them.

    Positions have `instrument` and `quantity`, and `entry_price` and `since` when told, both empty where they are not
    known; loans `id`, `asset`, `principal`, `interest`, `annual_rate`, `since`
    and, when told, `collateral` (`BTC=0.5;ETH=2`). Both kinds may have `as_of`.

    Args:
        listed: the instruments that there are; assets: what can be owed or pledged.

    Raises:
        CsvRefused: anything is wrong with it.
    """
    lines = split_lines(text)
    if not lines:
        raise CsvRefused(
            [CsvProblem(1, "header", "", f"is missing: {','.join(POSITION)} or {','.join(LOAN)}")]
        )
    line, names = lines[0]
    header = [name.lower() for name in names]
    if {"principal", "annual_rate"} & set(header):
        check_header(line, header, LOAN, (COLLATERAL, AS_OF))
        return _LoanRows(header, assets).read(lines[1:])
    check_header(line, header, (*POSITION, *(ENTRY if set(ENTRY) & set(header) else ())), (*ENTRY, AS_OF))
    return _PositionRows(header, listed).read(lines[1:])


class _PositionRows(Rows):
    def __init__(self, header: list[str], listed: Collection[str]) -> None:
        super().__init__(header)
        self._listed = listed
        self._lines: dict[str, int] = {}

    def read(self, rows: Lines) -> BookFile:
        positions: dict[str, Decimal] = {}
        entries: dict[str, Entry] = {}
        none = "has no rows; a flat book lists its instruments with quantity 0"
        for line, fields in self.fields(rows, none):
            quantity = self.number(line, "quantity", fields["quantity"])
            if self._is_new(line, fields["instrument"]) and quantity is not None:
                positions[fields["instrument"]] = quantity
                entry = self._entry(line, quantity, fields)
                if entry is not None:
                    entries[fields["instrument"]] = entry
        return BookFile(positions, self.end(), entries=entries)

    def _entry(self, line: int, quantity: Decimal, fields: dict[str, str]) -> Entry | None:
        """None where none is told, and where it is wrong, which is then a problem."""
        told = {name: fields.get(name, "") for name in ENTRY}
        if not any(told.values()):
            return None
        if not quantity:
            self.problem(
                line, "quantity", fields["quantity"], "is flat and has no entry; leave its entry empty"
            )
            return None
        price = self.number(line, "entry_price", told["entry_price"])
        if price is not None and price <= 0:
            self.problem(line, "entry_price", told["entry_price"], "should be positive")
            return None
        since_ns = self.time(line, "since", told["since"])
        return None if price is None or since_ns is None else Entry(price=price, since_ns=since_ns)

    def _is_new(self, line: int, symbol: str) -> bool:
        if symbol not in self._listed:
            right = f"is not listed; listed are {', '.join(sorted(self._listed))}"
        elif symbol in self._lines:
            right = f"is on line {self._lines[symbol]} already; a book has one row per instrument"
        else:
            self._lines[symbol] = line
            return True
        self.problem(line, "instrument", symbol, right)
        return False


class _LoanRows(Rows):
    def __init__(self, header: list[str], assets: Collection[str]) -> None:
        super().__init__(header)
        self._assets = assets

    def read(self, rows: Lines) -> BookFile:
        loans: dict[str, Loan] = {}
        none = "has no rows; tell a book without loans through the API"
        for line, fields in self.fields(rows, none):
            loan = self._loan(line, fields)
            if loan is not None and loan.id in loans:
                self.problem(line, "id", loan.id, "is there already; a book has one row per loan")
            elif loan is not None:
                loans[loan.id] = loan
        return BookFile(None, self.end(), loans)

    def _loan(self, line: int, fields: dict[str, str]) -> Loan | None:
        before = len(self.problems)
        if not fields["id"]:
            self.problem(line, "id", "", "should name the loan")
        asset = self._asset(line, "asset", fields["asset"])
        principal = self.number(line, "principal", fields["principal"])
        interest = self.number(line, "interest", fields["interest"])
        annual_rate = self.number(line, "annual_rate", fields["annual_rate"])
        since_ns = self.time(line, "since", fields["since"])
        collateral = self._collateral(line, fields.get(COLLATERAL, ""))
        if len(self.problems) > before:
            return None
        assert principal is not None
        assert interest is not None
        assert annual_rate is not None
        assert since_ns is not None
        return Loan(
            id=fields["id"],
            asset=asset,
            principal=principal,
            interest=interest,
            annual_rate=annual_rate,
            since_ns=since_ns,
            collateral=collateral,
        )

    def _asset(self, line: int, column: str, name: str) -> str:
        if name not in self._assets:
            self.problem(line, column, name, f"is no asset here; they are {', '.join(sorted(self._assets))}")
        return name

    def _collateral(self, line: int, text: str) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for part in filter(None, (part.strip() for part in text.split(";"))):
            asset, equals, amount = part.partition("=")
            if not equals or asset in found:
                right = "should be assets, each once, with their amounts, such as BTC=0.5;ETH=2"
                self.problem(line, COLLATERAL, text, right)
                return {}
            units = self.number(line, COLLATERAL, amount)
            found[self._asset(line, COLLATERAL, asset)] = units if units is not None else Decimal(0)
        return found
