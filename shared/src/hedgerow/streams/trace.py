"""What travels beside every message: which trace it belongs to, what started it, and when each role took it up.

`traceparent` is W3C trace context; `hedgerow-cause` is the id of the input that started it all; `hedgerow-stages`
is ASCII `name=ns;name=ns`, the first entry being `received` at the source.
"""

from hashlib import blake2b

from hedgerow.streams.context import Headers

TRACEPARENT = "traceparent"
CAUSE = "hedgerow-cause"
STAGES = "hedgerow-stages"
RECEIVED = "received"


def start(cause: str, received_ns: int) -> dict[str, bytes]:
    """Headers of a message that starts a trace. The ids are a hash of cause and time: the same start, the same ids."""
    return {
        TRACEPARENT: _traceparent(cause.encode(), received_ns),
        CAUSE: cause.encode(),
        STAGES: f"{RECEIVED}={received_ns}".encode(),
    }


def carry(headers: Headers, stage: str, now_ns: int) -> dict[str, bytes]:
    """Headers of a message that another one caused: the same trace and cause, one stage more."""
    stages = headers.get(STAGES)
    entry = f"{stage}={now_ns}".encode()
    cause = headers.get(CAUSE, b"")
    return {
        TRACEPARENT: headers.get(TRACEPARENT) or _traceparent(cause, now_ns),
        CAUSE: cause,
        STAGES: stages + b";" + entry if stages else entry,
    }


def read_stages(headers: Headers) -> dict[str, int]:
    """When each role took the message up, UTC ns, in order; empty when the message carries none.

    Raises:
        ValueError: the header is not `name=ns;name=ns`.
    """
    text = headers.get(STAGES, b"").decode("ascii")
    stages = {}
    for entry in filter(None, text.split(";")):
        name, separator, time_ns = entry.partition("=")
        if not separator or not time_ns.isdigit():
            raise ValueError(f"{STAGES}: {entry!r} is not name=ns")
        stages[name] = int(time_ns)
    return stages


def last_stage_ns(headers: Headers) -> int | None:
    """When the role before took it up, UTC ns; None when the message does not say."""
    time_ns = headers.get(STAGES, b"").rpartition(b"=")[2]
    return int(time_ns) if time_ns.isdigit() else None


def read_cause(headers: Headers) -> str:
    """The id of the input that started it, e.g. `quote:BTC/USDT:1723161254206652067`; empty when it has none."""
    return as_text(headers.get(CAUSE, b""))


def as_text(header: bytes) -> str:
    """A header from anywhere as text that Postgres takes, which has no NUL."""
    return header.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def trace_id(headers: Headers) -> str:
    """The 32 hex digits of the trace, for logs; empty when the message carries no trace."""
    parts = headers.get(TRACEPARENT, b"").decode("ascii", errors="replace").split("-")
    return parts[1] if len(parts) == 4 else ""


def _traceparent(seed: bytes, time_ns: int) -> bytes:
    digits = blake2b(seed + b"@%d" % time_ns, digest_size=24).hexdigest()
    return f"00-{digits[:32]}-{digits[32:]}-01".encode()
