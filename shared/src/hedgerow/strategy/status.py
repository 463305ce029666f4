"""What the operator reports in each resource's `status`. Live numbers are not in it: `hedgerow top` has those."""

from typing import Annotated, Literal

from pydantic import Field

from hedgerow.strategy.compiled import Mode
from hedgerow.strategy.fields import Part

MAX_CONDITIONS = 16
_Text = Annotated[str, Field(max_length=32768)]
_Word = Annotated[str, Field(max_length=316, pattern="^[A-Za-z]([A-Za-z0-9]*)$")]
_Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, max_length=64)]
_Generation = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]


class Condition(Part):
    """One thing that holds or does not, as of one generation."""

    type: _Word = Field(description="What it says, e.g. Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: _Word = Field(description="Why, in one word for programs, e.g. VenueNotFound.")
    message: _Text = Field(default="", description="Why, in words for people, and what to do.")
    last_transition_time: _Moment = Field(description="When `status` last changed, in UTC.")
    observed_generation: _Generation = Field(description="Generation of the resource that this is about.")


_Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=MAX_CONDITIONS,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]


class HedgeStrategyStatus(Part):
    """What became of the strategy."""

    observed_generation: _Generation | None = Field(
        default=None,
        description="Newest generation that the operator has looked at, whether it was accepted or not.",
    )
    generation: _Generation | None = Field(
        default=None,
        description="The generation that is live. Lower than observedGeneration while a newer one is refused: the "
        "last good one goes on.",
    )
    revision: Annotated[str, Field(max_length=64, pattern="^[0-9a-f]+$")] | None = Field(
        default=None, description="Name of the live generation's compiled config, as in the ledger."
    )
    mode: Mode | None = Field(default=None, description="Mode of the generation that is live.")
    policy: _Word | None = Field(
        default=None, description="Policy type of the generation that is live, e.g. Band."
    )
    state: _Word | None = Field(
        default=None,
        description="Where the exposure is, e.g. InsideBand, OutsideBand or Caution. It changes on a transition; live "
        "numbers are in `hedgerow top`.",
    )
    conditions: _Conditions | None = Field(
        default=None,
        description="Accepted: the newest generation is right and may run. Published: the streams were told. Ready: "
        "every role runs it. Degraded: an input is stale, a venue is down, or it is halted.",
    )


class VenueStatus(Part):
    """What became of the venue."""

    observed_generation: _Generation | None = Field(
        default=None, description="Newest generation that the operator has looked at."
    )
    conditions: _Conditions | None = Field(
        default=None,
        description="Accepted: the newest generation is right, and its Secret is there. Ready: its executor runs and "
        "holds the account.",
    )


class HaltStatus(Part):
    """What became of the halt."""

    observed_generation: _Generation | None = Field(
        default=None, description="Newest generation that the operator has looked at."
    )
    ledger_id: Annotated[int, Field(ge=1, json_schema_extra={"format": "int64"})] | None = Field(
        default=None, description="Number of the halt in the ledger, as `hedgerow get halts` shows it."
    )
    conditions: _Conditions | None = Field(
        default=None, description="Active: the ledger holds it, so no claim that came after it can pass."
    )
