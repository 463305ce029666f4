"""Derives `src/coefficients.rs` in 40-digit arithmetic: `python coefficients.py > src/coefficients.rs`.

Every table is a Chebyshev series, cut where its error is below float64's rounding (the seed's: below 1e-4), and
rewritten in powers of its argument.
"""

from collections.abc import Callable

from mpmath import cos as cosine
from mpmath import erfc, exp, findroot, log, mp, mpf, pi, sqrt

mp.dps = 40

# The normal tail: M(z) (z + SHIFT) = P(SLOPE / (z + POLE) + OFFSET) for LOW <= z <= HIGH.
LOW, HIGH, POLE, SHIFT = mpf("-0.1"), mpf(40), mpf("5.5"), mpf("1.25")
# The seed of implied volatility: R(w) = (w / a(w))^2 / (w + BEND) as a polynomial of w / (w + BEND).
BEND, WIDEST = mpf(15), mpf(750)


def mills(z: mpf) -> mpf:
    """Mills' ratio N(-z) / phi(z)."""
    return sqrt(pi / 2) * exp(z * z / 2) * erfc(z / sqrt(2))


def powers(function: Callable[[mpf], mpf], terms: int, low: mpf, high: mpf) -> list[mpf]:
    """Coefficients, lowest first, of the Chebyshev series of `function` on [low, high] cut after `terms`."""
    nodes = [cosine(pi * (k + mpf(1) / 2) / 64) for k in range(64)]
    values = [function(low + (high - low) * (node + 1) / 2) for node in nodes]
    unit = [mpf(0)] * terms
    before, now = [mpf(1)], [mpf(0), mpf(1)]
    for j in range(terms):
        weight = sum(v * cosine(pi * j * (k + mpf(1) / 2) / 64) for k, v in enumerate(values)) / (
            32 if j else 64
        )
        for i, c in enumerate(before):
            unit[i] += weight * c
        doubled = [mpf(0)] + [2 * c for c in now]
        for i, c in enumerate(before):
            doubled[i] -= c
        before, now = now, doubled
    return shifted(unit, 2 / (high - low), -(high + low) / (high - low))


def shifted(unit: list[mpf], slope: mpf, offset: mpf) -> list[mpf]:
    """The polynomial `unit(slope * x + offset)` in powers of x, by Horner's rule on polynomials."""
    result = [mpf(0)] * len(unit)
    for c in reversed(unit):
        times_x = [mpf(0), *result[:-1]]
        result = [offset * r + slope * x for r, x in zip(result, times_x, strict=True)]
        result[0] += c
    return result


def mapped_mills(t: mpf) -> mpf:
    high, low = 1 / (LOW + POLE), 1 / (HIGH + POLE)
    z = 1 / (high + (low - high) * (t + 1) / 2) - POLE
    return mills(z) * (z + SHIFT)


def seed_shape(u: mpf) -> mpf:
    """R at w = BEND u / (1 - u), where w = ln(1 + 1/eta) and a solves eta = phi(a) / a - N(-a)."""
    w = BEND * u / (1 - u)
    ratio = 1 / (exp(w) - 1)

    def excess(a: mpf) -> mpf:
        return log(1 / a - mills(a)) - a * a / 2 - log(2 * pi) / 2 - log(ratio)

    value = findroot(excess, (mpf("1e-8"), mpf(60)), solver="illinois", tol=1e-25)
    return (w / value) ** 2 / (w + BEND)


def logarithm_tail(z: mpf) -> mpf:
    """(atanh(s) / s - 1) / z at z = s^2."""
    if z < mpf("1e-9"):
        return mpf(1) / 3 + z / 5 + z * z / 7
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) / 2 / s - 1) / z


def exponential_tail(r: mpf) -> mpf:
    """(e^r - 1 - r) / r^2."""
    return mpf(1) / 2 + r / 6 + r * r / 24 if abs(r) < mpf("1e-12") else (exp(r) - 1 - r) / r**2


def table(name: str, note: str, values: list[mpf]) -> None:
    print(f"\n/// {note}\n#[rustfmt::skip]\npub const {name}: [f64; {len(values)}] = [")
    for value in values:
        print(f"    {float(value)!r},")
    print("];")


def main() -> None:
    high, low = 1 / (LOW + POLE), 1 / (HIGH + POLE)
    print("//! Written by `coefficients.py`; change that, not this.")
    print("#![allow(clippy::excessive_precision, clippy::approx_constant)]\n")
    for name, value in (
        ("MILLS_LOW", LOW),
        ("MILLS_POLE", POLE),
        ("MILLS_SHIFT", SHIFT),
        ("MILLS_SLOPE", 2 / (low - high)),
        ("MILLS_OFFSET", -2 * high / (low - high) - 1),
        ("SEED_BEND", BEND),
    ):
        print(f"pub const {name}: f64 = {float(value)!r};")
    half = log(2) / 2
    table(
        "MILLS",
        "M(z) (z + shift), by powers of slope / (z + pole) + offset.",
        powers(mapped_mills, 21, mpf(-1), mpf(1)),
    )
    table("EXP", "(e^r - 1 - r) / r^2 for |r| <= ln 2 / 2.", powers(exponential_tail, 10, -half, half))
    table(
        "ATANH",
        "(atanh(s) / s - 1) / s^2 by powers of s^2, s^2 <= 0.04.",
        powers(logarithm_tail, 8, mpf(0), mpf("0.0401")),
    )
    widest = WIDEST / (WIDEST + BEND)
    table(
        "SEED",
        "(w / a)^2 / (w + bend) by powers of w / (w + bend).",
        powers(seed_shape, 10, mpf("1e-6"), widest),
    )


if __name__ == "__main__":
    main()
