"""Whether three independent accounts of the same hedges agree: the venue's, the ledger's, the journal's."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from hedgerow.domain.money import ZERO, plain

# Signed contracts by instrument.
Positions = Mapping[str, Decimal]


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """What each side says of one account.

    Attributes:
        venue: the venue's position endpoint; ledger: the ledger's positions; journal: the exchange's journal,
            added up execution by execution.
        journal_orders: the client order id of every order in the journal, as often as it is there.
        intents: the intent behind each client order id, as the ledger has it.
    """

    venue: dict[str, Decimal]
    ledger: dict[str, Decimal]
    journal: dict[str, Decimal]
    journal_orders: tuple[str, ...]
    intents: dict[str, int]


def imbalances(accounts: Accounts) -> list[str]:
    """Every disagreement, in words; empty when the accounts balance."""
    return [
        *_position_differences(accounts.venue, accounts.ledger, accounts.journal),
        *_order_differences(accounts.journal_orders, accounts.intents),
    ]


def _position_differences(venue: Positions, ledger: Positions, journal: Positions) -> list[str]:
    differences = []
    for instrument in sorted({*venue, *ledger, *journal}):
        said = [side.get(instrument, ZERO) for side in (venue, ledger, journal)]
        if len(set(said)) > 1:
            numbers = [plain(number) for number in said]
            differences.append(
                f"{instrument}: the venue says {numbers[0]}, the ledger {numbers[1]}, the journal {numbers[2]}"
            )
    return differences


def _order_differences(orders: Sequence[str], intents: Mapping[str, int]) -> list[str]:
    counts = Counter(orders)
    twice = [f"order {name} is {count} times in the journal" for name, count in counts.items() if count > 1]
    foreign = [
        f"order {name!r} in the journal is no intent of the ledger" for name in counts.keys() - intents
    ]
    return sorted(twice) + sorted(foreign)
