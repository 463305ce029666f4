import msgspec
import pytest
from faults import reliability_page
from faults.reliability_page import Cost, Record, Row

ROW = Row(
    scenario="broker killed",
    full="20 kills",
    ran="2 kills",
    orders=1_234,
    doubled=0,
    lost=0,
    violations=(),
    recoveries_s=(1.0, 2.0, 9.5),
    noted="",
    at="2026-01-02 03:04",
    seed=7,
    load="2.5",
)


def test_the_page_is_what_the_runs_left() -> None:
    assert reliability_page.PAGE.read_text() == reliability_page.render(reliability_page.read())


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (
            ROW,
            [
                "20 kills",
                "2 kills",
                "1,234",
                "0",
                "0",
                "hold",
                "2.0 / 9.5 (3)",
                "–",
                "",
                "2026-01-02 03:04, 7",
                "2.5",
            ],
        ),
        (
            msgspec.structs.replace(
                ROW, ran="20 kills", orders=None, doubled=None, violations=("I1: a | b",)
            ),
            [
                "20 kills",
                "full",
                "–",
                "–",
                "0",
                "I1: a / b",
                "2.0 / 9.5 (3)",
                "–",
                "",
                "2026-01-02 03:04, 7",
                "2.5",
            ],
        ),
    ],
)
def test_a_row_says_its_scale_and_what_did_not_hold(row: Row, cells: list[str]) -> None:
    page = reliability_page.render(Record(rows={row.scenario: row}))
    (line,) = [line for line in page.splitlines() if line.startswith("| broker killed")]
    assert [cell.strip() for cell in line.strip("|").split("|")][1:] == cells


def test_the_cost_of_safety_is_a_ratio_of_what_was_measured_together() -> None:
    cost = Cost(
        rate=100,
        hedges=50,
        ledger_p50_ms=10.0,
        ledger_p99_ms=40.0,
        bare_p50_ms=20.0,
        bare_p99_ms=80.0,
        at="2026-01-02 03:04",
    )
    assert "| 100 | 50 | 10.0 | 40.0 | 20.0 | 80.0 | 0.50 | 2026-01-02 03:04 |" in reliability_page.render(
        Record(costs=[cost])
    )
