"""A book of loans from a CSV file.

I1: what a file says is read exactly, in any order of columns.
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.cli.book_csv import COLLATERAL, LOAN, BookFile, read_book_csv
from hedgerow.cli.csv_rows import AS_OF, CsvRefused
from hedgerow.domain.loans import Loan
from hedgerow.domain.money import plain
from hedgerow.domain.times import show_time

ASSETS = ("BTC", "ETH", "USDT")
HEADER = ",".join((*LOAN, COLLATERAL))
AMOUNTS = st.decimals("0.000000000001", 10**9, places=12)
LOANS = st.builds(
    Loan,
    id=st.text("abcdefgh-7", min_size=1, max_size=12),
    asset=st.sampled_from(ASSETS),
    principal=AMOUNTS,
    interest=st.just(Decimal(0)) | AMOUNTS,
    annual_rate=st.decimals(0, 2, places=6),
    since_ns=st.integers(0, 2 * 10**18),
    collateral=st.dictionaries(st.sampled_from(ASSETS), AMOUNTS),
)


def problems(text: str) -> list[str]:
    with pytest.raises(CsvRefused) as refused:
        read_book_csv(text, (), ASSETS)
    return list(map(str, refused.value.problems))


@given(
    st.lists(LOANS, min_size=1, unique_by=lambda loan: loan.id), st.permutations([*LOAN, COLLATERAL, AS_OF])
)
def test_i1_a_file_is_read_exactly(loans: list[Loan], header: list[str]) -> None:
    time = "2026-03-01T12:00:00Z"
    lines = [",".join(header)]
    for loan in loans:
        fields = {
            "id": loan.id,
            "asset": loan.asset,
            "principal": plain(loan.principal),
            "interest": plain(loan.interest),
            "annual_rate": plain(loan.annual_rate),
            "since": show_time(loan.since_ns),
            "collateral": ";".join(f"{asset}={plain(units)}" for asset, units in loan.collateral.items()),
            "as_of": time,
        }
        lines.append(",".join(fields[name] for name in header))
    assert read_book_csv("\n".join(lines), (), ASSETS) == BookFile(
        None, time, {loan.id: loan for loan in loans}
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,BTC,1,0,0.06,2026-02-01T00:00:00Z,", "id: 'a' is there already; a book has one row per loan"),
        (",BTC,1,0,0.06,2026-02-01T00:00:00Z,", "id: '' should name the loan"),
        ("b,DOGE,1,0,0.06,2026-02-01T00:00:00Z,", "asset: 'DOGE' is no asset here; they are BTC, ETH, USDT"),
        ("b,BTC,one,0,0.06,2026-02-01T00:00:00Z,", "principal: 'one' should be a decimal number"),
        ("b,BTC,1,,0.06,2026-02-01T00:00:00Z,", "interest: '' should be a decimal number"),
        ("b,BTC,1,0,6%,2026-02-01T00:00:00Z,", "annual_rate: '6%' should be a decimal number"),
        ("b,BTC,1,0,0.06,2026-02-01,", "since: '2026-02-01' should be an RFC 3339 time"),
        ("b,BTC,1,0,0.06,2026-02-30T00:00:00Z,", "since: '2026-02-30T00:00:00Z' is no time of the calendar"),
        ("b,BTC,1,0,0.06,2026-02-01T00:00:00Z,0.5 BTC", "collateral: '0.5 BTC' should be assets, each once"),
        ("b,BTC,1,0,0.06,2026-02-01T00:00:00Z,BTC=1;BTC=2", "collateral: 'BTC=1;BTC=2' should be assets"),
        ("b,BTC,1,0,0.06,2026-02-01T00:00:00Z,BTC=x", "collateral: 'x' should be a decimal number"),
        ("b,BTC,1,0,0.06,2026-02-01T00:00:00Z,XRP=1", "collateral: 'XRP' is no asset here"),
    ],
)
def test_a_bad_row_is_named_with_its_line(row: str, words: str) -> None:
    (problem,) = problems(f"{HEADER}\na,BTC,1,0,0.06,2026-02-01T00:00:00Z,\n{row}\n")
    assert problem.startswith("line 3, ")
    assert words in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,asset,principal\n", "lacks the column interest"),
        (f"{HEADER},quantity\n", "'quantity' is no column of a book; they are id, asset, principal"),
        (f"{HEADER}\n", "has no rows; tell a book without loans through the API"),
    ],
)
def test_a_file_that_is_no_book_is_refused(text: str, words: str) -> None:
    assert words in problems(text)[0]
