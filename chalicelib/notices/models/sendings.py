"""Who is just handing a letter over, and what the partner said: written by Powertools' idempotency, not by us."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import db
from chalicelib.core.config import settings


class SendingRow(db.Row):
    """pk = "SENDING", sk = Powertools' key of the notice, round and channel; ``data`` is the partner's id of it."""

    class Meta:
        table_name = settings.table("sendings")

    status = UnicodeAttribute()
    data = UnicodeAttribute(null=True)
    in_progress_until = NumberAttribute(null=True)
    expires = NumberAttribute()
