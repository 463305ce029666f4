"""Hedge curves: scipy's PCHIP, monotone, and strict about their knots."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from hedgerow.kernels import HedgeCurve


@st.composite
def knots(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    inner = draw(st.lists(st.floats(0.01, 0.99), max_size=8, unique_by=lambda x: round(x, 2)))
    x = [0.0, *sorted(inner), 1.0]
    rises = draw(st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 10)), min_size=len(x), max_size=len(x)))
    return x, np.cumsum(rises).tolist()


@given(curve=knots())
def test_it_is_scipys_pchip(curve: tuple[list[float], list[float]]) -> None:
    x, y = curve
    points = np.linspace(0, 1, 301)
    expected = PchipInterpolator(x, y)(points)
    ours = HedgeCurve(x, y)
    assert ours(points) == pytest.approx(expected, abs=1e-12 * (1 + y[-1]))
    assert [ours(float(p)) for p in points] == pytest.approx(expected, abs=1e-12 * (1 + y[-1]))


@given(curve=knots())
def test_it_never_falls_and_meets_its_knots(curve: tuple[list[float], list[float]]) -> None:
    x, y = curve
    ours = HedgeCurve(x, y)
    assert (np.diff(ours(np.linspace(0, 1, 1_001))) >= -1e-12 * (1 + y[-1])).all()
    assert [ours(point) for point in x] == pytest.approx(y, abs=1e-12 * (1 + y[-1]))


def test_two_knots_make_a_straight_line() -> None:
    curve = HedgeCurve([0, 1], [0.2, 1.0])
    assert curve(0.25) == pytest.approx(0.4)
    assert curve(np.array([[0.0, 0.5], [0.75, 1.0]])).tolist() == [
        pytest.approx([0.2, 0.6]),
        pytest.approx([0.8, 1.0]),
    ]


def test_another_domain_can_be_declared() -> None:
    curve = HedgeCurve([-1, 0, 1], [0, 0.5, 1], domain=(-1, 1))
    assert curve.domain == (-1, 1)
    assert curve(-1.0) == 0
    assert curve(1.0) == 1


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        ([0, 1], [0], "2 knots in x, but 1 in y; every knot needs both"),
        ([0], [0], "1 knots; a curve needs at least 2"),
        ([0, 0.5, 0.5, 1], [0, 1, 2, 3], "x[2] is 0.5 after 0.5; x must increase"),
        ([0, 0.5, 1], [0, 1, 0.9], "y[2] is 0.9 after 1.0; y must not decrease"),
        ([0, float("nan"), 1], [0, 1, 2], "x[1] is nan; knots must be finite"),
        ([0, 0.5, 1], [0, 1, float("inf")], "y[2] is inf; knots must be finite"),
        ([0.1, 1], [0, 1], "the knots span [0.1, 1.0]; they must span the domain [0.0, 1.0]"),
        ([0, 0.9], [0, 1], "the knots span [0.0, 0.9]; they must span the domain [0.0, 1.0]"),
    ],
)
def test_knots_that_make_no_hedge_curve_are_refused(x: list[float], y: list[float], text: str) -> None:
    with pytest.raises(ValueError, match=r"knot|must") as caught:
        HedgeCurve(x, y)
    assert str(caught.value) == text


def test_a_domain_that_is_none_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"the domain is \[1, 0\]; it needs two finite ends, the lower first"
    ):
        HedgeCurve([0, 1], [0, 1], domain=(1, 0))


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (1.5, "x is 1.5; the curve is declared on [0.0, 1.0]"),
        (float("nan"), "x is nan; the curve is declared on [0.0, 1.0]"),
        (np.array([0.5, -0.1]), "x[1] is -0.1; the curve is declared on [0.0, 1.0]"),
        (np.array([1, 0]), "x is an array of dtype int64; a float64 numpy array is needed"),
    ],
)
def test_a_score_outside_the_domain_is_refused(x: Any, text: str) -> None:
    with pytest.raises(ValueError, match="x") as caught:
        HedgeCurve([0, 1], [0, 1])(x)
    assert str(caught.value) == text
