"""The partners that carry letters, by channel. Each is imported on first use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from chalicelib.notices.channels.port import Channel, ChannelName

_made: Final[dict[ChannelName, Channel]] = {}


def channel(name: ChannelName) -> Channel:
    """The adapter of the partner for this channel."""
    if name not in _made:
        _made[name] = _make(name)
    return _made[name]


@contextmanager
def use(name: ChannelName, adapter: Channel) -> Iterator[None]:
    """Let ``adapter`` carry the letters of a channel for a while: tests and drills."""
    before = _made.get(name)
    _made[name] = adapter
    try:
        yield
    finally:
        del _made[name]
        if before is not None:
            _made[name] = before


def _make(name: ChannelName) -> Channel:
    match name:
        case ChannelName.EMAIL:
            from chalicelib.notices.channels.ses import Ses

            return Ses()
        case ChannelName.WHATSAPP:
            from chalicelib.notices.channels.whatsapp import WhatsApp

            return WhatsApp()
