"""What the result of one option of a batch means."""

from enum import IntEnum


class Status(IntEnum):
    """The status of one option; every status but OK comes with NaN.

    Attributes:
        OK: the result stands.
        BELOW_INTRINSIC: the price is below the discounted intrinsic value, so no volatility gives it.
        ABOVE_BOUND: the price is at or above what infinite volatility gives, or has time value at expiry.
        NO_TIME_VALUE: the price is the intrinsic value to within rounding, so it says nothing about volatility.
        NOT_FINITE: an input is NaN or infinite (only with `strict=False`).
        OUT_OF_DOMAIN: an input is finite but impossible, such as a negative time (only with `strict=False`).
        UNRESOLVED: a volatility exists, but float64 does not pin it down.
    """

    OK = 0
    BELOW_INTRINSIC = 1
    ABOVE_BOUND = 2
    NO_TIME_VALUE = 3
    NOT_FINITE = 4
    OUT_OF_DOMAIN = 5
    UNRESOLVED = 6
