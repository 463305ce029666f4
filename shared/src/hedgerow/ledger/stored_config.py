"""A strategy's config and policy state, and a venue's config, as the ledger's columns have them."""

from typing import TypeVar

import msgspec

from hedgerow.hedging.snapshot import PolicyState
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue

_T = TypeVar("_T")
_config_decoder = msgspec.json.Decoder(CompiledStrategy)
_venue_decoder = msgspec.json.Decoder(CompiledVenue)
_policy_state_decoder = msgspec.json.Decoder(PolicyState)


class UnreadableConfig(ValueError):
    """What the ledger has of a strategy or Venue is nothing that this version can read; the message says why."""


def decode_config(text: str) -> CompiledStrategy:
    """
    Raises:
        UnreadableConfig: it is corrupt, or says what this version does not know.
    """
    return _decoded(_config_decoder, text, "")


def decode_policy_state(text: str) -> PolicyState:
    """
    Raises:
        UnreadableConfig: as `decode_config`.
    """
    return _decoded(_policy_state_decoder, text, "policy state: ")


def decode_venue(text: str) -> CompiledVenue:
    """A venue's config from its column.

    Raises:
        UnreadableConfig: as `decode_config`.
    """
    return _decoded(_venue_decoder, text, "Venue: ")


def _decoded(decoder: msgspec.json.Decoder[_T], text: str, what: str) -> _T:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableConfig(f"{what}{type(error).__name__}: {error}") from error
