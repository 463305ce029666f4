"""Bytes to records and back, with the schema version checked first."""

from typing import Any, Generic, TypeVar

import msgspec

from hedgerow.schemas.records import SCHEMA_VERSION

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="deterministic")


class UndecodableRecord(ValueError):
    """The bytes are no record of the expected type; the message says what was wrong with them."""


def encode(record: msgspec.Struct) -> bytes:
    """Deterministic JSON: equal records give equal bytes."""
    return _encoder.encode(record)


class Decoder(Generic[T]):
    """Decodes one record type or union.

    Raises:
        UndecodableRecord: null, not JSON, wrong shape, or written by another schema version.
    """

    def __init__(self, record_type: Any) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(record_type)

    def decode(self, data: bytes | None) -> T:
        if data is None:
            raise UndecodableRecord("null value where a record is expected")
        try:
            record = self._decoder.decode(data)
        except (msgspec.DecodeError, ValueError) as error:
            raise UndecodableRecord(str(error)) from error
        version = getattr(record, "v", SCHEMA_VERSION)
        if version != SCHEMA_VERSION:
            raise UndecodableRecord(f"schema version {version}; this worker reads {SCHEMA_VERSION}")
        return record
