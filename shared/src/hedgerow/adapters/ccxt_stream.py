"""A venue account's private WebSocket through ccxt.pro: news of orders, as hints to look at them over REST."""

import asyncio

import ccxt.pro as ccxt_pro

from hedgerow.adapters.ccxt_client import Place, open_client
from hedgerow.adapters.venue import StreamLost


class CcxtStream:
    """One connection. It stalls silently at times, so nothing may depend on it alone."""

    def __init__(self, place: Place, api_key: str, secret: str) -> None:
        """
        Raises:
            VenueUnfit: the hosts are not those of the environment.
        """
        self._place = place
        self._client = open_client(ccxt_pro, place, api_key, secret)
        self._living: asyncio.Task[object] | None = None

    async def open(self) -> None:
        try:
            await self._client.load_markets()
            url = await self._client.get_url_by_market_type(None, True, "watchOrders")
            await self._client.authenticate(url)
        except (
            Exception
        ) as error:  # a hint must never end the executor, whatever the library makes of a message
            raise self._lost(error) from error
        # Bybit's sign of life. No message of it ever comes, so nobody waits for one.
        self._living = asyncio.create_task(self._client.watch_topics(url, ["dcp"], ["dcp"]))

    async def news(self) -> list[str]:
        try:
            orders = await self._client.watch_orders()
        except Exception as error:
            raise self._lost(error) from error
        return [str(order["clientOrderId"]) for order in orders if order["clientOrderId"]]

    async def close(self) -> None:
        if self._living is not None:
            self._living.cancel()
            await asyncio.gather(self._living, return_exceptions=True)
        await self._client.close()

    def _lost(self, error: Exception) -> StreamLost:
        return StreamLost(f"the stream of {self._place.name} is lost: {type(error).__name__}: {error}")
