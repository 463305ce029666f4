"""One resource of each kind that is right: what cases edit, and what kubectl applies."""

from typing import Any

Data = dict[str, Any]

STRATEGY: Data = {
    "apiVersion": "hedgerow.dev/v1alpha1",
    "kind": "HedgeStrategy",
    "metadata": {"name": "btc-band"},
    "spec": {
        "mode": "Paper",
        "suspend": False,
        "currency": "USD",
        "exposure": [{"name": "clients", "book": {"name": "clients"}}],
        "hedgeWith": [{"venueRef": {"name": "paper"}, "instrument": "BTC/USDT:USDT", "priority": 1}],
        "policy": {
            "type": "Band",
            "band": [{"underlying": "BTC", "lower": "-25000", "upper": "25000", "unit": "Notional"}],
        },
        "freshness": {"quote": "3s", "book": "5s", "onStale": "Hold"},
        "execution": {
            "style": "Clips",
            "clipNotional": "10000",
            "timeInForce": "IOC",
            "maxSlippageBps": 10,
            "cooldown": "500ms",
            "unknownDeadline": "60s",
        },
        "limits": {
            "maxOrderNotional": "50000",
            "maxPositionNotional": "1000000",
            "maxOrdersPerMinute": 60,
            "priceCollarBps": 100,
        },
        "deletionPolicy": "Retain",
    },
}
VENUE: Data = {
    "apiVersion": "hedgerow.dev/v1alpha1",
    "kind": "Venue",
    "metadata": {"name": "paper"},
    "spec": {
        "type": "Builtin",
        "environment": "Paper",
        "trading": "Enabled",
        "account": {"id": "hedge-01"},
        "credentials": {
            "trade": {"secretRef": {"name": "paper.trade-keys"}},
            "read": {"secretRef": {"name": "paper.read-keys"}},
        },
        "limits": {"maxGrossNotional": "5000000", "ordersPerSecond": 10},
    },
}
HALT: Data = {
    "apiVersion": "hedgerow.dev/v1alpha1",
    "kind": "Halt",
    "metadata": {"name": "incident"},
    "spec": {"target": {"strategy": "btc-band"}, "reason": "exchange incident"},
}
BASES = {"HedgeStrategy": STRATEGY, "Venue": VENUE, "Halt": HALT}
