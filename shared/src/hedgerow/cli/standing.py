"""How everything stands, and what of it waits for a person. Pure."""

from collections.abc import Iterable

import msgspec

from hedgerow.cli.exits import ExitCode
from hedgerow.cli.names import age
from hedgerow.cli.topics import Acknowledged
from hedgerow.execution.intents import Intent
from hedgerow.hedging.snapshot import LedgerSnapshot
from hedgerow.ledger.halts import Halt
from hedgerow.schemas.acknowledging import required_roles


class ServerFact(msgspec.Struct, frozen=True, kw_only=True):
    """One server that everything needs. `detail` says why it cannot be used."""

    name: str
    address: str
    usable: bool
    detail: str = ""


class StrategyFact(msgspec.Struct, frozen=True, kw_only=True):
    """One live strategy. `missing`: roles that do not run its generation; None when Kafka could not be asked."""

    strategy: str
    mode: str
    suspend: bool
    generation: int
    missing: list[str] | None
    halts: list[str]


class UnknownFact(msgspec.Struct, frozen=True, kw_only=True):
    """An intent whose end the venue has not told. Seconds since its claim, and until a person is called."""

    intent: int
    strategy: str
    client_order_id: str | None
    age_s: float
    deadline_s: float

    @property
    def overdue(self) -> bool:
        return self.age_s > self.deadline_s


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `hedgerow status` shows. What the ledger holds is None when it cannot be asked."""

    servers: list[ServerFact]
    strategies: list[StrategyFact] | None
    halts: list[Halt] | None
    unknown: list[UnknownFact] | None
    attention: list[str]

    @property
    def code(self) -> ExitCode:
        if not all(server.usable for server in self.servers):
            return ExitCode.UNREACHABLE
        return ExitCode.ATTENTION if self.attention else ExitCode.OK


def strategy_facts(
    ledgers: Iterable[LedgerSnapshot], acknowledged: Acknowledged | None
) -> list[StrategyFact]:
    """Which roles each live strategy still waits for, and what halts it."""
    facts = []
    for ledger in ledgers:
        config = ledger.config
        roles = (
            acknowledged.roles(config.key, ledger.strategy_uid, ledger.generation) if acknowledged else None
        )
        facts.append(
            StrategyFact(
                strategy=config.key,
                mode=config.mode.value,
                suspend=config.suspend,
                generation=ledger.generation,
                missing=None if roles is None else sorted(required_roles(config) - roles),
                halts=list(ledger.halts),
            )
        )
    return facts


def unknown_fact(intent: Intent, deadline_ns: int, now_ns: int) -> UnknownFact:
    """How long an Unknown intent has been waiting."""
    since_ns = intent.claimed_ns if intent.claimed_ns is not None else intent.decided_ns
    return UnknownFact(
        intent=intent.id,
        strategy=intent.strategy,
        client_order_id=intent.client_order_id,
        age_s=(now_ns - since_ns) / 1e9,
        deadline_s=deadline_ns / 1e9,
    )


def stand(
    servers: list[ServerFact],
    strategies: list[StrategyFact] | None,
    halts: list[Halt] | None,
    unknown: list[UnknownFact] | None,
) -> Standing:
    """Put the facts together with what of them a person should look at, the worst first."""
    attention = [f"{server.name}: {server.detail}" for server in servers if not server.usable]
    attention += [
        f"intent {item.intent} of {item.strategy} is Unknown for {age(item.age_s)}, past its deadline of "
        f"{item.deadline_s:g} s: ask the venue for {item.client_order_id}, then `hedgerow intent resolve "
        f"{item.intent} --as cancelled|abandoned --reason …`"
        for item in unknown or ()
        if item.overdue
    ]
    attention += [
        f"halt {halt.id} of {f'{halt.target.kind} {halt.target.name}'.strip()} by {halt.source}: {halt.reason}"
        for halt in halts or ()
    ]
    attention += [
        f"{item.strategy}: generation {item.generation} waits for {', '.join(item.missing)}; see whether the "
        "workers run"
        for item in strategies or ()
        if item.missing
    ]
    return Standing(servers=servers, strategies=strategies, halts=halts, unknown=unknown, attention=attention)
