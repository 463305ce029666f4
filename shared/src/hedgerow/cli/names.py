"""How resources are named on the command line."""

from enum import StrEnum

from hedgerow.cli.exits import UsageError


class Kind(StrEnum):
    STRATEGY = "HedgeStrategy"
    VENUE = "Venue"
    HALT = "Halt"


_SPELLINGS = {
    "hedgestrategy": Kind.STRATEGY,
    "hedgestrategies": Kind.STRATEGY,
    "strategy": Kind.STRATEGY,
    "strategies": Kind.STRATEGY,
    "venue": Kind.VENUE,
    "venues": Kind.VENUE,
    "halt": Kind.HALT,
    "halts": Kind.HALT,
}


def kind_of(text: str) -> Kind:
    """The kind that someone wrote, in singular or plural, in any case.

    Raises:
        UsageError: there is no such kind.
    """
    kind = _SPELLINGS.get(text.lower())
    if kind is None:
        raise UsageError(f'"{text}" is no kind; there are strategies, venues and halts')
    return kind


def key_of(name: str, namespace: str) -> str:
    """`namespace/name` of a name that may already carry its namespace."""
    return name if "/" in name else f"{namespace}/{name}"


def age(seconds: float) -> str:
    """An age as people read it: 0.2 s, 45 s, 12 min, 3.5 h, 2.0 d."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"
