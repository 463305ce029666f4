"""Whose limit binds."""

from decimal import Decimal


def lowest(*limits: tuple[Decimal | None, str]) -> tuple[Decimal | None, str]:
    """The lowest limit and whose it is, the first of equal ones; None when nobody sets one."""
    named = [(limit, whose) for limit, whose in limits if limit is not None]
    return min(named, key=lambda item: item[0], default=(None, ""))
