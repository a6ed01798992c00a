"""`make owner EMAIL=… NAME=…`: prints the link by which the first owner joins.

It invites the person into the stage that LARIS_STAGE names, with the AWS credentials of who runs it, and refuses once
the shop has an active owner, who invites everybody else. The link is good once, for seven days; run again, it gives a
new one.
"""

import re
import sys
from typing import Final

from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError
from chalicelib.identity import people

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
USAGE: Final = "make owner EMAIL=ratna@toko.example NAME='Ratna Dewi'"


def main(arguments: list[str]) -> int:
    """Print the link; 1 where it was refused, 2 where the arguments make no sense."""
    email, name = (*arguments, "", "")[:2]
    if not EMAIL.fullmatch(email) or not name.strip():
        print(f"Say who: {USAGE}", file=sys.stderr)
        return 2
    try:
        link = people.first_owner(email, name.strip())
    except LarisError as refusal:
        print(f"{settings.stage}: {refusal.detail}", file=sys.stderr)
        return 1
    print(link)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
