"""The life of a strategy on a real cluster, in the order of this file: each test goes on where the one before ended."""

import json
import os
import time
from pathlib import Path

import many
import pytest
from cluster import Cluster, CommandFailed, Object, is_ready, restarts, wait_for
from conftest import RELEASE, ROOT
from figures import Figures
from release_ledger import ReleaseLedger
from strategy_watch import StrategyWatch

CHART = str(ROOT / "charts" / "hedgerow")
EXAMPLES = str(ROOT / "k8s" / "examples")
STRATEGY = "hedgestrategy/btc-band"
EDITS = int(os.environ.get("HEDGEROW_E2E_EDITS", "50"))
MANY = int(os.environ.get("HEDGEROW_E2E_STRATEGIES", "1000"))
# How often the operator is killed, and over how many strategies that change meanwhile.
KILLS, CHURNED = 20, 20
pytestmark = pytest.mark.timeout(3600)


def settled(cluster: Cluster) -> list[Object]:
    """Every pod, once each is ready and none is on its way out."""

    def all_ready() -> list[Object] | None:
        everything = cluster.items("pods", "--field-selector=status.phase!=Succeeded")
        going = [pod for pod in everything if "deletionTimestamp" in pod["metadata"]]
        found = cluster.pods()
        return found if found and not going and all(is_ready(pod) for pod in found) else None

    return wait_for("every pod to be ready", all_ready)


def hedged_again(ledger: ReleaseLedger, how_many: int = 3) -> None:
    """Wait until that many more intents were filled than now."""
    before = ledger.hedges()
    wait_for(f"{how_many} more hedges", lambda: ledger.hedges() >= before + how_many)


def test_the_dev_profile_installs_with_its_own_servers(
    cluster: Cluster, values: Path, figures: Figures
) -> None:
    begun = time.monotonic()
    cluster.helm("install", RELEASE, CHART, "--values", str(values), "--wait", "--timeout", "15m")
    figures.add("helm install --wait", f"{time.monotonic() - begun:.1f} s")
    figures.add("containers that ended by themselves meanwhile", str(sum(map(restarts, settled(cluster)))))


def test_what_is_declared_becomes_ready_and_hedges_flow(
    cluster: Cluster, ledger: ReleaseLedger, figures: Figures
) -> None:
    begun = time.monotonic()
    cluster.kubectl("apply", "--filename", EXAMPLES)
    cluster.kubectl("wait", "--for=condition=Ready", STRATEGY, "--timeout=300s")
    figures.add(
        "first kubectl apply to Ready, executor's start included", f"{time.monotonic() - begun:.1f} s"
    )
    wait_for("the first hedge", lambda: ledger.hedges() > 0)
    figures.add("first kubectl apply to the first hedge", f"{time.monotonic() - begun:.1f} s")


def test_helm_test_passes(cluster: Cluster) -> None:
    cluster.helm("test", RELEASE, "--timeout", "3m")


def test_the_command_line_in_a_pod_explains_the_strategy(cluster: Cluster) -> None:
    command = ("hedgerow", "explain", "btc-band", "--namespace", cluster.namespace)
    told = cluster.kubectl("exec", f"deployment/{RELEASE}-gateway", "--", *command)
    assert "BTC/USDT:USDT" in told


def test_live_is_refused_by_the_api_server_with_the_reason(cluster: Cluster) -> None:
    patch = json.dumps({"spec": {"mode": "Live"}})
    with pytest.raises(CommandFailed, match=r"(?s)Live"):
        cluster.kubectl("patch", STRATEGY, "--type=merge", "--patch", patch)


def test_an_edit_changes_behaviour_within_seconds(
    cluster: Cluster, ledger: ReleaseLedger, figures: Figures
) -> None:
    with StrategyWatch(cluster, STRATEGY) as watch:
        edits = [watch.edit(number) for number in range(EDITS)]
    figures.add_spread("edit applied to Accepted", [edit.accepted_s for edit in edits])
    figures.add_spread("edit applied to Ready", [edit.ready_s for edit in edits])
    generations = [edit.generation for edit in edits]
    rows = ledger.rows(
        "select generation, min(decided_ns) as first from intents where generation = any($1) group by generation",
        generations,
    )
    first = {row["generation"]: row["first"] for row in rows}
    waits = [(first[edit.generation] - edit.applied_ns) / 1e9 for edit in edits if edit.generation in first]
    assert waits, "no edit was followed by a hedge of its generation"
    figures.add_spread(
        "edit applied to the first hedge of its generation, where the next edit left time", waits
    )


def test_a_thousand_strategies_applied_at_once_become_ready(
    cluster: Cluster, ledger: ReleaseLedger, figures: Figures
) -> None:
    # What their decisions on live prices cost is `make bench`'s: here the market stands still.
    cluster.kubectl("scale", "--replicas=0", f"deployment/{RELEASE}-ingestion")
    with many.without_executors(cluster, RELEASE), many.ManyWatch(cluster).open() as watch:
        many.apply(cluster, many.venues(MANY))
        accounts = cluster.items("venues", "--selector", many.LABEL)
        wait_for("every Venue's executor", lambda: len(many.executors(cluster)) == len(accounts))
        before, begun = many.Cost(cluster, RELEASE), time.monotonic()
        many.apply(cluster, [many.strategy(number, 1_000_000) for number in range(MANY)])
        took = {"applied": time.monotonic() - begun}
        for condition in ("Accepted", "Published", "Ready"):
            watch.wait(condition, MANY)
            took[condition] = time.monotonic() - begun
        words = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items())
        figures.add(f"{MANY} strategies applied at once, all of them", words)
        figures.add("the operator for them", many.Cost(cluster, RELEASE).since(before, MANY))
        assert many.drift(cluster, ledger, RELEASE) == []
        begun = time.monotonic()
        rest = [f"{many.PREFIX}{number}" for number in range(CHURNED, MANY)]
        cluster.kubectl("delete", "hedgestrategies", *rest, "--timeout=300s")
        figures.add(
            f"{len(rest)} strategies deleted at once, until gone", f"{time.monotonic() - begun:.1f} s"
        )


def test_an_operator_killed_again_and_again_lets_nothing_drift(
    cluster: Cluster, ledger: ReleaseLedger, figures: Figures
) -> None:
    with many.without_executors(cluster, RELEASE):
        for number in range(KILLS):
            many.churn(cluster, list(range(CHURNED)), number)
            many.kill_operator(cluster, RELEASE)
        many.apply(cluster, [many.strategy(number, 2_000_000) for number in range(CHURNED)])
        begun = time.monotonic()
        try:
            wait_for("no drift", lambda: not many.drift(cluster, ledger, RELEASE), patience_s=300, pause_s=1)
        except AssertionError as error:
            raise AssertionError(f"{error}: {many.drift(cluster, ledger, RELEASE)}") from None
        took = time.monotonic() - begun
        figures.add(f"operator killed {KILLS} times in churn: drift is 0 after", f"{took:.1f} s")
        cluster.kubectl("delete", "hedgestrategies,venues", "--selector", many.LABEL, "--timeout=300s")
    cluster.kubectl("scale", "--replicas=1", f"deployment/{RELEASE}-ingestion")
    settled(cluster)


def test_every_pod_may_be_killed_and_hedging_goes_on(
    cluster: Cluster, ledger: ReleaseLedger, figures: Figures
) -> None:
    longest = 0.0
    for pod in cluster.pods():
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        begun = time.monotonic()
        cluster.kubectl("delete", "pod", name, "--grace-period=0", "--force")
        wait_for(
            f"{name} to be gone",
            lambda uid=uid: all(item["metadata"]["uid"] != uid for item in cluster.items("pods")),
        )
        settled(cluster)
        longest = max(longest, time.monotonic() - begun)
    figures.add("each pod killed: longest until all were ready again", f"{longest:.1f} s")
    cluster.kubectl("wait", "--for=condition=Ready", STRATEGY, "--timeout=300s")
    hedged_again(ledger)


def test_an_upgrade_under_load_loses_and_doubles_nothing(
    cluster: Cluster, values: Path, ledger: ReleaseLedger, figures: Figures
) -> None:
    begun_ns = time.time_ns()
    # What every process reads, so every pod is replaced.
    changed = ("--set", "orderGenerator.perSecond=3")
    cluster.helm("upgrade", RELEASE, CHART, "--values", str(values), *changed, "--wait", "--timeout", "15m")
    figures.add("helm upgrade --wait, every worker replaced", f"{(time.time_ns() - begun_ns) / 1e9:.1f} s")
    settled(cluster)
    hedged_again(ledger)
    decided = [row["decided_ns"] for row in ledger.rows("select decided_ns from intents order by decided_ns")]
    during = [number for number in decided if number >= begun_ns]
    before = [number for number in decided if number < begun_ns]
    pause = max(after - earlier for earlier, after in zip([before[-1], *during], during, strict=False))
    figures.add("longest pause between two hedges during the upgrade", f"{pause / 1e9:.1f} s")


def test_ledger_venue_and_journal_agree_to_the_last_decimal(
    cluster: Cluster, ledger: ReleaseLedger, figures: Figures, tmp_path: Path
) -> None:
    cluster.kubectl("scale", "--replicas=0", f"deployment/{RELEASE}-order-generator")
    cluster.kubectl(
        "wait",
        "--for=delete",
        "pod",
        "--selector=app.kubernetes.io/component=order-generator",
        "--timeout=120s",
    )
    for _ in range(20):
        before = ledger.hedges()
        disagreements, orders = ledger.disagreements(tmp_path)
        if not disagreements or ledger.hedges() == before:
            break
        time.sleep(2)
    assert disagreements == []
    assert orders > 0
    figures.add("orders in the exchange's journal that are exactly one intent", f"{orders} of {orders}")
    cluster.kubectl("scale", "--replicas=1", f"deployment/{RELEASE}-order-generator")


def test_a_deleted_strategy_keeps_or_flattens_its_hedge_as_it_says(
    cluster: Cluster, ledger: ReleaseLedger
) -> None:
    retained = cluster.get(STRATEGY)["metadata"]["uid"]
    wait_for("a position", lambda: ledger.position(retained) != 0)
    cluster.kubectl("delete", STRATEGY, "--timeout=120s")
    assert ledger.position(retained) != 0
    cluster.kubectl("apply", "--filename", EXAMPLES)
    patch = json.dumps({"spec": {"deletionPolicy": "Flatten"}})
    cluster.kubectl("patch", STRATEGY, "--type=merge", "--patch", patch)
    cluster.kubectl("wait", "--for=condition=Ready", STRATEGY, "--timeout=300s")
    flattened = cluster.get(STRATEGY)["metadata"]["uid"]
    wait_for("a position", lambda: ledger.position(flattened) != 0)
    cluster.kubectl("delete", STRATEGY, "--timeout=300s")
    assert ledger.position(flattened) == 0


def test_after_uninstall_nothing_is_left(cluster: Cluster) -> None:
    cluster.kubectl("apply", "--filename", EXAMPLES)
    cluster.kubectl("wait", "--for=condition=Published", STRATEGY, "--timeout=300s")
    cluster.helm("uninstall", RELEASE, "--wait", "--timeout", "10m")
    # The strategies are still there, and nobody has to take a finalizer off them.
    assert cluster.items("hedgestrategies")
    cluster.kubectl("delete", "--filename", EXAMPLES, "--timeout=120s")
    cluster.kubectl("delete", "pvc", f"--selector=app.kubernetes.io/instance={RELEASE}", "--timeout=120s")
    cluster.run(
        "kubectl",
        "delete",
        "crd",
        *(f"{kind}.hedgerow.dev" for kind in ("hedgestrategies", "venues", "halts")),
    )

    def left() -> list[str]:
        kinds = "all,configmap,secret,pvc,serviceaccount,role,rolebinding,networkpolicy,pdb,job,controllerrevision"
        own = cluster.kubectl("get", kinds, "--output=name").split()
        wide = "clusterrole,clusterrolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding,crd"
        everywhere = cluster.run(
            "kubectl", "get", wide, "--selector=app.kubernetes.io/name=hedgerow", "--output=name"
        )
        # What Kubernetes puts into every namespace.
        given = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
        return [name for name in [*own, *everywhere.split()] if name not in given]

    wait_for("everything to be gone", lambda: left() == [], patience_s=120)
