"""What the console refuses by itself."""

from chalicelib.core.errors import NotFound


class SwitchNotFound(NotFound):
    """There is no switch of this name."""

    code = "switch_not_found"
