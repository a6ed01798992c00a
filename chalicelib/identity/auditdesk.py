"""What staff see of the audit trail. Nobody can write it: it writes itself."""

from chalicelib.core.api import Api
from chalicelib.core.errors import NotFound, WriteRefused
from chalicelib.identity import trail
from chalicelib.identity.access import staff
from chalicelib.identity.auditviews import EntryList, ReadTrail
from chalicelib.identity.trail import Verdict

api = Api(__name__)


@api.get("/", access=staff("audit:read"), query=ReadTrail, answers={200: EntryList})
def read_trail(query: ReadTrail) -> EntryList:
    """What was done, or refused, by privilege on a day: by whom, from where, and how things were before and after.

    A page may hold fewer than `limit`: go on while there is a `next_cursor`.
    """
    found = trail.page(
        trail.day_of(query.day), who=query.who, subject=query.subject, limit=query.limit, cursor=query.cursor
    )
    return EntryList.of(found.items, found.next_cursor)


@api.get(
    "/{day}/verification",
    access=staff("audit:read"),
    answers={200: Verdict},
    refusals=(NotFound, WriteRefused),
)
def verify_trail(day: str) -> Verdict:
    """Recompute a day's trail: intact, or the first entry that was changed, taken away, put in or moved.

    It is also held against its head in the backup bucket, once that was put there.
    """
    return trail.verify(trail.day_in_path(day))
