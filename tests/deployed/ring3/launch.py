"""Starts ministack; run by the Python of its own environment.

ministack unpacks a function's zip for every process that it starts. On Lambda the code lies unpacked and read-only,
the same for all of a function's copies: so it is here, for thousands of files each time a killed process is replaced
take longer than all the rest.
"""

import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app  # type: ignore[import-not-found,unused-ignore]
from ministack.core import lambda_runtime  # type: ignore[import-not-found,unused-ignore]

_unpacked: dict[tuple[tuple[str, int], ...], str] = {}
_one_at_a_time = threading.Lock()


class UnpackedOnce(zipfile.ZipFile):
    """A zip whose content is extracted once: whoever wants it later gets a link to that."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Make ``path``, an empty folder, that link."""
        content = tuple((each.filename, each.CRC) for each in self.infolist())
        with _one_at_a_time:
            if content not in _unpacked:
                folder = tempfile.mkdtemp(prefix="laris-code-")
                super().extractall(folder, members, pwd)
                _unpacked[content] = folder
        Path(path).rmdir()
        Path(path).symlink_to(_unpacked[content], target_is_directory=True)


if not hasattr(lambda_runtime, "zipfile"):
    sys.exit("This ministack unpacks functions in another way: see tests/deployed/ring3/launch.py")
lambda_runtime.zipfile = SimpleNamespace(ZipFile=UnpackedOnce, BadZipFile=zipfile.BadZipFile)
sys.argv = sys.argv[:1]
app.main()
