"""The `Halt` resource: stop sending orders. Creating one halts; deleting it releases."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from hedgerow.strategy.fields import Name, Part, Reason, in_words
from hedgerow.strategy.resource import Resource
from hedgerow.strategy.rules import Rule, on_block, unchangeable

_ONE_TARGET = Rule(
    cel="(has(self.strategy) ? 1 : 0) + (has(self.venue) ? 1 : 0) + (has(self.all) ? 1 : 0) == 1",
    wrong="a halt has exactly one target",
    right="write one of strategy: NAME, venue: NAME and all: true",
)


class HaltTarget(Part):
    """What is halted: exactly one of strategy, venue and all."""

    model_config = ConfigDict(json_schema_extra=on_block(_ONE_TARGET))

    strategy: Name | None = Field(
        default=None, description="Name of one HedgeStrategy in the halt's namespace, e.g. btc-band."
    )
    venue: Name | None = Field(
        default=None,
        description="Name of one Venue in the halt's namespace: all that trades on it, e.g. paper.",
    )
    all: Literal[True] | None = Field(
        default=None, description="true: everything, in every namespace of this installation."
    )

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if sum(target is not None for target in (self.strategy, self.venue, self.all)) != 1:
            raise in_words(_ONE_TARGET.wrong, _ONE_TARGET.right)
        return self


class HaltSpec(Part):
    """What is halted, and why."""

    model_config = ConfigDict(
        json_schema_extra=on_block(unchangeable("delete this Halt to release it, and create another"))
    )

    target: HaltTarget = Field(description="What is halted: exactly one of strategy, venue and all.")
    reason: Reason = Field(
        description="Why, in one line, for those who find the halt later, e.g. exchange incident. It stands beside "
        "every order that the halt refuses."
    )


class Halt(Resource):
    """Stop sending orders: to one strategy's or venue's, or to all. What is open is cancelled. A halt holds until this
    resource is deleted, whatever restarts meanwhile; it cannot be changed."""

    kind: Literal["Halt"] = Field(description="Halt.")
    spec: HaltSpec = Field(description="What is halted, and why.")
