"""A strategy's config and policy state, and a venue's config, as the ledger's columns have them."""

import msgspec

from hedgerow.hedging.snapshot import PolicyState
from hedgerow.strategy.compiled import CompiledStrategy, CompiledVenue

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
    try:
        return _config_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableConfig(f"{type(error).__name__}: {error}") from error


def decode_policy_state(text: str) -> PolicyState:
    """
    Raises:
        UnreadableConfig: as `decode_config`.
    """
    try:
        return _policy_state_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableConfig(f"policy state: {type(error).__name__}: {error}") from error


def decode_venue(text: str) -> CompiledVenue:
    """A venue's config from its column.

    Raises:
        UnreadableConfig: as `decode_config`.
    """
    try:
        return _venue_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableConfig(f"Venue: {type(error).__name__}: {error}") from error
