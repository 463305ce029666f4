"""Black-Scholes in 40-digit arithmetic, written from the textbook."""

from mpmath import erfc, exp, log, mp, mpf, pi, sqrt

NAMES = ("price", "delta", "gamma", "vega", "theta", "rho", "vanna", "charm", "vomma")


def exact(
    spot: float, strike: float, time: float, rate: float, carry: float, vol: float, is_call: bool
) -> dict[str, mpf]:
    """Every value by its closed form (Haug 2007, chapters 1 and 2), for time and vol above 0."""
    with mp.workdps(40):
        s, k, t, r, b, v = (mpf(float(x)) for x in (spot, strike, time, rate, carry, vol))
        w = 1 if is_call else -1
        deviation = v * sqrt(t)
        d1 = (log(s / k) + (b + v * v / 2) * t) / deviation
        d2 = d1 - deviation
        n1, n2 = erfc(-w * d1 / sqrt(2)) / 2, erfc(-w * d2 / sqrt(2)) / 2
        density = exp(-d1 * d1 / 2) / sqrt(2 * pi)
        factor, discount = exp((b - r) * t), exp(-r * t)
        vega = s * factor * density * sqrt(t)
        return {
            "price": w * (s * factor * n1 - k * discount * n2),
            "delta": w * factor * n1,
            "gamma": factor * density / (s * deviation),
            "vega": vega,
            "theta": -s * factor * density * v / (2 * sqrt(t))
            - w * (b - r) * s * factor * n1
            - w * r * k * discount * n2,
            "rho": w * t * k * discount * n2,
            "vanna": -factor * density * d2 / v,
            "charm": -factor * (density * (b / deviation - d2 / (2 * t)) + w * (b - r) * n1),
            "vomma": vega * d1 * d2 / v,
        }
