"""What must hold before the worker says that it is ready."""

import msgspec
import structlog

from hedgerow.streams.metrics import WorkerMetrics

_log = structlog.get_logger(__name__)


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool
    detail: str
    outage: bool


class Conditions:
    """Every condition of every role of the process. Conditions of `PROCESS` count for each role."""

    PROCESS = "process"

    def __init__(self, roles: list[str], metrics: WorkerMetrics) -> None:
        self._conditions: dict[tuple[str, str], Condition] = {}
        self._roles = roles
        self._metrics = metrics
        self._show()

    def set(self, role: str, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        new = Condition(ok=ok, detail=detail, outage=outage and not ok)
        old = self._conditions.get((role, name))
        self._conditions[(role, name)] = new
        if old is None or old.ok != ok:
            _log.info("readiness", role=role, condition=name, ok=ok, detail=detail)
            self._show()

    def missing(self, role: str | None = None) -> dict[str, str]:
        """What does not hold, by `role.condition`, and why; of one role, or of all."""
        return {
            f"{owner}.{name}": condition.detail
            for (owner, name), condition in self._conditions.items()
            if not condition.ok and (role is None or owner in (role, self.PROCESS))
        }

    def outage(self, role: str) -> bool:
        """Whether a server that this role needs is away."""
        return any(
            condition.outage
            for (owner, _), condition in self._conditions.items()
            if owner in (role, self.PROCESS)
        )

    def _show(self) -> None:
        for role in self._roles:
            self._metrics.ready.labels(role).set(not self.missing(role))


class RoleReadiness:
    """One role's view, see `context.Readiness`."""

    def __init__(self, conditions: Conditions, role: str) -> None:
        self._conditions = conditions
        self._role = role

    def set(self, name: str, ok: bool, detail: str = "", outage: bool = False) -> None:
        self._conditions.set(self._role, name, ok, detail, outage)
