"""`hedgerow book load` and `hedgerow book show`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from hedgerow.cli.book_csv import BookFile, CsvRefused, read_book_csv
from hedgerow.cli.exits import ExitCode, Refused, UsageError
from hedgerow.cli.gateway import Book, GatewayAddress, get_book, put_book
from hedgerow.cli.tables import console, table
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.money import plain

NOW = "now"


async def load_book(
    gateway: GatewayAddress, name: str, file: Path, as_of: str | None, dry_run: bool, as_json: bool
) -> ExitCode:
    """Replace a book's positions with a file's. Nothing is sent when anything of the file is wrong.

    Raises:
        Refused: the file, or the gateway's reasons. UsageError: no time, or two.
    """
    told = _read(file)
    held_at = _as_of(told, as_of)
    known = await get_book(gateway, name)
    before = {} if known is None else {symbol: Decimal(text) for symbol, text in known.positions.items()}
    # The same positions again only confirm them, under the sequence that they have.
    sequence = 1 if known is None else known.sequence + (before != told.positions)
    if not dry_run:
        positions = {symbol: plain(quantity) for symbol, quantity in told.positions.items()}
        book = await put_book(gateway, name, sequence, held_at, positions)
    _show_change(name, before, told.positions, as_json)
    if as_json:
        return ExitCode.OK
    if dry_run:
        print(f"nothing was sent; without --dry-run this becomes sequence {sequence}, as of {held_at}")
    else:
        print(f"book {name} loaded: sequence {book.sequence}, as of {book.as_of}")
    return ExitCode.OK


async def show_book(gateway: GatewayAddress, name: str, as_json: bool) -> ExitCode:
    """Show a book as it stands.

    Raises:
        Refused: there is none of this name.
    """
    book = await get_book(gateway, name)
    if book is None:
        raise Refused(f"there is no book {name}; `hedgerow book load {name} --file FILE` makes one")
    if as_json:
        print(msgspec.json.encode(book).decode())
        return ExitCode.OK
    print(_standing(book))
    console().print(table(("INSTRUMENT", "QUANTITY"), sorted(book.positions.items())))
    return ExitCode.OK


def _standing(book: Book) -> str:
    return f"book {book.name}: sequence {book.sequence}, as of {book.as_of}"


def _read(file: Path) -> BookFile:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"nothing was sent: {file} cannot be read: {error}") from None
    try:
        return read_book_csv(text, LISTINGS)
    except CsvRefused as error:
        found = "\n".join(f"{file}: {problem}" for problem in error.problems)
        raise Refused(f"{found}\nnothing was sent: {len(error.problems)} problems in {file}") from None


def _as_of(told: BookFile, option: str | None) -> str:
    if told.as_of is not None and option is not None:
        raise UsageError("the file has a column as_of; leave --as-of out")
    given = told.as_of or option
    if given is None:
        raise UsageError(
            "say when the positions held: --as-of TIME (e.g. 2026-03-01T12:00:00Z, or now), or a column as_of"
        )
    if given == NOW:
        return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    try:
        offset = datetime.fromisoformat(given).tzinfo
    except ValueError:
        offset = None
    if offset is None:
        raise UsageError(
            f"as_of {given!r} should be an RFC 3339 time with its offset, e.g. 2026-03-01T12:00:00Z"
        )
    return given


def _show_change(
    name: str, before: Mapping[str, Decimal], after: Mapping[str, Decimal], as_json: bool
) -> None:
    symbols = sorted(before.keys() | after.keys())
    zero = Decimal(0)
    rows = [
        (symbol, before.get(symbol, zero), after.get(symbol, zero))
        for symbol in symbols
        if before.get(symbol, zero) != after.get(symbol, zero)
    ]
    if as_json:
        changes = {symbol: {"before": plain(old), "after": plain(new)} for symbol, old, new in rows}
        print(json.dumps({"book": name, "changes": changes}))
    elif rows:
        shown = ((symbol, plain(old), plain(new), plain(new - old)) for symbol, old, new in rows)
        console().print(table(("INSTRUMENT", "BEFORE", "AFTER", "CHANGE"), shown))
    else:
        print(f"book {name} has these positions already")
