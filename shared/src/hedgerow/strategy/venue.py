"""The `Venue` resource: where orders go, under which account, within which ceilings."""

from typing import Annotated, Literal

from pydantic import Field

from hedgerow.strategy.fields import AccountId, Name, Part, PositiveDecimalText
from hedgerow.strategy.resource import Resource


class VenueAccount(Part):
    """The account that orders are placed under."""

    id: AccountId = Field(
        description="Name of the account; the folder of its keys has this name. Cannot change while a strategy "
        "hedges on the venue."
    )


class SecretRef(Part):
    """A Secret, by name."""

    name: Name = Field(description="Its name, in the Venue's own namespace.")


class VenueKeys(Part):
    """The API key of one use of the account."""

    secret_ref: SecretRef = Field(description="The Secret that holds it, under the keys apiKey and secret.")


class VenueCredentials(Part):
    """The account's API keys. On a cluster they are in Secrets; elsewhere in the folder that the settings name."""

    trade: VenueKeys = Field(
        description="May place orders. Mounted into this Venue's executor, nowhere else."
    )


class VenueLimits(Part):
    """Ceilings of the whole account, which no strategy can raise."""

    max_gross_notional: PositiveDecimalText = Field(
        description="Largest sum of the unsigned values of the account's positions, in settlement currency."
    )
    orders_per_second: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        description="How many orders per second the account may send, over all strategies."
    )


class VenueSpec(Part):
    """What the venue is and what may be done on it."""

    type: Literal["Builtin"] = Field(description="Builtin: the exchange that comes with Hedgerow.")
    environment: Literal["Paper"] = Field(
        description="Paper: nothing real is bought or sold. Exactly when the type is Builtin."
    )
    trading: Literal["Disabled", "Enabled"] = Field(
        default="Disabled", description="Whether orders may leave for the venue at all."
    )
    account: VenueAccount = Field(description="The account that orders are placed under.")
    credentials: VenueCredentials | None = Field(
        default=None,
        description="The account's API keys; needed on a cluster, where the operator runs the executor.",
    )
    limits: VenueLimits = Field(description="Ceilings of the whole account.")


class Venue(Resource):
    """Where orders go."""

    kind: Literal["Venue"] = Field(description="Venue.")
    spec: VenueSpec = Field(description="What the venue is and what may be done on it.")
