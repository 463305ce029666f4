"""How the Redis Cluster is spoken to: TLS and a login, as the environment says; the same for every connection."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WORDS = {"": False, "false": False, "true": True}


def redis_options(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What a connection is made with, beside its address.

    Raises:
        ValueError: a `HEDGEROW_REDIS_…` variable cannot be used; the message names it.
    """
    text = environment.get("HEDGEROW_REDIS_TLS", "")
    if text not in _WORDS:
        raise ValueError(f"HEDGEROW_REDIS_TLS={text!r} should be true or false")
    ca = environment.get("HEDGEROW_REDIS_CA")
    if ca and not Path(ca).is_file():
        raise ValueError(
            f"HEDGEROW_REDIS_CA={ca!r} is no file; it should hold certificate authorities as PEM"
        )
    options: dict[str, Any] = {
        "username": environment.get("HEDGEROW_REDIS_USER") or None,
        "password": environment.get("HEDGEROW_REDIS_PASSWORD") or None,
    }
    if _WORDS[text]:
        options |= {"ssl": True, "ssl_ca_certs": ca or None, "ssl_check_hostname": True}
    return options
