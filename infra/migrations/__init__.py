"""Changes of what is stored, as numbered steps that are done once per stage: see README.md beside this.

A step is a module ``NNNN_title.py`` here that defines ``STEP``. None was needed yet: nothing was stored anywhere
before today's form.
"""

from infra.migrations.runner import run
from infra.migrations.steps import Change, Copy, Refused, Step

__all__ = ["Change", "Copy", "Refused", "Step", "run"]
