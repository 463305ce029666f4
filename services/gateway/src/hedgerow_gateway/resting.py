"""Orders that wait, by instrument and side, the most eager first. Pure."""

from bisect import insort
from collections.abc import Iterable, Iterator
from decimal import Decimal

from hedgerow.desk.client_orders import ClientOrder
from hedgerow.desk.filling import Touch, resting_price
from hedgerow.domain.orders import Side

_Rank = tuple[Decimal, int, str]


class RestingOrders:
    """What the ledger is known to hold as accepted. It may be behind; the ledger has the last word on every order."""

    def __init__(self) -> None:
        self._orders: dict[str, ClientOrder] = {}
        self._ranks: dict[tuple[str, Side], list[_Rank]] = {}

    def add(self, order: ClientOrder) -> None:
        """Wait for its price. An order that is known already is left as it is."""
        if order.id not in self._orders:
            self._orders[order.id] = order
            insort(self._ranks.setdefault((order.instrument, order.side), []), _rank(order))

    def remove(self, order_id: str) -> None:
        """Forget an order; one that is not known is fine."""
        order = self._orders.pop(order_id, None)
        if order is not None:
            self._ranks[order.instrument, order.side].remove(_rank(order))

    def reachable(self, instrument: str, touch: Touch) -> Iterator[tuple[ClientOrder, Decimal]]:
        """Orders that the touch has reached, and the price that each fills at: best price first, then oldest.

        Whoever fills one waits for the ledger before asking for the next: what was removed meanwhile is left out.
        """
        for side in Side:
            for _, _, order_id in list(self._ranks.get((instrument, side), ())):
                order = self._orders.get(order_id)
                if order is None:
                    continue
                price = resting_price(order, touch)
                if price is None:
                    break
                yield order, price

    def merge(self, known_before: frozenset[str], accepted: Iterable[ClientOrder]) -> None:
        """Take over what the ledger was read to hold.

        Args:
            known_before: `ids()` before the reading began. Only these may be missed in it: what was added since may be
                too new for it to show.
        """
        read = {order.id: order for order in accepted}
        for order_id in known_before - read.keys():
            self.remove(order_id)
        for order in read.values():
            self.add(order)

    def ids(self) -> frozenset[str]:
        return frozenset(self._orders)

    def __len__(self) -> int:
        return len(self._orders)


def _rank(order: ClientOrder) -> _Rank:
    assert order.limit_price is not None  # only limit orders rest
    return (order.limit_price * -order.side.sign, order.created_ns, order.id)
