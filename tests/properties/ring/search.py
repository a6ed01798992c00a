"""How far Ring 1 looks: a few schedules in `make ring`, the same each time; thousands of others with `RING=20000`.

`LARIS_RING=20000` sets how many each test draws, `LARIS_SEED=7` from where it draws them.
"""

import functools
import os
from collections.abc import Callable
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.properties.ring.schedules import schedules

SEED: Final = int(os.environ.get("LARIS_SEED", "1"))
AT_LENGTH: Final = int(os.environ.get("LARIS_RING", "0"))


def searched(examples: int, *, actors: int, steps: int = 8, **about: Any) -> Callable[[Callable[..., Any]], Any]:
    """Run a test with ``examples`` schedules (``LARIS_RING`` where that is set) as its ``choices``.

    A failure tells what replays it: its choices, and the environment that finds them again. ``about`` goes to the
    settings.
    """

    def decorate(test: Callable[..., Any]) -> Any:
        @functools.wraps(test)
        def noting(*arguments: Any, **named: Any) -> Any:
            try:
                return test(*arguments, **named)
            except BaseException as failure:
                failure.add_note(f"      found with LARIS_SEED={SEED} LARIS_RING={AT_LENGTH or examples}")
                raise

        drawn = given(choices=schedules(actors, steps=steps))(noting)
        return seed(SEED)(_settings(AT_LENGTH or examples, **about)(drawn))

    return decorate


def hunted(examples: int, *, actors: int) -> Callable[[Callable[..., Any]], Any]:
    """As ``searched``, to meet a failure soon rather than small: nothing is made smaller, the numbers are fixed."""

    def decorate(test: Callable[..., Any]) -> Any:
        drawn = given(choices=schedules(actors))(test)
        return seed(1)(_settings(examples, phases=[Phase.generate])(drawn))

    return decorate


def _settings(examples: int, **about: Any) -> settings:
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        **about,
    )
