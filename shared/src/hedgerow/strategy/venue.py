"""The `Venue` resource: where orders go, under which account, within which ceilings."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from hedgerow.strategy.fields import AccountId, Part, PositiveDecimalText, SecretName
from hedgerow.strategy.resource import Resource
from hedgerow.strategy.rules import Rule, on_block, unchangeable

_ANOTHER_VENUE = unchangeable("declare a Venue of another name, and let the strategies name that one")


class CcxtExchange(Part):
    """A real venue, as ccxt names it."""

    # Those whose orders, codes and checks are known here; a table in the guide says what the others lack.
    id: Annotated[Literal["bybit"], _ANOTHER_VENUE] = Field(
        description="ccxt's id of the venue: bybit, which is the only one that trades here. Cannot change."
    )


class VenueAccount(Part):
    """The account that orders are placed under."""

    id: Annotated[AccountId, _ANOTHER_VENUE] = Field(
        description="Name of the account at the venue, e.g. hedge-01; the folder of its keys has this name. Cannot "
        "change in a cluster; elsewhere not while a strategy hedges on the venue."
    )


class SecretRef(Part):
    """A Secret, by name."""

    name: SecretName = Field(description="Its name, in the Venue's own namespace, e.g. paper-trade-keys.")


class VenueKeys(Part):
    """The API key of one use of the account."""

    secret_ref: SecretRef = Field(description="The Secret that holds it, under the keys apiKey and secret.")


class VenueCredentials(Part):
    """The account's API keys. On a cluster they are in Secrets; elsewhere in the folder that the settings name."""

    trade: VenueKeys = Field(
        description="May place orders. Mounted into this Venue's executor, nowhere else."
    )
    read: VenueKeys | None = Field(
        default=None,
        description="May only read. Mounted into this Venue's collector of accounts, nowhere else; needed where a "
        "strategy counts the account towards its exposure.",
    )


class VenueLimits(Part):
    """Ceilings of the whole account, which no strategy can raise."""

    max_gross_notional: PositiveDecimalText = Field(
        description="Largest sum of the unsigned values of the account's positions and orders, in USD; USDT and USDC "
        'count as USD, one to one. A decimal string, quoted, e.g. "5000000".'
    )
    orders_per_second: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        description="How many orders per second the account may send, over all strategies: 1 to 1000, e.g. 10."
    )
    max_daily_loss: PositiveDecimalText | None = Field(
        default=None,
        description="Largest loss of all hedges on the account within one day of UTC, open positions at the venue's "
        'mid; beyond it only what reduces a position is sent. A decimal string, quoted, e.g. "100000". Left out: '
        "no limit.",
    )


PAPER_IS_BUILTIN = Rule(
    cel="(self.type == 'Builtin') == (self.environment == 'Paper')",
    wrong="environment Paper and type Builtin belong together",
    right="write both, or neither",
    at=".environment",
)
NAMES_ITS_EXCHANGE = Rule(
    cel="(self.type == 'Ccxt') == has(self.ccxt)",
    wrong="type Ccxt says by ccxt.id which venue it is, and the built-in exchange has no such name",
    right="write the block ccxt, e.g. {id: bybit}, with type Ccxt and with no other",
    at=".ccxt",
)
MAINNET_LIMITS_ITS_LOSS = Rule(
    cel="self.environment != 'Mainnet' || has(self.limits.maxDailyLoss)",
    wrong="real money is traded within a limit of loss",
    right='write limits.maxDailyLoss, e.g. "100000"',
    at=".limits.maxDailyLoss",
)


class VenueSpec(Part):
    """What the venue is and what may be done on it."""

    model_config = ConfigDict(
        json_schema_extra=on_block(PAPER_IS_BUILTIN, NAMES_ITS_EXCHANGE, MAINNET_LIMITS_ITS_LOSS)
    )

    type: Annotated[Literal["Builtin", "Ccxt"], _ANOTHER_VENUE] = Field(
        description="Builtin: the exchange that comes with Hedgerow. Ccxt: a real venue, through ccxt. Cannot change."
    )
    ccxt: CcxtExchange | None = Field(
        default=None, description="Which real venue; with type Ccxt, and with no other."
    )
    environment: Annotated[Literal["Paper", "Testnet", "Mainnet"], _ANOTHER_VENUE] = Field(
        description="Paper: nothing real is bought or sold; exactly when the type is Builtin. Testnet: the venue's own "
        "for play money. Mainnet: real money. Cannot change."
    )
    trading: Literal["Disabled", "Enabled"] = Field(
        default="Disabled",
        description="Whether orders may leave for the venue at all. Disabled: every order is refused at its claim. A "
        "second person enables it, by a role of its own.",
    )
    account: VenueAccount = Field(description="The account that orders are placed under.")
    credentials: VenueCredentials | None = Field(
        default=None,
        description="The account's API keys; needed on a cluster, where the operator runs the executor.",
    )
    limits: VenueLimits = Field(description="Ceilings of the whole account.")


class Venue(Resource):
    """Where orders go: a venue and one account on it. Strategies name it in hedgeWith."""

    kind: Literal["Venue"] = Field(description="Venue.")
    spec: VenueSpec = Field(description="What the venue is and what may be done on it.")
