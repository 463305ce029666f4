"""A book's CSV file.

I1: what a file says is read exactly, in any order of rows and columns.
I2: a file is either read whole or refused; every problem names its line.
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.cli.book_csv import BookFile, read_book_csv
from hedgerow.cli.csv_rows import CsvRefused
from hedgerow.domain.positions import Entry
from hedgerow.domain.times import parse_time

ASSETS = ("BTC", "ETH", "USDT")
LISTED = ("BTC/USDT", "BTC/USDT:USDT", "ETH/USDT")
QUANTITIES = st.decimals(-(10**9), 10**9, places=12)


def problems(text: str) -> list[str]:
    with pytest.raises(CsvRefused) as refused:
        read_book_csv(text, LISTED, ASSETS)
    return list(map(str, refused.value.problems))


@given(
    st.dictionaries(st.sampled_from(LISTED), QUANTITIES, min_size=1),
    st.permutations(["instrument", "quantity", "as_of"]),
    st.booleans(),
)
def test_i1_a_file_is_read_exactly(positions: dict[str, Decimal], header: list[str], crlf: bool) -> None:
    time = "2026-03-01T12:00:00Z"
    lines = [",".join(header)]
    for symbol, quantity in positions.items():
        fields = {"instrument": symbol, "quantity": f"{quantity:f}", "as_of": time}
        lines.append(",".join(fields[name] for name in header))
    assert read_book_csv(("\r\n" if crlf else "\n").join(lines), LISTED, ASSETS) == BookFile(positions, time)


@given(st.text(alphabet='instrumentquantity,-1.5eE_ \n\r"BTC/USDT:\0', max_size=120))
def test_i2_anything_is_read_or_refused_with_lines(text: str) -> None:
    for content in (text, "instrument,quantity\n" + text):
        found: BookFile | CsvRefused
        try:
            found = read_book_csv(content, LISTED, ASSETS)
        except CsvRefused as error:
            found = error
        if isinstance(found, BookFile):
            assert found.positions
        else:
            assert found.problems
            assert all(problem.line >= 0 and problem.right for problem in found.problems)


def test_blank_lines_spaces_quotes_and_a_capital_header_are_fine() -> None:
    text = 'Instrument, Quantity\n\n "BTC/USDT" , -1.50\n,\nETH/USDT,+2\n'
    # A field that does not begin with its quote keeps it, as every CSV reader has it.
    assert problems(text) == [
        "line 3, instrument: '\"BTC/USDT\"' is not listed; listed are BTC/USDT, BTC/USDT:USDT, ETH/USDT"
    ]
    assert read_book_csv(text.replace(' "BTC/USDT" ', '"BTC/USDT"'), LISTED, ASSETS).positions == {
        "BTC/USDT": Decimal("-1.5"),
        "ETH/USDT": Decimal(2),
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, header: '' is missing: instrument,quantity"),
        ("instrument\nBTC/USDT\n", "line 1, header: 'instrument' lacks the column quantity"),
        ("instrument,quantity,price\n", "'price' is no column of a book"),
        ("instrument,quantity,quantity\n", "'quantity' is there more than once"),
        ("instrument,quantity\n", "has no rows; a flat book lists its instruments with quantity 0"),
        ('instrument,quantity\n"BTC/USDT,1\n', "is no CSV"),
    ],
)
def test_a_file_that_is_no_book_is_refused(text: str, words: str) -> None:
    assert words in problems(text)[0]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("BTCUSDT,1", "instrument: 'BTCUSDT' is not listed; listed are BTC/USDT"),
        (",1", "instrument: '' is not listed"),
        ("ETH/USDT", "row: 'ETH/USDT' has 1 fields, the header names 2"),
        ("ETH/USDT,1,2", "row: 'ETH/USDT,1,2' has 3 fields"),
        ('ETH/USDT,"1,000"', "quantity: '1,000' should be a decimal number without separators"),
        ("ETH/USDT,", "quantity: '' should be a decimal number"),
        ("ETH/USDT,NaN", "quantity: 'NaN' should be a decimal number"),
        ("ETH/USDT,-Infinity", "quantity: '-Infinity' should be a decimal number"),
        ("ETH/USDT,1_000", "quantity: '1_000' should be a decimal number"),
        ("ETH/USDT,٣", "quantity: '٣' should be a decimal number"),
        ("ETH/USDT,1e13", "between 0.000000000001 and 1000000000000 in size"),
        ("ETH/USDT,1e-13", "between 0.000000000001 and 1000000000000 in size"),
        ("ETH/USDT,1.0000000000001", "at most 12 decimals"),
        ("BTC/USDT,2", "instrument: 'BTC/USDT' is on line 2 already"),
    ],
)
def test_a_bad_row_is_named_with_its_line(row: str, words: str) -> None:
    (problem,) = problems(f"instrument,quantity\nBTC/USDT,1\n{row}\n")
    assert problem.startswith("line 3, ")
    assert words in problem


def test_every_problem_is_told_at_once() -> None:
    text = "instrument,quantity,as_of\nNO,x,a\nBTC/USDT,1,b\nETH/USDT,,\nBTC/USDT,2,a\n"
    assert [problem.split(":")[0] for problem in problems(text)] == [
        "line 2, quantity",
        "line 2, instrument",
        "line 3, as_of",
        "line 4, quantity",
        "line 4, as_of",
        "line 5, instrument",
    ]


ENTERED = "instrument,quantity,entry_price,since\n"


def test_entries_are_read_where_they_are_told() -> None:
    text = ENTERED + "BTC/USDT,-1.5,61000.25,2026-03-01T11:00:00Z\nETH/USDT,2,,\n"
    assert read_book_csv(text, LISTED, ASSETS) == BookFile(
        {"BTC/USDT": Decimal("-1.5"), "ETH/USDT": Decimal(2)},
        None,
        entries={"BTC/USDT": Entry(price=Decimal("61000.25"), since_ns=parse_time("2026-03-01T11:00:00Z"))},
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("BTC/USDT,1,60000,", "line 2, since: ''"),
        ("BTC/USDT,1,,2026-03-01T11:00:00Z", "line 2, entry_price: ''"),
        ("BTC/USDT,1,-5,2026-03-01T11:00:00Z", "line 2, entry_price: '-5' should be positive"),
        ("BTC/USDT,1,0,2026-03-01T11:00:00Z", "line 2, entry_price: '0' should be positive"),
        ("BTC/USDT,1,60000,soon", "line 2, since: 'soon' should be an RFC 3339 time"),
        ("BTC/USDT,0,60000,2026-03-01T11:00:00Z", "line 2, quantity: '0' is flat and has no entry"),
    ],
)
def test_half_an_entry_and_one_of_nothing_are_refused(row: str, said: str) -> None:
    (found,) = problems(f"{ENTERED}{row}\n")
    assert found.startswith(said), found


def test_a_file_with_half_of_the_entry_s_columns_is_refused() -> None:
    (found,) = problems("instrument,quantity,entry_price\nBTC/USDT,1,5\n")
    assert "lacks the column since" in found
