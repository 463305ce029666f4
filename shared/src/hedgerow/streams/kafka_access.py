"""How Kafka is spoken to: in plain text, or with TLS and a login. The environment says it, for every client alike."""

import os
import ssl
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hedgerow.streams.settings import SettingsError

_Words = TypeVar("_Words", bound=StrEnum)


class Security(StrEnum):
    """Kafka's own names of its security protocols."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def encrypted(self) -> bool:
        return self in (Security.SSL, Security.SASL_SSL)

    @property
    def with_login(self) -> bool:
        return self in (Security.SASL_PLAINTEXT, Security.SASL_SSL)


class Mechanism(StrEnum):
    """Of a login."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class KafkaAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Whether connections are encrypted, and who logs in.

    Attributes:
        ca: file with the certificate authorities that brokers' certificates are held against; None takes the system's.
    """

    security: Security = Security.PLAINTEXT
    mechanism: Mechanism = Mechanism.SCRAM_SHA_512
    user: str = ""
    password: str = ""
    ca: Path | None = None

    def context(self) -> ssl.SSLContext | None:
        """For clients written in Python; None without TLS."""
        return ssl.create_default_context(cafile=self.ca) if self.security.encrypted else None


def read_kafka_access(environment: Mapping[str, str] = os.environ) -> KafkaAccess:
    """Read the `HEDGEROW_KAFKA_…` variables.

    Raises:
        SettingsError: one cannot be used, or is missing for what another asks for; the message names it.
    """
    security = _word(environment, "HEDGEROW_KAFKA_SECURITY", Security, Security.PLAINTEXT)
    mechanism = _word(environment, "HEDGEROW_KAFKA_SASL_MECHANISM", Mechanism, Mechanism.SCRAM_SHA_512)
    user, password = (environment.get(f"HEDGEROW_KAFKA_{name}", "") for name in ("USER", "PASSWORD"))
    if security.with_login and not (user and password):
        raise SettingsError(
            f"HEDGEROW_KAFKA_SECURITY={security} logs in: set HEDGEROW_KAFKA_USER and HEDGEROW_KAFKA_PASSWORD"
        )
    if user and not security.with_login:
        raise SettingsError(
            f"HEDGEROW_KAFKA_USER is set, and HEDGEROW_KAFKA_SECURITY={security} does not log in; set it to SASL_SSL"
        )
    ca = environment.get("HEDGEROW_KAFKA_CA")
    if ca and not Path(ca).is_file():
        raise SettingsError(
            f"HEDGEROW_KAFKA_CA={ca!r} is no file; it should hold certificate authorities as PEM"
        )
    return KafkaAccess(
        security=security,
        mechanism=mechanism,
        user=user,
        password=password,
        ca=Path(ca) if ca else None,
    )


def librdkafka_options(servers: str) -> dict[str, Any]:
    """What every librdkafka client of these bootstrap servers is made with.

    Raises:
        SettingsError: see `read_kafka_access`.
    """
    access = read_kafka_access()
    options: dict[str, Any] = {"bootstrap.servers": servers, "security.protocol": access.security.value}
    if access.security.encrypted and access.ca is not None:
        options["ssl.ca.location"] = str(access.ca)
    if access.security.with_login:
        options |= {
            "sasl.mechanism": access.mechanism.value,
            "sasl.username": access.user,
            "sasl.password": access.password,
        }
    return options


def aiokafka_options(servers: str) -> dict[str, Any]:
    """The same for aiokafka's clients.

    Raises:
        SettingsError: see `read_kafka_access`.
    """
    access = read_kafka_access()
    options: dict[str, Any] = {"bootstrap_servers": servers, "security_protocol": access.security.value}
    if access.security.encrypted:
        options["ssl_context"] = access.context()
    if access.security.with_login:
        options |= {
            "sasl_mechanism": access.mechanism.value,
            "sasl_plain_username": access.user,
            "sasl_plain_password": access.password,
        }
    return options


def _word(environment: Mapping[str, str], name: str, words: type[_Words], default: _Words) -> _Words:
    text = environment.get(name) or default.value
    try:
        return words(text)
    except ValueError:
        raise SettingsError(f"{name}={text!r} should be one of {', '.join(words)}") from None
