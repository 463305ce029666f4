"""What waits for a person, and with which exit code that ends."""

import hedge_examples as example
import pytest

from hedgerow.cli.exits import ExitCode
from hedgerow.cli.standing import ServerFact, Standing, UnknownFact, stand, strategy_facts, unknown_fact
from hedgerow.cli.topics import Acknowledged
from hedgerow.execution.order_life import IntentState
from hedgerow.ledger.halts import Halt, HaltTarget
from hedgerow.schemas.acknowledging import executor_role
from hedgerow.schemas.records import Acknowledgement

EXECUTOR = executor_role(example.VENUE)

SERVERS = [
    ServerFact(name="Ledger", address="a", usable=True),
    ServerFact(name="Kafka", address="b", usable=True),
]


def acknowledged(*roles: str, generation: int = 1) -> Acknowledged:
    return Acknowledged(
        newest={
            ("desk/btc", role): Acknowledgement(
                strategy="desk/btc",
                role=role,
                worker="w",
                uid=example.UID,
                generation=generation,
                revision="r1",
                time_ns=1,
            )
            for role in roles
        }
    )


def missing(seen: Acknowledged | None) -> list[str] | None:
    return strategy_facts([example.snapshot()], seen)[0].missing


def unknown(age_s: int) -> UnknownFact:
    intent = example.intent(state=IntentState.UNKNOWN, claimed_ns=example.NOW_NS, client_order_id="hr-1")
    return unknown_fact(intent, 60 * example.SECOND_NS, example.NOW_NS + age_s * example.SECOND_NS)


def test_roles_that_run_no_or_another_generation_are_missing() -> None:
    assert missing(acknowledged("router", "risk", "hedging", EXECUTOR)) == []
    assert missing(acknowledged("router", EXECUTOR)) == ["hedging", "risk"]
    assert missing(acknowledged("router", "risk", "hedging", EXECUTOR, generation=2)) == [
        EXECUTOR,
        "hedging",
        "risk",
        "router",
    ]
    assert missing(None) is None


def test_nothing_to_do_ends_with_0() -> None:
    ready = strategy_facts([example.snapshot()], acknowledged("router", "risk", "hedging", EXECUTOR))
    found = stand(SERVERS, ready, [], [unknown(59)])
    assert (found.attention, found.code) == ([], ExitCode.OK)


HALT = Halt(id=3, target=HaltTarget(kind="All"), source="cli", reason="drill", created_ns=1)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (stand(SERVERS, [], [HALT], []), "halt 3 of All by cli: drill"),
        (stand(SERVERS, [], [], [unknown(61)]), "past its deadline of 60 s: ask the venue for hr-1"),
        (
            stand(SERVERS, strategy_facts([example.snapshot()], acknowledged("risk")), [], []),
            f"desk/btc: generation 1 waits for {EXECUTOR}, hedging, router",
        ),
    ],
)
def test_what_waits_for_a_person_is_said_and_ends_with_1(found: Standing, said: str) -> None:
    (text,) = found.attention
    assert said in text
    assert found.code == 1


def test_a_server_that_cannot_be_used_ends_with_3_whatever_else_there_is() -> None:
    broken = ServerFact(name="Kafka", address="b", usable=False, detail="cannot be reached")
    found = stand([SERVERS[0], broken], strategy_facts([example.snapshot()], None), [HALT], None)
    assert found.attention[0] == "Kafka: cannot be reached"
    assert found.code == ExitCode.UNREACHABLE
