"""Books as the API speaks of them: positions or loans, as another system keeps them."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hedgerow.domain.instruments import LISTINGS
from hedgerow.domain.loans import ASSETS, Loan
from hedgerow.domain.positions import Entry
from hedgerow.ledger.books import FedBook
from hedgerow.schemas.records import BookKind, ClientBook
from hedgerow_gateway.fields import (
    GivenTime,
    Id,
    NotNegative,
    Positive,
    Shown,
    ShownTime,
    Signed,
    YearlyRate,
    wrong,
)
from hedgerow_gateway.problems import FieldError, invalid

CLOCK_SLACK_NS = 1_000_000_000

BookName = Annotated[
    str,
    Field(
        pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
        description="as in `exposure`",
        examples=["oms"],
    ),
]
_TOLD: dict[str, Any] = {"sequence": 42, "as_of": "2026-03-01T12:00:00.250Z"}
_LOAN: dict[str, Any] = {
    "id": "loan-7",
    "asset": "USDT",
    "principal": "16200",
    "interest": "12.5",
    "annual_rate": "0.06",
    "since": "2026-02-01T00:00:00Z",
    "collateral": {"BTC": "0.5"},
}


class LoanGiven(BaseModel):
    """What the desk owes on one loan."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[Id, Field(description="the sender's, once in a book", examples=["loan-7"])]
    asset: Annotated[
        str, Field(description="what is owed", examples=["USDT"], json_schema_extra={"enum": sorted(ASSETS)})
    ]
    principal: Annotated[Positive, Field(description="still owed, in units of the asset")]
    interest: Annotated[NotNegative, Field(description="accrued and not paid, in units of the asset")]
    annual_rate: Annotated[YearlyRate, Field(description="simple interest a year, as a fraction")]
    since: Annotated[GivenTime, Field(description="when it was drawn; not after `as_of`")]
    collateral: Annotated[
        dict[str, Positive], Field(description="units pledged for it, by asset; it is no holding by itself")
    ] = {}


class EntryGiven(BaseModel):
    """How a position came about."""

    model_config = ConfigDict(extra="forbid")

    price: Annotated[Positive, Field(description="average of what is open, in quote currency")]
    since: Annotated[GivenTime, Field(description="when it was opened from nothing; not after `as_of`")]


class BookRequest(BaseModel):
    """All of a book's positions, or all of its loans. It is as fresh as its `as_of`: tell it again as a heartbeat."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [{"required": ["positions"]}, {"required": ["loans"]}],
            "examples": [{**_TOLD, "positions": {"BTC/USDT": "-1.25"}}, {**_TOLD, "loans": [_LOAN]}],
        },
    )

    sequence: Annotated[int, Field(strict=True, ge=1, le=2**63 - 1, description="rises with every change")]
    as_of: Annotated[GivenTime, Field(description="when it was so; not in the future")]
    positions: Annotated[
        dict[str, Signed],
        Field(description="signed quantity by unified symbol, in contracts; base units for spot"),
    ] = {}
    entries: Annotated[
        dict[str, EntryGiven],
        Field(description="of those positions whose entry is known; policy InventoryRisk asks for it"),
    ] = {}
    loans: Annotated[list[LoanGiven], Field(description="every loan that is not repaid")] = []

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        # Whatever is left out would otherwise be taken for none, and the book for flat.
        if len(self.model_fields_set & {"positions", "loans"}) != 1:
            raise wrong("should have either positions or loans")
        return self


class LoanAnswer(BaseModel):
    """A loan as it was told."""

    id: str
    asset: str
    principal: Shown
    interest: Shown
    annual_rate: Shown
    since: ShownTime
    collateral: dict[str, Shown]


class EntryAnswer(BaseModel):
    """How a position came about, as it was told or as its fills say."""

    price: Shown
    since: ShownTime


class BookAnswer(BaseModel):
    """A book as it stands."""

    name: str
    kind: BookKind
    sequence: int
    as_of: ShownTime
    positions: dict[str, Shown]
    loans: list[LoanAnswer]
    entries: dict[str, EntryAnswer]


def told_book(name: str, request: BookRequest, now_ns: int) -> FedBook:
    """The book that a request tells.

    Raises:
        Problem: 422, with every field that cannot be accepted.
    """
    errors = [*_position_errors(request), *_entry_errors(request), *_loan_errors(request)]
    if request.as_of > now_ns + CLOCK_SLACK_NS:
        errors.append(FieldError(field="as_of", reason="is in the future; check the sender's clock"))
    if errors:
        raise invalid(*errors)
    return FedBook(
        name=name,
        sequence=request.sequence,
        as_of_ns=request.as_of,
        kind=BookKind.LOANS if "loans" in request.model_fields_set else BookKind.POSITIONS,
        positions=request.positions,
        loans=tuple(map(_loan, sorted(request.loans, key=lambda loan: loan.id))),
        entries={
            symbol: Entry(price=entry.price, since_ns=entry.since)
            for symbol, entry in request.entries.items()
        },
    )


def book_answer(book: ClientBook) -> BookAnswer:
    return BookAnswer(
        name=book.name,
        kind=book.kind,
        sequence=book.sequence,
        as_of=book.as_of_ns,
        positions=dict(book.positions),
        loans=[
            LoanAnswer(
                id=loan.id,
                asset=loan.asset,
                principal=loan.principal,
                interest=loan.interest,
                annual_rate=loan.annual_rate,
                since=loan.since_ns,
                collateral=dict(loan.collateral),
            )
            for loan in book.loans
        ],
        entries={
            symbol: EntryAnswer(price=entry.price, since=entry.since_ns)
            for symbol, entry in book.entries.items()
        },
    )


def _loan(given: LoanGiven) -> Loan:
    return Loan(
        id=given.id,
        asset=given.asset,
        principal=given.principal,
        interest=given.interest,
        annual_rate=given.annual_rate,
        since_ns=given.since,
        collateral=given.collateral,
    )


def _position_errors(request: BookRequest) -> Iterator[FieldError]:
    for symbol in request.positions:
        if symbol not in LISTINGS:
            listed = ", ".join(sorted(LISTINGS))
            yield FieldError(field=f"positions.{symbol}", reason=f"is not listed; listed are {listed}")


def _entry_errors(request: BookRequest) -> Iterator[FieldError]:
    for symbol, entry in request.entries.items():
        if not request.positions.get(symbol):
            yield FieldError(
                field=f"entries.{symbol}", reason="has no position; tell what is held, or leave it out"
            )
        if entry.since > request.as_of:
            yield FieldError(field=f"entries.{symbol}.since", reason="is after as_of")


def _loan_errors(request: BookRequest) -> Iterator[FieldError]:
    seen: set[str] = set()
    unknown = f"is no asset here; they are {', '.join(sorted(ASSETS))}"
    for number, loan in enumerate(request.loans):
        if loan.id in seen:
            yield FieldError(field=f"loans.{number}.id", reason="is there more than once")
        seen.add(loan.id)
        if loan.asset not in ASSETS:
            yield FieldError(field=f"loans.{number}.asset", reason=unknown)
        if loan.since > request.as_of:
            yield FieldError(field=f"loans.{number}.since", reason="is after as_of")
        for asset in loan.collateral:
            if asset not in ASSETS:
                yield FieldError(field=f"loans.{number}.collateral.{asset}", reason=unknown)
