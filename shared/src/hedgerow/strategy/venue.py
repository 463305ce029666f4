"""The `Venue` resource: where orders go, under which account, within which ceilings."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from hedgerow.strategy.fields import AccountId, Part, PositiveDecimalText, SecretName
from hedgerow.strategy.resource import Resource
from hedgerow.strategy.rules import Rule, on_block, unchangeable

_ANOTHER_VENUE = unchangeable("declare a Venue of another name, and let the strategies name that one")


class VenueAccount(Part):
    """The account that orders are placed under."""

    id: Annotated[AccountId, _ANOTHER_VENUE] = Field(
        description="Name of the account at the venue, e.g. hedge-01; the folder of its keys has this name. Cannot "
        "change in a cluster; elsewhere not while a strategy hedges on the venue."
    )


class SecretRef(Part):
    """A Secret of the Venue's namespace."""

    name: SecretName = Field(description="Its name, e.g. paper-trade-keys.")


class TradeKeys(Part):
    """The keys that orders are signed with."""

    secret_ref: SecretRef = Field(
        description="The Secret with the entries apiKey and secret. It is mounted in the Venue's executor and "
        "nowhere else."
    )


class VenueCredentials(Part):
    """Where the account's keys are, in a cluster. Without a cluster they are read from a folder."""

    trade: TradeKeys = Field(description="The keys that orders are signed with.")


class VenueLimits(Part):
    """Ceilings of the whole account, which no strategy can raise."""

    max_gross_notional: PositiveDecimalText = Field(
        description="Largest sum of the unsigned values of the account's positions, in settlement currency: a "
        'decimal string, quoted, e.g. "5000000".'
    )
    orders_per_second: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        description="How many orders per second the account may send, over all strategies: 1 to 1000, e.g. 10."
    )


class VenueSpec(Part):
    """What the venue is and what may be done on it."""

    model_config = ConfigDict(
        json_schema_extra=on_block(
            Rule(
                cel="(self.type == 'Builtin') == (self.environment == 'Paper')",
                wrong="environment Paper and type Builtin belong together",
                right="write both, or neither",
                at=".environment",
            )
        )
    )

    type: Annotated[Literal["Builtin"], _ANOTHER_VENUE] = Field(
        description="Builtin: the exchange that comes with Hedgerow. Cannot change."
    )
    environment: Annotated[Literal["Paper"], _ANOTHER_VENUE] = Field(
        description="Paper: nothing real is bought or sold. Exactly when the type is Builtin. Cannot change."
    )
    trading: Literal["Disabled", "Enabled"] = Field(
        default="Disabled",
        description="Whether orders may leave for the venue at all. Disabled: every order is refused at its claim.",
    )
    account: VenueAccount = Field(description="The account that orders are placed under.")
    credentials: VenueCredentials | None = Field(
        default=None,
        description="Where the account's keys are, in a cluster. Without a cluster they are read from a folder.",
    )
    limits: VenueLimits = Field(description="Ceilings of the whole account.")


class Venue(Resource):
    """Where orders go: a venue and one account on it. Strategies name it in hedgeWith."""

    kind: Literal["Venue"] = Field(description="Venue.")
    spec: VenueSpec = Field(description="What the venue is and what may be done on it.")
