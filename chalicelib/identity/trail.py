"""The audit trail: every privileged change and refusal, chained by day, so that none can go or change unseen.

A day is a UTC day: it follows from the entry alone, and no setting can ever move an entry to another one. Each closed
day's head, with the hashes that lead to it, is put into the backup bucket, out of reach of who can write the tables;
there it is locked, and every version that was ever put there counts. What is in nobody's reach but the table's and was
not put away yet is as good as the table.
"""

from datetime import date, timedelta
from typing import Any, Final

import msgspec

from chalicelib.core import aws, clock, db
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.errors import Invalid, NotFound, WriteRefused
from chalicelib.core.log import logger
from chalicelib.events.audit import AuditRecorded
from chalicelib.identity import chain
from chalicelib.identity.chain import Found, Head, Link
from chalicelib.identity.models.trail import HeadRow, LinkRow, OpenDayRow

TRIES: Final = 12
SETTLES_IN: Final = timedelta(hours=1)
"""Entries may arrive a little after their day; one that comes later still makes the head be put away again."""
LOCKED_FOR: Final = timedelta(days=3653)
PARTS: Final = 10
"""Pages of records that one request looks through for those that match."""


class Verdict(msgspec.Struct, frozen=True):
    """Whether a day's trail is as it was written; `kept` is how many of its entries are sealed in the backup bucket."""

    day: str
    entries: int
    kept: int
    is_intact: bool
    fault: Found | None


def append(entry: AuditRecorded) -> None:
    """Put ``entry`` at the end of its day's chain; said twice, it stands there once.

    Raises WriteRefused if others always were faster: give it again.
    """
    day, text = entry.at[:10], chain.canonical(msgspec.to_builtins(entry))
    for attempt in range(TRIES):
        head, there = db.look(HeadRow.lookup(day), LinkRow.lookup(day, entry.entry_id))
        if there is not None:
            return
        link = chain.linked(day, head.head() if head else chain.origin(day), entry.entry_id, text)
        try:
            with db.transaction() as tx:
                LinkRow.add(tx, day, link)
                HeadRow.move(tx, day, head, link)
                if head is None or head.is_kept:
                    OpenDayRow.note(tx, day)
        except WriteRefused:
            db.back_off(attempt)
            continue
        return
    raise WriteRefused()


def page(
    day: date, *, who: str | None = None, subject: str | None = None, limit: int, cursor: str | None
) -> db.Page[dict[str, Any]]:
    """Entries of a day, oldest first: those by ``who`` and about ``subject``, where given.

    What matches is picked while reading on, so a page may hold few or none though there are more.
    """
    for _ in range(PARTS):
        part = LinkRow.page(day.isoformat(), limit=limit, cursor=cursor)
        entries = [msgspec.json.decode(link.entry, type=dict[str, Any]) for link in part.items]
        matching = [entry for entry in entries if _matches(entry, who, subject)]
        cursor = part.next_cursor
        if matching or cursor is None:
            return db.Page(matching, cursor)
    return db.Page([], cursor)


def verify(day: date) -> Verdict:
    """Recompute a day's chain, and name the first record that was changed, taken away, put in or moved.

    Raises WriteRefused if the chain never stood still for long enough to look.
    """
    kept = _kept(day.isoformat())
    head, links = _read(day.isoformat())
    found = chain.first_fault(day.isoformat(), links, head, kept)
    if found is not None:
        logger.error("audit trail broken", day=day.isoformat(), fault=found.fault, seq=found.seq, entry=found.id)
    return Verdict(day.isoformat(), len(links), max(map(len, kept), default=0), found is None, found)


def keep_heads() -> Counts:
    """Put the heads of all closed days away that are not there yet. Safe twice, safe to miss.

    A day that is broken is not put away: somebody has to look.
    """
    counts = Counts()
    for day in OpenDayRow.before((clock.now() - SETTLES_IN).date().isoformat()):
        done = _keep(day)
        counts += Counts(seen=1, done=int(done), left=int(not done))
    return counts


def day_of(text: str) -> date:
    """The day that ``text`` names. Raises Invalid at /day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid.field("/day", "no such day") from None


def day_in_path(text: str) -> date:
    """The day that ``text`` names. Raises NotFound."""
    try:
        return day_of(text)
    except Invalid:
        raise NotFound() from None


def _keep(day: str) -> bool:
    head, links = _read(day)
    found = chain.first_fault(day, links, head, _kept(day))
    if found is not None or head is None:
        logger.error("audit trail broken", day=day, fault=found.fault if found else "no head")
        return False
    hashes = [link.hash for link in sorted(links, key=lambda link: link.seq)]
    _put_away(day, head, hashes)
    try:
        with db.transaction() as tx:
            HeadRow.keep(tx, day, head)
            OpenDayRow.forget(tx, day)
    except WriteRefused:
        logger.info("audit trail went on", day=day)
        return False
    logger.info("audit trail kept", day=day, entries=head.seq)
    return True


def _read(day: str) -> tuple[Head | None, list[Link]]:
    """The head and the records, of one moment."""
    for attempt in range(TRIES):
        (before,) = db.look(HeadRow.lookup(day))
        links = LinkRow.all_of(day)
        (after,) = db.look(HeadRow.lookup(day))
        first, last = before.head() if before else None, after.head() if after else None
        if first == last:
            return first, links
        db.back_off(attempt)
    raise WriteRefused("The trail grows too fast to be looked at; repeat it in a quieter minute.")


def _matches(entry: dict[str, Any], who: str | None, subject: str | None) -> bool:
    if who is not None and entry["who"] != who:
        return False
    if subject is None:
        return True
    names = {change["subject"] for change in entry["changes"]}
    return subject in {*names, *(name.partition(":")[2] for name in names), *entry["target"].values()}


# The backup bucket


def _put_away(day: str, head: Head, hashes: list[str]) -> None:
    aws.client("s3").put_object(
        Bucket=settings.bucket("backups"),
        Key=_key(day),
        Body=msgspec.json.encode({"day": day, "seq": head.seq, "hash": head.hash, "hashes": hashes}),
        ContentType="application/json",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=clock.now() + LOCKED_FOR,
    )


def _kept(day: str) -> list[list[str]]:
    """The hashes of each time that the day's head was put away."""
    s3, bucket = aws.client("s3"), settings.bucket("backups")
    versions = s3.list_object_versions(Bucket=bucket, Prefix=_key(day)).get("Versions", [])
    return [_hashes(s3.get_object(Bucket=bucket, Key=_key(day), VersionId=each["VersionId"])) for each in versions]


def _hashes(got: Any) -> list[str]:
    return list(msgspec.json.decode(got["Body"].read())["hashes"])


def _key(day: str) -> str:
    return f"audit/{day}.json"
