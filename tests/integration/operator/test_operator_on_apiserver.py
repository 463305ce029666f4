"""The operator on a real API server: what is applied becomes live, and what becomes of it is said."""

import json
import time
from typing import Any

import asyncpg
from operator_desk import SPEC, Desk, eventually
from topic_contents import newest_by_key

from hedgerow.domain.instruments import LISTINGS
from hedgerow.ledger.halts import standing_halts
from hedgerow.ledger.strategies import publish_strategy
from hedgerow.ledger.venues import read_venues
from hedgerow.schemas.records import StrategyPublished
from hedgerow.schemas.topics import STRATEGIES
from hedgerow.strategy.compile import compile_strategy, revision_of
from hedgerow.strategy.parse import parse_resource

KIND = "HedgeStrategy"


def on_topic(desk: Desk, name: str) -> StrategyPublished | None:
    found: StrategyPublished | None = newest_by_key(desk.kafka, STRATEGIES.name, StrategyPublished).get(
        desk.key(name)
    )
    return found


def legs_on(venue: str, instrument: str = "BTC/USDT:USDT") -> list[dict[str, Any]]:
    return [{"venueRef": {"name": venue}, "instrument": instrument, "priority": 1}]


def hold(desk: Desk, live: StrategyPublished, quantity: str) -> None:
    """A position, as fills would have left it."""
    leg = live.config.hedge_with[0]

    async def write(connection: asyncpg.Connection) -> None:
        await connection.execute("delete from positions where strategy_uid = $1", live.uid)
        await connection.execute(
            "insert into positions (strategy_uid, mode, venue, account, instrument, quantity, entry_price, "
            "realised_pnl, fees) values ($1, $2, $3, $4, $5, $6::text::numeric, 60000, 0, 0)",
            live.uid,
            live.config.mode.value,
            leg.venue,
            leg.account,
            leg.instrument.symbol,
            quantity,
        )

    desk.on_ledger(write)


def test_a_strategy_becomes_live_and_ready_and_its_edits_follow(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    created = desk.strategy("btc")
    kube.wait(KIND, "btc", "Accepted", "True")
    kube.wait(KIND, "btc", "Published", "True")
    assert kube.wait(KIND, "btc", "Ready", "False")["reason"] == "WaitingForRoles"
    live = desk.live("btc")
    assert live is not None
    assert (live.uid, live.generation) == (created["metadata"]["uid"], created["metadata"]["generation"])
    assert on_topic(desk, "btc") == live
    late = "executor:" + desk.key("paper")
    desk.acknowledge(live, but=late)
    eventually(
        "the late one is named",
        lambda: kube.condition(KIND, "btc", "Ready")["message"].endswith(f"by: {late}"),
    )
    desk.acknowledge(live)
    ready = kube.wait(KIND, "btc", "Ready", "True")
    edited = desk.strategy("btc", upper="30000")
    assert edited["metadata"]["generation"] == 2
    newer = eventually(
        "generation 2", lambda: (found := desk.live("btc")) and found.generation == 2 and found
    )
    assert str(newer.config.bands[0].upper) == "30000"
    desk.acknowledge(newer)
    assert kube.wait(KIND, "btc", "Ready", "True")["lastTransitionTime"] >= ready["lastTransitionTime"]
    status = kube.get(KIND, "btc")["status"]  # type: ignore[index]
    assert (status["generation"], status["mode"], status["revision"]) == (2, "Paper", newer.revision)
    assert "Published" in kube.events("btc")
    kept = kube.apps.list_namespaced_controller_revision(kube.namespace).items
    assert [(item.revision, item.metadata.owner_references[0].name) for item in kept] == [(2, "btc")]


def test_a_refused_edit_leaves_the_last_good_one_live_and_a_right_one_heals_it(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    desk.strategy("btc")
    kube.wait(KIND, "btc", "Accepted", "True")
    before = desk.live("btc")
    desk.strategy("btc", hedgeWith=legs_on("nowhere"))
    refused = kube.wait(KIND, "btc", "Accepted", "False", "VenueNotFound")
    assert "there is no Venue nowhere in namespace" in refused["message"]
    assert "(generation 1 stays live)" in refused["message"]
    assert desk.live("btc") == before
    kube.wait(KIND, "btc", "Ready", "False", "NotAccepted")
    assert kube.get(KIND, "btc")["status"]["generation"] == 1  # type: ignore[index]
    desk.strategy("btc", hedgeWith=legs_on("paper", "DOGE/USDT:USDT"))
    assert (
        '"DOGE/USDT:USDT" is not listed' in kube.wait(KIND, "btc", "Accepted", "False", "Invalid")["message"]
    )
    desk.strategy("btc")
    kube.wait(KIND, "btc", "Accepted", "True")
    healed = eventually(
        "published again", lambda: (found := desk.live("btc")) and found.generation == 4 and found
    )
    assert healed.revision == before.revision  # type: ignore[union-attr]


def test_a_status_that_somebody_edits_by_hand_heals(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    desk.strategy("btc")
    kube.wait(KIND, "btc", "Ready", "False")
    true = dict(kube.get(KIND, "btc")["status"])  # type: ignore[index]
    lie = [{**item, "status": "True", "reason": "Lie"} for item in true["conditions"]]
    kube.edit_status(KIND, "btc", {"generation": 99, "state": "Lie", "conditions": lie})

    def healed() -> bool:
        status = kube.get(KIND, "btc")["status"]  # type: ignore[index]
        reasons = {item["reason"] for item in status["conditions"]}
        return status["generation"] == 1 and "Lie" not in reasons

    eventually("healed", healed)


def test_a_venue_has_one_executor_that_its_secret_renews(desk: Desk) -> None:
    kube = desk.kube
    desk.venue(secret=False)
    missing = kube.wait("Venue", "paper", "Accepted", "False", "SecretNotFound")
    assert "there is no Secret paper-trade" in missing["message"]
    kube.secret("paper-trade", apiKey="key")
    kube.wait("Venue", "paper", "Accepted", "False", "SecretKeyMissing")
    kube.secret("paper-trade", apiKey="key", secret="secret")
    kube.wait("Venue", "paper", "Accepted", "True")

    def executor() -> Any:
        return kube.apps.read_namespaced_deployment("paper-executor", kube.namespace)

    first = executor()
    owner = first.metadata.owner_references[0]
    assert (owner.kind, owner.name) == ("Venue", "paper")
    assert first.spec.template.spec.containers[0].security_context.read_only_root_filesystem is True
    kube.wait("Venue", "paper", "Ready", "False", "ExecutorNotReady")
    kube.secret("paper-trade", apiKey="new", secret="new")
    eventually("new keys, new pod", lambda: executor().metadata.generation == 2)
    kube.apps.patch_namespaced_deployment("paper-executor", kube.namespace, {"spec": {"replicas": 3}})
    eventually("one again", lambda: executor().spec.replicas == 1)
    kube.apps.delete_namespaced_deployment("paper-executor", kube.namespace)
    eventually("made again", lambda: kube.apps.list_namespaced_deployment(kube.namespace).items)
    ready = {"observedGeneration": executor().metadata.generation, "replicas": 1, "readyReplicas": 1}
    kube.apps.patch_namespaced_deployment_status("paper-executor", kube.namespace, {"status": ready})
    kube.wait("Venue", "paper", "Ready", "True")


def test_a_venue_with_a_read_key_has_one_collector_that_gets_that_key_alone(desk: Desk) -> None:
    kube = desk.kube
    credentials = {use: {"secretRef": {"name": f"paper-{use}"}} for use in ("trade", "read")}
    desk.venue()
    kube.apply("Venue", "paper", desk.venue_spec("paper") | {"credentials": credentials})
    missing = kube.wait("Venue", "paper", "Collecting", "False", "SecretNotFound")
    assert "there is no Secret paper-read" in missing["message"]
    kube.secret("paper-read", apiKey="key", secret="secret")
    kube.wait("Venue", "paper", "Collecting", "False", "CollectorNotReady")
    pod = kube.apps.read_namespaced_deployment("paper-accounts", kube.namespace).spec.template.spec
    assert [volume.secret.secret_name for volume in pod.volumes if volume.secret] == ["paper-read"]
    ready = {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1}
    kube.apps.patch_namespaced_deployment_status("paper-accounts", kube.namespace, {"status": ready})
    kube.wait("Venue", "paper", "Collecting", "True")


def test_a_strategy_counts_the_account_of_a_venue_that_it_does_not_trade_on(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    counted = {"name": "wallet", "account": {"venueRef": {"name": "treasury"}, "count": ["Spot"]}}
    fresh = {"quote": "3s", "book": "5s", "account": "15s"}
    desk.strategy("btc", exposure=[counted], freshness=fresh)
    missing = kube.wait(KIND, "btc", "Accepted", "False", "VenueNotFound")
    assert "there is no Venue treasury" in missing["message"]
    desk.venue("treasury")
    kube.wait(KIND, "btc", "Accepted", "True")
    live = eventually("published", lambda: desk.live("btc"))
    assert [(source.name, source.venue) for source in live.config.accounts] == [
        ("wallet", desk.key("treasury"))
    ]
    # Only where it trades must an executor be ready.
    degraded = kube.wait(KIND, "btc", "Degraded", "True", "VenueNotReady")
    assert desk.key("paper") in degraded["message"]
    assert desk.key("treasury") not in degraded["message"]


def test_a_strategy_whose_venue_goes_is_degraded_and_comes_back_with_it(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    desk.strategy("btc")
    kube.wait(KIND, "btc", "Accepted", "True")
    eventually("kept", lambda: kube.apps.list_namespaced_controller_revision(kube.namespace).items)
    kube.delete("Venue", "paper")
    kube.wait(KIND, "btc", "Degraded", "True", "VenueNotFound")
    kube.wait(KIND, "btc", "Accepted", "True")
    live = desk.live("btc")
    assert live is not None
    desk.venue()
    kube.wait(KIND, "btc", "Degraded", "True", "VenueNotReady")
    assert desk.live("btc") == live


def test_of_two_that_want_one_leg_the_first_has_it_and_its_end_frees_it(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    desk.strategy("first")
    kube.wait(KIND, "first", "Accepted", "True")
    desk.strategy("second")
    conflict = kube.wait(KIND, "second", "Accepted", "False", "Conflict")
    assert f"already belongs to strategy {desk.key('first')}" in conflict["message"]
    assert desk.live("second") is None
    kube.delete(KIND, "first")
    kube.wait(KIND, "second", "Accepted", "True")
    kube.wait_gone(KIND, "first")


def test_what_it_trades_cannot_change_under_an_open_position(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    desk.strategy("btc")
    kube.wait(KIND, "btc", "Published", "True")
    live = desk.live("btc")
    assert live is not None
    hold(desk, live, "-0.5")
    desk.strategy("btc", mode="Shadow")
    refused = kube.wait(KIND, "btc", "Accepted", "False", "PositionOpen")
    assert "cannot change while the hedge holds -0.5 contracts" in refused["message"]
    assert desk.live("btc") == live
    hold(desk, live, "0")
    kube.wait(KIND, "btc", "Accepted", "True")  # it is asked again, without an edit


def test_a_halt_stands_while_its_resource_does_and_no_longer(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    desk.strategy("btc")
    kube.wait(KIND, "btc", "Published", "True")
    kube.apply("Halt", "lunch", {"target": {"strategy": "btc"}, "reason": "lunch break"})
    kube.wait("Halt", "lunch", "Active", "True")
    kube.apply("Halt", "drill", {"target": {"venue": "paper"}, "reason": "fire drill"})
    kube.wait("Halt", "drill", "Active", "True")

    def standing() -> dict[str, str]:
        halts = desk.on_ledger(standing_halts)
        return {halt.source: halt.reason for halt in halts if desk.kube.namespace in halt.source}

    assert standing() == {
        f"Halt {desk.key('lunch')}": "lunch break",
        f"Halt {desk.key('drill')}": "fire drill",
    }
    assert "lunch break" in kube.wait(KIND, "btc", "Degraded", "True", "Halted")["message"]
    kube.delete("Halt", "lunch")
    eventually("its own is released", lambda: list(standing().values()) == ["fire drill"])
    kube.delete("Halt", "drill")
    kube.wait(KIND, "btc", "Degraded", "True", "VenueNotReady")


def test_a_deleted_strategy_that_retains_is_withdrawn_and_its_hedge_named(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    desk.strategy("btc")
    kube.wait(KIND, "btc", "Published", "True")
    live = desk.live("btc")
    assert live is not None
    hold(desk, live, "-0.5")
    kube.delete(KIND, "btc")
    kube.wait_gone(KIND, "btc")
    assert desk.live("btc") is None
    assert on_topic(desk, "btc") is None
    assert "Retained" in kube.events("btc")


def test_a_deleted_strategy_that_flattens_is_published_so_and_waits_until_it_is_flat(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    desk.strategy("btc", deletionPolicy="Flatten")
    kube.wait(KIND, "btc", "Published", "True")
    live = desk.live("btc")
    assert live is not None
    hold(desk, live, "-0.5")
    kube.delete(KIND, "btc")
    leaving = eventually("flattening", lambda: (found := desk.live("btc")) and found.config.flatten and found)
    assert leaving.generation > live.generation
    assert on_topic(desk, "btc") == leaving
    kube.wait(KIND, "btc", "Ready", "False", "Flattening")
    hold(desk, live, "0")  # as the executor's fills do
    kube.wait_gone(KIND, "btc")
    assert desk.live("btc") is None
    assert "Flattened" in kube.events("btc")


def test_what_files_declared_is_not_taken_over(desk: Desk) -> None:
    kube = desk.kube
    desk.venue()
    kube.wait("Venue", "paper", "Accepted", "True")

    async def by_file(connection: asyncpg.Connection) -> None:
        document = {
            "apiVersion": "hedgerow.dev/v1alpha1",
            "kind": KIND,
            "metadata": {"name": "btc", "namespace": kube.namespace},
            "spec": SPEC,
        }
        parsed = parse_resource(document)
        assert not isinstance(parsed, list)
        venues = {venue.key: venue for venue in await read_venues(connection)}
        compiled = compile_strategy(parsed, venues, LISTINGS)  # type: ignore[arg-type]
        assert not isinstance(compiled, list)
        await publish_strategy(connection, compiled, revision_of(compiled), time.time_ns())

    desk.on_ledger(by_file)
    before = desk.live("btc")
    desk.strategy("btc", upper="30000")
    refused = kube.wait(KIND, "btc", "Accepted", "False", "DeclaredElsewhere")
    assert f"hedgerow delete HedgeStrategy {desk.key('btc')}" in refused["message"]
    kube.delete(KIND, "btc")
    kube.wait_gone(KIND, "btc")
    assert desk.live("btc") == before


def test_it_says_how_it_is(desk: Desk) -> None:
    operator = desk.operator
    assert operator.get("/healthz")[0] == 200
    assert json.loads(operator.get("/ready")[1]) == {"ready": True, "missing": {}}
    metrics = operator.get("/metrics")[1]
    for name in ("reconciles_total", "reconcile_seconds_count", "api_requests_total", "watch_events_total"):
        assert f"hedgerow_operator_{name}" in metrics
