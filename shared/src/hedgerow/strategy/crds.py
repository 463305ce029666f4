"""The CustomResourceDefinitions, made from the models. `make generate` writes them to files."""

from typing import Any, Final

import msgspec

from hedgerow.strategy.fields import Part
from hedgerow.strategy.halt import Halt
from hedgerow.strategy.resource import API_VERSION, Resource
from hedgerow.strategy.spec import HedgeStrategy
from hedgerow.strategy.status import HaltStatus, HedgeStrategyStatus, VenueStatus
from hedgerow.strategy.structural import Schema, structural_schema
from hedgerow.strategy.venue import Venue

GROUP, VERSION = API_VERSION.split("/")
CATEGORY: Final = "hedgerow"


class Column(msgspec.Struct, frozen=True):
    """A column of `kubectl get`; a wide one only with `-o wide`."""

    name: str
    path: str
    description: str
    type: str = "string"
    wide: bool = False

    def as_schema(self) -> dict[str, Any]:
        priority = {"priority": 1} if self.wide else {}
        return {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.path,
            "description": self.description,
            **priority,
        }


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of resource: its models, and how kubectl names and lists it."""

    spec: type[Resource]
    status: type[Part]
    plural: str
    short_names: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def name(self) -> str:
        return self.spec.__name__


def _condition(name: str) -> str:
    return f'.status.conditions[?(@.type=="{name}")].status'


_AGE = Column("Age", ".metadata.creationTimestamp", "When it was created.", "date")

KINDS: Final = (
    Kind(
        spec=HedgeStrategy,
        status=HedgeStrategyStatus,
        plural="hedgestrategies",
        short_names=("hs",),
        columns=(
            Column("Mode", ".status.mode", "Mode of the generation that is live; empty while none is."),
            Column("Policy", ".spec.policy.type", "What decides when and how much to hedge."),
            Column("Ready", _condition("Ready"), "Whether every role runs the live generation."),
            Column("State", ".status.state", "Where the exposure is."),
            _AGE,
            Column("Venue", ".spec.hedgeWith[0].venueRef.name", "Venue of the first leg.", wide=True),
            Column(
                "Generation", ".metadata.generation", "Newest generation of the spec.", "integer", wide=True
            ),
        ),
    ),
    Kind(
        spec=Venue,
        status=VenueStatus,
        plural="venues",
        short_names=("ven",),
        columns=(
            Column("Type", ".spec.type", "What the venue is."),
            Column("Environment", ".spec.environment", "Whether what is traded is real."),
            Column("Trading", ".spec.trading", "Whether orders may leave for it."),
            Column("Ready", _condition("Ready"), "Whether its executor runs and holds the account."),
            _AGE,
        ),
    ),
    Kind(
        spec=Halt,
        status=HaltStatus,
        plural="halts",
        short_names=(),
        columns=(
            Column("Target", ".spec.target", "What is halted."),
            Column("Reason", ".spec.reason", "Why."),
            Column("Active", _condition("Active"), "Whether the ledger holds it."),
            _AGE,
        ),
    ),
)


def schema_of(kind: Kind) -> Schema:
    """The whole resource's structural schema. Metadata is the API server's own."""
    schema = structural_schema(kind.spec, without="metadata")
    fields = schema["properties"]
    schema["properties"] = {
        "apiVersion": {"type": "string", "description": f"{API_VERSION}."},
        "kind": {"type": "string", "description": f"{kind.name}."},
        "metadata": {"type": "object"},
        "spec": fields["spec"],
        "status": structural_schema(kind.status),
    }
    return {**schema, "required": ["spec"]}


def crd_of(kind: Kind) -> dict[str, Any]:
    """The kind's CustomResourceDefinition, as plain data."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                **({"shortNames": list(kind.short_names)} if kind.short_names else {}),
                "categories": [CATEGORY],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [column.as_schema() for column in kind.columns],
                    "schema": {"openAPIV3Schema": schema_of(kind)},
                }
            ],
        },
    }
