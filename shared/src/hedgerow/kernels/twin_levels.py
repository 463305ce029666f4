"""One side of a rebuilt book: quantity by price, best first."""

from bisect import bisect_left, insort


class Levels:
    """Prices kept sorted from worst to best by their rank."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._quantities: dict[int, int] = {}
        self._ranks: list[int] = []

    def __len__(self) -> int:
        return len(self._ranks)

    def get(self, price: int) -> int:
        return self._quantities.get(price, 0)

    def set(self, price: int, quantity: int) -> None:
        """Quantity 0 takes the level away."""
        rank = price * self._side
        if quantity:
            if price not in self._quantities:
                insort(self._ranks, rank)
            self._quantities[price] = quantity
        elif self._quantities.pop(price, None) is not None:
            del self._ranks[bisect_left(self._ranks, rank)]

    def best(self) -> tuple[int, int] | None:
        if not self._ranks:
            return None
        price = self._ranks[-1] * self._side
        return price, self._quantities[price]

    def top(self, limit: int) -> list[tuple[int, int]]:
        prices = [rank * self._side for rank in self._ranks[: -max(0, limit) - 1 : -1]]
        return [(price, self._quantities[price]) for price in prices]

    def beyond(self, price: int) -> list[int]:
        """Prices worse than this one."""
        return [rank * self._side for rank in self._ranks[: bisect_left(self._ranks, price * self._side)]]
