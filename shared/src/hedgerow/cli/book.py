"""`hedgerow book load` and `hedgerow book show`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hedgerow.cli.book_csv import BookFile, read_book_csv
from hedgerow.cli.csv_rows import CsvRefused
from hedgerow.cli.exits import ExitCode, Refused, UsageError
from hedgerow.cli.gateway import Book, GatewayAddress, get_book, put_book
from hedgerow.cli.tables import console, table
from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.loans import ASSETS, Loan
from hedgerow.domain.money import parse_decimal, plain
from hedgerow.domain.positions import Entry
from hedgerow.domain.times import parse_time, show_time

NOW = "now"
# What a book holds, as it is shown and compared: by instrument or by loan, in canonical text.
Content = dict[str, Any]


async def load_book(
    gateway: GatewayAddress, name: str, file: Path, as_of: str | None, dry_run: bool, as_json: bool
) -> ExitCode:
    """Replace a book's positions or loans with a file's. Nothing is sent when anything of the file is wrong.

    Raises:
        Refused: the file, or the gateway's reasons. UsageError: no time, or two.
    """
    told = _read(file)
    held_at = _as_of(told, as_of)
    kind, after = _content_of_file(told)
    known = await get_book(gateway, name)
    if known is not None and known.kind.lower() != kind:
        raise Refused(
            f"nothing was sent: book {name} holds {known.kind.lower()} and {file} holds {kind}; load it under "
            "another name"
        )
    entries = {symbol: _entry(entry) for symbol, entry in told.entries.items()}
    before, entries_before = ({}, {}) if known is None else (_content(known), known.entries)
    # The same again only confirms what is known, under the sequence that it has.
    same = (before, entries_before) == (after, entries)
    sequence = 1 if known is None else known.sequence + (not same)
    if not dry_run:
        positions = {"positions": after, "entries": entries}
        content = {"loans": list(after.values())} if kind == "loans" else positions
        book = await put_book(gateway, name, sequence, held_at, content)
    _show_change(name, kind, before, after, _changes(entries_before, entries, None), as_json)
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
    print(f"book {book.name}: sequence {book.sequence}, as of {book.as_of}")
    if book.kind == "Loans":
        console().print(table(("LOAN", "OWED"), ((loan["id"], _words(loan)) for loan in book.loans)))
    else:
        rows = (
            (symbol, quantity, _entry_words(book.entries.get(symbol)))
            for symbol, quantity in sorted(book.positions.items())
        )
        console().print(table(("INSTRUMENT", "QUANTITY", "ENTRY"), rows))
    return ExitCode.OK


def _read(file: Path) -> BookFile:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"nothing was sent: {file} cannot be read: {error}") from None
    try:
        return read_book_csv(text, LISTINGS, ASSETS)
    except CsvRefused as error:
        found = "\n".join(f"{file}: {problem}" for problem in error.problems)
        raise Refused(f"{found}\nnothing was sent: {len(error.problems)} problems in {file}") from None


def _as_of(told: BookFile, option: str | None) -> str:
    if told.as_of is not None and option is not None:
        raise UsageError("the file has a column as_of; leave --as-of out")
    given = told.as_of or option
    if given is None:
        raise UsageError(
            "say when it was so: --as-of TIME (e.g. 2026-03-01T12:00:00Z, or now), or a column as_of"
        )
    if given == NOW:
        return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    try:
        parse_time(given)
    except ValueError as error:
        raise UsageError(f"as_of {given!r} {error}") from None
    return given


def _content_of_file(told: BookFile) -> tuple[str, Content]:
    if told.loans is not None:
        return "loans", {name: _loan(loan) for name, loan in told.loans.items()}
    return "positions", {symbol: plain(quantity) for symbol, quantity in (told.positions or {}).items()}


def _content(book: Book) -> Content:
    return {loan["id"]: loan for loan in book.loans} if book.kind == "Loans" else dict(book.positions)


def _entry(entry: Entry) -> dict[str, str]:
    """As the gateway shows it."""
    return {"price": plain(entry.price), "since": show_time(entry.since_ns)}


def _entry_words(entry: Mapping[str, str] | None) -> str:
    return "-" if entry is None else f"{entry['price']} since {entry['since']}"


def _loan(loan: Loan) -> dict[str, Any]:
    """As the gateway shows it."""
    return {
        "id": loan.id,
        "asset": loan.asset,
        "principal": plain(loan.principal),
        "interest": plain(loan.interest),
        "annual_rate": plain(loan.annual_rate),
        "since": show_time(loan.since_ns),
        "collateral": {asset: plain(units) for asset, units in loan.collateral.items()},
    }


def _words(loan: Mapping[str, Any]) -> str:
    rate = plain(parse_decimal(loan["annual_rate"]) * 100)
    pledged = ", ".join(f"{units} {asset}" for asset, units in sorted(loan["collateral"].items()))
    owed = f"{loan['principal']} {loan['asset']} + {loan['interest']} interest at {rate} %"
    return f"{owed}, since {loan['since'][:10]}" + (f", against {pledged}" if pledged else "")


Changes = dict[str, tuple[Any, Any]]


def _changes(before: Content, after: Content, absent: Any) -> Changes:
    """Before and after, of each key that differs."""
    return {
        key: (before.get(key, absent), after.get(key, absent))
        for key in sorted(before.keys() | after.keys())
        if before.get(key, absent) != after.get(key, absent)
    }


def _show_change(
    name: str, kind: str, before: Content, after: Content, entries: Changes, as_json: bool
) -> None:
    rows = _changes(before, after, None if kind == "loans" else "0")
    if as_json:
        print(json.dumps({"book": name, "changes": _as_json(rows), "entries": _as_json(entries)}))
        return
    if not rows and not entries:
        print(f"book {name} has these {kind} already")
    if rows and kind == "loans":
        shown = (
            (key, *("-" if loan is None else _words(loan) for loan in loans)) for key, loans in rows.items()
        )
        console().print(table(("LOAN", "BEFORE", "AFTER"), shown))
    elif rows:
        moved = (
            (key, old, new, plain(parse_decimal(new) - parse_decimal(old)))
            for key, (old, new) in rows.items()
        )
        console().print(table(("INSTRUMENT", "BEFORE", "AFTER", "CHANGE"), moved))
    if entries:
        told = ((symbol, *map(_entry_words, pair)) for symbol, pair in entries.items())
        console().print(table(("INSTRUMENT", "ENTRY BEFORE", "ENTRY AFTER"), told))


def _as_json(rows: Changes) -> dict[str, dict[str, Any]]:
    return {key: {"before": old, "after": new} for key, (old, new) in rows.items()}
