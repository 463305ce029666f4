"""Ways to write each resource, right and wrong: what is wrong where, and the words that say so."""

from typing import Any

from account_cases import ACCOUNT_CASES
from band_cases import BAND_CASES
from execution_cases import EXECUTION_CASES
from inventory_cases import INVENTORY_CASES
from ladder_cases import LADDER_CASES
from resource_case import Case, in_block, in_spec, strategy
from resource_documents import Data
from sentiment_cases import SENTIMENT_CASES

TESTNET = {"type": "Ccxt", "ccxt": {"id": "bybit"}, "environment": "Testnet"}


def _for_real_money(data: Data) -> None:
    in_spec(**TESTNET | {"environment": "Mainnet"})(data)
    in_block("limits", maxDailyLoss="100000")(data)


def _leg(data: Data, **changes: Any) -> None:
    data["spec"]["hedgeWith"].append({**data["spec"]["hedgeWith"][0], **changes})


STRATEGY_CASES = [
    strategy("as it is", lambda data: None),
    strategy("Shadow", in_spec(mode="Shadow")),
    strategy("a clip as large as its limit", in_block("execution", clipNotional="50000.000")),
    strategy(
        "every limit",
        in_block(
            "limits",
            maxDailyTurnover="3000000",
            maxDailyLoss="25000",
            minLiquidationDistance="0.999999999",
            maxRepeatedOrders=60,
        ),
    ),
    strategy("slippage up to the collar", in_block("execution", maxSlippageBps=100)),
    strategy("the longest duration", in_block("freshness", quote="99999h")),
    strategy("no cooldown", in_block("execution", cooldown="0s")),
    strategy("legs together", in_block("execution", legs="Together")),
    strategy(
        "two books", lambda d: d["spec"]["exposure"].append({"name": "loans", "book": {"name": "loans"}})
    ),
    strategy(
        "a clip above its limit",
        in_block("execution", clipNotional="50000.000000001"),
        "spec.execution.clipNotional",
        "lower the clip or raise the limit",
    ),
    strategy(
        "slippage above the collar",
        in_block("execution", maxSlippageBps=101),
        "spec.execution.maxSlippageBps",
        "allow less slippage or widen the collar",
    ),
    strategy(
        "a liquidation distance that is no ratio",
        in_block("limits", minLiquidationDistance="1"),
        "spec.limits.minLiquidationDistance",
        "write it below 1",
    ),
    strategy(
        "a book twice",
        lambda d: d["spec"]["exposure"].append({"name": "again", "book": {"name": "clients"}}),
        "spec.exposure",
        "count each book once",
    ),
    strategy(
        "a source's name twice",
        lambda d: d["spec"]["exposure"].append({"name": "clients", "book": {"name": "loans"}}),
        "spec.exposure[1]",
        "Duplicate value",
    ),
    strategy(
        "a leg twice", lambda d: _leg(d, priority=2), "spec.hedgeWith", "name each Venue's instrument once"
    ),
    strategy(
        "a priority twice",
        lambda d: _leg(d, instrument="BTC/USDC:USDC"),
        "spec.hedgeWith",
        "give each leg a priority of its own",
    ),
    strategy(
        "a mode that there is not",
        in_spec(mode="Dry"),
        "spec.mode",
        'supported values: "Shadow", "Paper", "Live"',
    ),
    strategy(
        "a limit of nothing",
        in_block("limits", maxOrderNotional="0.000"),
        "spec.limits.maxOrderNotional",
        "write a positive decimal string",
    ),
    strategy(
        "a negative limit",
        in_block("limits", maxPositionNotional="-5"),
        "spec.limits.maxPositionNotional",
        "write a positive decimal string",
    ),
    strategy(
        "a loss limit of nothing",
        in_block("limits", maxDailyLoss="0"),
        "spec.limits.maxDailyLoss",
        "write a positive decimal string",
    ),
    strategy(
        "a turnover limit of nothing",
        in_block("limits", maxDailyTurnover="0"),
        "spec.limits.maxDailyTurnover",
        "write a positive decimal string",
    ),
    strategy(
        "a distance of nothing",
        in_block("limits", minLiquidationDistance="0"),
        "spec.limits.minLiquidationDistance",
        "write a positive decimal string",
    ),
    strategy(
        "a repetition of nothing",
        in_block("limits", maxRepeatedOrders=0),
        "spec.limits.maxRepeatedOrders",
        "greater than or equal to 1",
    ),
    strategy(
        "a duration without its unit",
        in_block("freshness", quote="3"),
        "spec.freshness.quote",
        "with its unit ms, s, m or h",
    ),
    strategy(
        "a freshness of nothing",
        in_block("freshness", quote="0s"),
        "spec.freshness.quote",
        "write a positive whole number with its unit",
    ),
    strategy(
        "a count with quotes",
        in_block("limits", maxOrdersPerMinute="60"),
        "spec.limits.maxOrdersPerMinute",
        "must be of type integer",
    ),
    strategy(
        "a count of nothing",
        in_block("limits", maxOrdersPerMinute=0),
        "spec.limits.maxOrdersPerMinute",
        "greater than or equal to 1",
    ),
    strategy(
        "a count above its bound",
        in_block("limits", priceCollarBps=5001),
        "spec.limits.priceCollarBps",
        "less than or equal to 5000",
    ),
    strategy("a flag with quotes", in_spec(suspend="yes"), "spec.suspend", "must be of type boolean"),
    strategy("nothing to hedge", in_spec(exposure=[]), "spec.exposure", "at least 1 items"),
    strategy(
        "too many legs",
        lambda d: [_leg(d, priority=number) for number in range(2, 18)],
        "spec.hedgeWith",
        "at most 16 items",
    ),
    strategy("a missing block", lambda d: d["spec"].pop("limits"), "spec.limits", "Required value"),
    strategy("a slip of the pen", in_spec(suspended=True), "", 'unknown field "spec.suspended"'),
    strategy(
        "a name with dots",
        lambda d: d["metadata"].update(name="btc.band"),
        "<nil>",
        'metadata.name: "btc.band" does not fit; write at most 63 lower-case letters',
    ),
]
VENUE_CASES = [
    Case("as it is", "Venue", lambda data: None),
    Case("without credentials", "Venue", lambda data: data["spec"].pop("credentials")),
    Case("a real one", "Venue", in_spec(**TESTNET)),
    Case("a real one for real money", "Venue", _for_real_money),
    Case(
        "real money without a limit of loss",
        "Venue",
        in_spec(**TESTNET | {"environment": "Mainnet"}),
        "spec.limits.maxDailyLoss",
        "real money is traded within a limit of loss",
    ),
    Case(
        "a type that is not built",
        "Venue",
        in_spec(type="Ibkr"),
        "spec.type",
        'supported values: "Builtin", "Ccxt"',
    ),
    Case(
        "a venue that does not trade here",
        "Venue",
        in_spec(**TESTNET | {"ccxt": {"id": "okx"}}),
        "spec.ccxt.id",
        'supported values: "bybit"',
    ),
    Case(
        "a real one without its name",
        "Venue",
        in_spec(type="Ccxt", environment="Testnet"),
        "spec.ccxt",
        "write the block ccxt",
    ),
    Case(
        "the built-in one with a name",
        "Venue",
        in_spec(ccxt={"id": "bybit"}),
        "spec.ccxt",
        "write the block ccxt",
    ),
    Case(
        "the built-in one on a testnet",
        "Venue",
        in_spec(environment="Testnet"),
        "spec.environment",
        "environment Paper and type Builtin belong together",
    ),
    Case(
        "an account with a blank",
        "Venue",
        in_block("account", id="hedge 01"),
        "spec.account.id",
        "write letters, digits and inner dashes",
    ),
    Case(
        "credentials without a Secret",
        "Venue",
        in_spec(credentials={"trade": {}}),
        "spec.credentials.trade.secretRef",
        "Required value",
    ),
    Case(
        "a name that is too long",
        "Venue",
        lambda data: data["metadata"].update(name="a" * 64),
        "<nil>",
        "metadata.name",
    ),
]
HALT_CASES = [
    Case("a strategy", "Halt", lambda data: None),
    Case("a venue", "Halt", in_spec(target={"venue": "paper"})),
    Case("all", "Halt", in_spec(target={"all": True})),
    Case(
        "no target",
        "Halt",
        in_spec(target={}),
        "spec.target",
        "write one of strategy: NAME, venue: NAME and all: true",
    ),
    Case(
        "two targets",
        "Halt",
        in_spec(target={"venue": "paper", "all": True}),
        "spec.target",
        "a halt has exactly one target",
    ),
    Case("all: false", "Halt", in_spec(target={"all": False}), "spec.target.all", "supported values: "),
    Case("no reason", "Halt", lambda data: data["spec"].pop("reason"), "spec.reason", "Required value"),
    Case("a blank reason", "Halt", in_spec(reason="  "), "spec.reason", "write one line of text"),
    Case(
        "a reason of two lines", "Halt", in_spec(reason="one\ntwo"), "spec.reason", "write one line of text"
    ),
    Case(
        "a name with capitals",
        "Halt",
        lambda data: data["metadata"].update(name="halt.1"),
        "<nil>",
        "metadata.name",
    ),
]
CASES = [
    *STRATEGY_CASES,
    *ACCOUNT_CASES,
    *EXECUTION_CASES,
    *BAND_CASES,
    *SENTIMENT_CASES,
    *INVENTORY_CASES,
    *LADDER_CASES,
    *VENUE_CASES,
    *HALT_CASES,
]
