"""The shop's front door: what is mounted where."""

from typing import Final

from chalice.app import Chalice

from chalicelib.core.api import problems_for_chalice
from chalicelib.core.config import settings

app: Final = Chalice(app_name="laris", configure_logs=False)
app.register_middleware(problems_for_chalice, "http")

if settings.packaging:  # workers start from their own modules; only packaging needs to see them
    from chalicelib.core import workers as core_workers

    app.register_blueprint(core_workers.workers)
