"""Each control's limit: what is just inside it, and what is just outside with the code and words of the refusal."""

from decimal import Decimal

import hedge_examples as example
import msgspec
from control_facts import NOW_NS, Changes, Limits
from funds_cases import FUNDS

from hedgerow.domain.age import CLOCK_SLACK_NS
from hedgerow.domain.orders import Side
from hedgerow.execution.claim_facts import RefusalCode
from hedgerow.execution.controls import MAX_DECISION_AGE_NS
from hedgerow.strategy.compiled import Mode

QUOTE_NS = example.strategy().freshness.quote_ns
SHADOW = {"mode": Mode.SHADOW, "config": example.strategy(mode=Mode.SHADOW)}
LIVE = {"mode": Mode.LIVE, "config": example.strategy(mode=Mode.LIVE)}
LARGE_LIMITS = {"max_order_notional": Decimal(10**9), "max_position_notional": Decimal(10**9)}
EUR = msgspec.structs.replace(example.PERPETUAL, quote="EUR")
USDC = msgspec.structs.replace(example.PERPETUAL, quote="USDC")
ACCOUNT_LOSS: Changes = {"venue": example.venue(max_daily_loss=Decimal(100_000))}


def _moved_to(mid: str) -> Changes:
    """The venue's mid was 60,000.1 at the poll before."""
    after = Decimal(mid)
    ticker = example.ticker(format(after - 1, "f"), format(after + 1, "f"))
    return {
        "ticker": msgspec.structs.replace(ticker, previous_mid=Decimal("60000.1")),
        "limit_price": after,
        **LARGE_LIMITS,
    }


BUY: Changes = {"side": Side.BUY, "limit_price": Decimal("60060.0")}
LIMITS: Limits = {
    "a halt stands": (
        {},
        {"halts": ("All halted by cli: drill", "Venue desk/paper halted by ops: x")},
        RefusalCode.HALTED,
        "All halted by cli: drill; Venue desk/paper halted by ops: x",
    ),
    "age of the decision": (
        {"decided_ns": NOW_NS - MAX_DECISION_AGE_NS},
        {"decided_ns": NOW_NS - MAX_DECISION_AGE_NS - 1},
        RefusalCode.STALE_DECISION,
        "the decision is 5.000 s old, limit 5 s",
    ),
    "a decision from the future": (
        {"decided_ns": NOW_NS + CLOCK_SLACK_NS},
        {"decided_ns": NOW_NS + CLOCK_SLACK_NS + 1},
        RefusalCode.STALE_DECISION,
        "the decision is 1.000 s in the future, limit 1 s",
    ),
    "a newer generation": ({}, {"generation": 2}, RefusalCode.SUPERSEDED, "is at generation 2"),
    "the strategy is gone": ({}, {"config": None}, RefusalCode.SUPERSEDED, "is gone"),
    "venue of the leg": (
        {},
        {"venue": example.venue(), "intent": example.intent(venue="desk/other")},
        RefusalCode.NOT_PERMITTED,
        "desk/other account hedge-01 is not in the strategy's hedgeWith",
    ),
    "account of the leg": (
        {},
        {"intent": example.intent(account="hedge-02")},
        RefusalCode.NOT_PERMITTED,
        "account hedge-02 is not in",
    ),
    "instrument of the leg": (
        {},
        {"intent": example.intent(instrument="BTC/USDT")},
        RefusalCode.NOT_PERMITTED,
        "BTC/USDT on",
    ),
    "mode of the strategy": ({}, {"mode": Mode.SHADOW}, RefusalCode.NOT_PERMITTED, "Shadow trading of"),
    "paper on the built-in exchange only": (
        {"environment": "Paper"},
        {"environment": "Testnet"},
        RefusalCode.NOT_PERMITTED,
        "mode Paper on a Testnet venue",
    ),
    "live on a real venue only": (
        {**LIVE, "environment": "Testnet"},
        {**LIVE, "environment": "Paper"},
        RefusalCode.NOT_PERMITTED,
        "mode Live on a Paper venue; it trades on Testnet and Mainnet only",
    ),
    "live only where trading is enabled": (
        {**LIVE, "environment": "Mainnet", "trading_enabled": True},
        {**LIVE, "environment": "Mainnet", "trading_enabled": False},
        RefusalCode.NOT_PERMITTED,
        "trading on desk/paper is Disabled",
    ),
    "the venue that the executor speaks to": (
        {**LIVE, "environment": "Mainnet", "opened": "bybit Mainnet"},
        {**LIVE, "environment": "Testnet", "opened": "bybit Mainnet"},
        RefusalCode.NOT_PERMITTED,
        "desk/paper is bybit Testnet now, and the executor still speaks to bybit Mainnet",
    ),
    "trading is enabled": (
        {"trading_enabled": True},
        {"trading_enabled": False},
        RefusalCode.NOT_PERMITTED,
        "trading on desk/paper is Disabled",
    ),
    "the market is as it is listed": (
        {"market_problem": None},
        {"market_problem": "the tick of BTC/USDT:USDT is 0.1 USDT here and 0.5 at the venue"},
        RefusalCode.MARKET_RULES,
        "is 0.1 USDT here and 0.5 at the venue",
    ),
    "tick": (
        {"limit_price": Decimal("59940.1")},
        {"limit_price": Decimal("59940.15")},
        RefusalCode.OFF_TICK,
        "59940.15 is no multiple of the tick 0.1",
    ),
    "lot": (
        {"quantity": Decimal("0.501")},
        {"quantity": Decimal("0.5005")},
        RefusalCode.OFF_LOT,
        "0.5005 is no multiple of the lot 0.001",
    ),
    "minimum quantity": (
        {
            "quantity": Decimal("0.002"),
            "instrument": msgspec.structs.replace(example.PERPETUAL, min_quantity=Decimal("0.002")),
        },
        {
            "quantity": Decimal("0.001"),
            "instrument": msgspec.structs.replace(example.PERPETUAL, min_quantity=Decimal("0.002")),
        },
        RefusalCode.BELOW_MINIMUM,
        "minimum is 0.002",
    ),
    "minimum notional": (
        {
            "quantity": Decimal("0.001"),
            "instrument": msgspec.structs.replace(example.PERPETUAL, min_notional=Decimal("59.94")),
        },
        {
            "quantity": Decimal("0.001"),
            "instrument": msgspec.structs.replace(example.PERPETUAL, min_notional=Decimal("59.941")),
        },
        RefusalCode.BELOW_MINIMUM,
        "worth 59.940",
    ),
    "a currency that counts at par": (
        {"instrument": USDC},
        {"instrument": EUR},
        RefusalCode.CURRENCY,
        "BTC/USDT:USDT is quoted in EUR, which no limit in USD can count",
    ),
    "a ticker was seen": ({}, {"ticker": None}, RefusalCode.STALE_TICKER, "not seen yet"),
    "age of the ticker": (
        {"ticker": example.ticker(time_ns=NOW_NS - QUOTE_NS)},
        {"ticker": example.ticker(time_ns=NOW_NS - QUOTE_NS - 1)},
        RefusalCode.STALE_TICKER,
        "3.000 s old, limit 3 s",
    ),
    "a ticker from the future": (
        {"ticker": example.ticker(time_ns=NOW_NS + CLOCK_SLACK_NS)},
        {"ticker": example.ticker(time_ns=NOW_NS + CLOCK_SLACK_NS + 1)},
        RefusalCode.STALE_TICKER,
        "1.000 s in the future, limit 1 s",
    ),
    "crossed ticker": (
        {"ticker": example.ticker("60000.1", "60000.2")},
        {"ticker": example.ticker("60000.3", "60000.2")},
        RefusalCode.INVALID_TICKER,
        "bid 60000.3, ask 60000.2",
    ),
    "locked ticker": (
        {},
        {"ticker": example.ticker("60000.2", "60000.2")},
        RefusalCode.INVALID_TICKER,
        "crossed",
    ),
    "empty bid": ({}, {"ticker": example.ticker("0", "60000.2")}, RefusalCode.INVALID_TICKER, "bid 0"),
    "negative bid": ({}, {"ticker": example.ticker("-1", "60000.2")}, RefusalCode.INVALID_TICKER, "bid -1"),
    "not a number bid": (
        {},
        {"ticker": example.ticker("NaN", "60000.2")},
        RefusalCode.INVALID_TICKER,
        "bid NaN",
    ),
    "not a number ask": ({}, {"ticker": example.ticker("60000", "NaN")}, RefusalCode.INVALID_TICKER, "NaN"),
    "infinite ask": (
        {},
        {"ticker": example.ticker("60000", "Infinity")},
        RefusalCode.INVALID_TICKER,
        "ask Infinity",
    ),
    # The mid was 60,000.1: up to 500 bps are believed, at 63,000.105.
    "jump of the ticker up": (
        _moved_to("63000.1"),
        _moved_to("63000.2"),
        RefusalCode.INVALID_TICKER,
        "jumped: mid 60000.1 to 63000.2 is 500.0 bps, allowed are 500",
    ),
    "jump of the ticker down": (
        _moved_to("57000.1"),
        _moved_to("57000.0"),
        RefusalCode.INVALID_TICKER,
        "jumped: mid 60000.1 to 57000.0",
    ),
    "collar below the mid": (
        {"ticker": example.ticker("59999", "60001"), "limit_price": Decimal("59400.0")},
        {"ticker": example.ticker("59999", "60001"), "limit_price": Decimal("59399.9")},
        RefusalCode.PRICE_COLLAR,
        "limits.priceCollarBps is 100",
    ),
    "collar above the mid": (
        {
            **BUY,
            **LARGE_LIMITS,
            "ticker": example.ticker("59999", "60001"),
            "limit_price": Decimal("60600.0"),
        },
        {
            **BUY,
            **LARGE_LIMITS,
            "ticker": example.ticker("59999", "60001"),
            "limit_price": Decimal("60600.1"),
        },
        RefusalCode.PRICE_COLLAR,
        "from the venue's mid 60000",
    ),
    "order notional of a buy, at its limit": (
        {**BUY, "max_order_notional": Decimal("30030.00")},
        {**BUY, "max_order_notional": Decimal("30029.99")},
        RefusalCode.ORDER_NOTIONAL,
        "worth 30030.00, limits.maxOrderNotional is 30029.99",
    ),
    "order notional of a sell, at the touch": (
        {"max_order_notional": Decimal("30000.00")},
        {"max_order_notional": Decimal("29999.99")},
        RefusalCode.ORDER_NOTIONAL,
        "worth 30000.00",
    ),
    "order notional of a sell above the touch, at its limit": (
        {"limit_price": Decimal("60100.0"), "max_order_notional": Decimal("30050.00")},
        {"limit_price": Decimal("60100.0"), "max_order_notional": Decimal("30049.99")},
        RefusalCode.ORDER_NOTIONAL,
        "worth 30050.00",
    ),
    "position notional": (
        {"position": Decimal("-0.5"), "max_position_notional": Decimal(60_000)},
        {"position": Decimal("-0.501"), "max_position_notional": Decimal(60_000)},
        RefusalCode.POSITION_NOTIONAL,
        "the position would be worth 60060.00, limits.maxPositionNotional is 60000",
    ),
    "what the venue may hold counts as filled": (
        {"at_venue": Decimal("-0.5"), "max_position_notional": Decimal(60_000)},
        {"at_venue": Decimal("-0.501"), "max_position_notional": Decimal(60_000)},
        RefusalCode.POSITION_NOTIONAL,
        "60060.00",
    ),
    "a sell that turns a long position into a larger short one": (
        {"position": Decimal("0.1"), "max_position_notional": Decimal(24_000)},
        {"position": Decimal("0.1"), "max_position_notional": Decimal(23_999)},
        RefusalCode.POSITION_NOTIONAL,
        "24000.00",
    ),
    "gross notional of the account": (
        {"account_gross_notional": Decimal(4_970_000)},
        {"account_gross_notional": Decimal("4970000.01")},
        RefusalCode.GROSS_NOTIONAL,
        "a gross of 5000000.01, the Venue's limits.maxGrossNotional is 5000000",
    ),
    "distance of the liquidation price above a short": (
        {"liquidation_price": Decimal("75000.125"), "min_liquidation_distance": Decimal("0.25")},
        {"liquidation_price": Decimal("75000.124"), "min_liquidation_distance": Decimal("0.25")},
        RefusalCode.LIQUIDATION_DISTANCE,
        "would liquidate the position at 75000.124, 0.250000 of the mid 60000.1 away, limits.minLiquidationDistance "
        "is 0.25",
    ),
    "distance of the liquidation price below a long": (
        {"liquidation_price": Decimal("45000.075"), "min_liquidation_distance": Decimal("0.25")},
        {"liquidation_price": Decimal("45000.076"), "min_liquidation_distance": Decimal("0.25")},
        RefusalCode.LIQUIDATION_DISTANCE,
        "at 45000.076",
    ),
    "turnover of the day, the order included": (
        {"turnover_today": Decimal(70_000), "max_daily_turnover": Decimal(100_000)},
        {"turnover_today": Decimal("70000.01"), "max_daily_turnover": Decimal(100_000)},
        RefusalCode.DAILY_TURNOVER,
        "today's turnover would be 100000.01, limits.maxDailyTurnover is 100000",
    ),
    "loss of the day": (
        {"loss_today": Decimal(25_000), "max_daily_loss": Decimal(25_000)},
        {"loss_today": Decimal("25000.01"), "max_daily_loss": Decimal(25_000)},
        RefusalCode.DAILY_LOSS,
        "the hedge has lost 25000.01 today, limits.maxDailyLoss is 25000",
    ),
    "loss of the account's day": (
        {"account_loss_today": Decimal(100_000), **ACCOUNT_LOSS},
        {"account_loss_today": Decimal("100000.01"), **ACCOUNT_LOSS},
        RefusalCode.DAILY_LOSS,
        "the account has lost 100000.01 today, the Venue's limits.maxDailyLoss is 100000",
    ),
    "a loss that cannot be told": (
        {"unmarked": ("ETH/USDT:USDT",)},  # nobody limits it
        {"unmarked": ("ETH/USDT:USDT",), "max_daily_loss": Decimal(25_000)},
        RefusalCode.DAILY_LOSS,
        "cannot be told: the venue shows no sound price of ETH/USDT:USDT",
    ),
    "the same order again and again": (
        {"repeated_orders": 9, "max_repeated_orders": 10},
        {"repeated_orders": 10, "max_repeated_orders": 10},
        RefusalCode.REPEATED_ORDER,
        "10 orders in a row were a Sell of BTC/USDT:USDT in the last minute, limits.maxRepeatedOrders is 10",
    ),
    "orders of the strategy in a minute": (
        {"orders_last_minute": 29},
        {"orders_last_minute": 30},
        RefusalCode.ORDER_RATE,
        "limits.maxOrdersPerMinute is 30",
    ),
    "orders of the account in a second": (
        {"orders_last_second": 4},
        {"orders_last_second": 5},
        RefusalCode.ORDER_RATE,
        "limits.ordersPerSecond is 5",
    ),
    # A sell of 0.5 is worth 30,000 at the touch, a tenth of which is its margin.
    **FUNDS,
    "the platform's collar": (
        {"platform_price_collar_bps": Decimal(11)},
        {"platform_price_collar_bps": Decimal(10)},
        RefusalCode.PRICE_COLLAR,
        "the platform's priceCollarBps is 10",
    ),
    "the platform's order notional": (
        {"platform_max_order_notional": Decimal(30_000)},
        {"platform_max_order_notional": Decimal("29999.99")},
        RefusalCode.ORDER_NOTIONAL,
        "the platform's maxOrderNotional is 29999.99",
    ),
    "the platform's position notional": (
        {"platform_max_position_notional": Decimal(30_000)},
        {"platform_max_position_notional": Decimal("29999.99")},
        RefusalCode.POSITION_NOTIONAL,
        "the platform's maxPositionNotional is 29999.99",
    ),
    "the platform's gross notional of an account": (
        {"platform_max_gross_notional": Decimal(30_000)},
        {"platform_max_gross_notional": Decimal("29999.99")},
        RefusalCode.GROSS_NOTIONAL,
        "the platform's maxGrossNotional is 29999.99",
    ),
    "the platform's daily turnover": (
        {"platform_max_daily_turnover": Decimal(30_000)},
        {"platform_max_daily_turnover": Decimal("29999.99")},
        RefusalCode.DAILY_TURNOVER,
        "the platform's maxDailyTurnover is 29999.99",
    ),
    "the platform's daily loss": (
        {"platform_max_daily_loss": Decimal(10), "loss_today": Decimal(10)},
        {"platform_max_daily_loss": Decimal(10), "loss_today": Decimal("10.01")},
        RefusalCode.DAILY_LOSS,
        "the platform's maxDailyLoss is 10",
    ),
    "the platform's orders in a minute": (
        {"platform_max_orders_per_minute": 10, "orders_last_minute": 9},
        {"platform_max_orders_per_minute": 10, "orders_last_minute": 10},
        RefusalCode.ORDER_RATE,
        "the platform's maxOrdersPerMinute is 10",
    ),
    "a strategy cannot raise the platform's ceiling": (
        {"max_order_notional": Decimal(10**9), "platform_max_order_notional": Decimal(30_000)},
        {"max_order_notional": Decimal(10**9), "platform_max_order_notional": Decimal(29_999)},
        RefusalCode.ORDER_NOTIONAL,
        "the platform's",
    ),
}
