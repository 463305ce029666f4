"""`hedgerow ceilings`: the platform's own limits."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgerow.cli.exits import ExitCode, UsageError
from hedgerow.cli.servers import Servers, open_ledger
from hedgerow.domain.money import parse_decimal, plain
from hedgerow.execution.claim_facts import Ceilings
from hedgerow.ledger.ceilings import change_ceilings, read_ceilings
from hedgerow.ledger.strategies import read_strategies
from hedgerow.strategy.compiled import CompiledStrategy

_FIELDS = {field.encode_name: field for field in msgspec.structs.fields(Ceilings)}


async def ceilings(servers: Servers, assignments: list[str], cleared: list[str], as_json: bool) -> ExitCode:
    """Change what is named, then show what holds.

    Raises:
        UsageError: there is no such ceiling, or its value is no positive number.
    """
    changes = changed(assignments, cleared)
    async with open_ledger(servers) as connection:
        now = await (change_ceilings(connection, changes) if changes else read_ceilings(connection))
        strategies = [item.config for item in await read_strategies(connection)]
    if as_json:
        print(msgspec.json.encode(now).decode())
        return ExitCode.OK
    for name, field in _FIELDS.items():
        value = getattr(now, field.name)
        print(f"{name:<20} {'none' if value is None else plain(Decimal(value))}")
    for config in strategies:
        if now.max_order_notional is not None and _clip(config) > now.max_order_notional:
            print(
                f"{config.key} declares clips of {plain(_clip(config))}: it is hedged in clips of at most "
                f"{plain(now.max_order_notional)}"
            )
    return ExitCode.OK


def changed(assignments: list[str], cleared: list[str]) -> dict[str, Any]:
    """The fields of `Ceilings` that the options change.

    Raises:
        UsageError: as `ceilings`.
    """
    changes: dict[str, Any] = {}
    for text in assignments:
        name, _, value = text.partition("=")
        changes[_field(name).name] = _value(name, value)
    for name in cleared:
        changes[_field(name).name] = None
    return changes


def _field(name: str) -> Any:
    try:
        return _FIELDS[name]
    except KeyError:
        raise UsageError(f'"{name}" is no ceiling; there are: {", ".join(_FIELDS)}') from None


def _value(name: str, text: str) -> Decimal | int:
    whole = _field(name).type == int | None
    try:
        value = int(text) if whole else parse_decimal(text)
    except ValueError:
        value = 0
    if value <= 0:
        raise UsageError(
            f'"{name}={text}": write a positive {"whole " if whole else ""}number, e.g. {name}=100'
        )
    return value


def _clip(config: CompiledStrategy) -> Decimal:
    return min(config.execution.clip_notional, config.limits.max_order_notional)
