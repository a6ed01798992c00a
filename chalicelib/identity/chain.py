"""The arithmetic of the audit trail: each entry of a day seals all that came before it, and what does not fit is named.

A record's hash is SHA-256 over the hash before it and the canonical JSON of its day, number and entry. Whoever changes
one has to change all that follow, the day's head, and the copy of the head that is kept where the tables are not.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

RENUMBERED: Final = 100
"""How far from its place the right number of a record is looked for."""


class Fault(StrEnum):
    """What is wrong with a chain."""

    TAMPERED = "tampered"
    MISSING = "missing"
    EXTRA = "extra"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Link:
    """One record: an entry of the trail, as JSON, in its place."""

    id: str
    seq: int
    before: str
    hash: str
    entry: str


@dataclass(frozen=True, slots=True)
class Head:
    """How long a chain is, and the hash of its last record. The empty chain's is its origin."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Found:
    """The first thing that does not fit: what it is, at which number, and the entry's id where there is one."""

    fault: Fault
    seq: int
    id: str | None
    detail: str


def origin(day: str) -> Head:
    """Where the chain of a day begins."""
    return Head(0, hashlib.sha256(f"laris audit {day}".encode()).hexdigest())


def canonical(entry: Any) -> str:
    """JSON that is the same for the same entry: names sorted, nothing between."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def seal(day: str, before: str, seq: int, entry: str) -> str:
    """The hash of the record that stands at ``seq`` after the one whose hash is ``before``."""
    said = canonical({"day": day, "seq": seq, "entry": entry})
    return hashlib.sha256(f"{before}\n{said}".encode()).hexdigest()


def linked(day: str, head: Head, id_: str, entry: str) -> Link:
    """The record that makes the chain one longer."""
    return Link(id_, head.seq + 1, head.hash, seal(day, head.hash, head.seq + 1, entry), entry)


def first_fault(day: str, links: Iterable[Link], head: Head | None, kept: Sequence[Sequence[str]]) -> Found | None:
    """The first record that is not as it was written, None where all are.

    ``head`` is what stands beside the records; each of ``kept`` are the hashes of a time when the head was put away.
    """
    ordered = sorted(links, key=lambda link: (link.seq, link.id))
    ends = {hashes[-1] for hashes in kept if hashes} | ({head.hash} if head else set())
    sound, found = _walk(day, ordered, {link.before for link in ordered} | ends)
    by_kept = next((fault for hashes in kept if (fault := _against(sound, hashes, ordered))), None)
    if by_kept is not None and (found is None or by_kept.seq <= found.seq):
        return by_kept
    return found or _at_the_end(day, sound, head)


def _walk(day: str, ordered: Sequence[Link], sealed: Set[str]) -> tuple[list[Link], Found | None]:
    """The records from the first on that follow each other, and what ends them; of two the ``sealed`` one is right."""
    sound: list[Link] = []
    before, at = origin(day).hash, 0
    while len(sound) < len(ordered):
        seq = len(sound) + 1
        end = next((place for place in range(at, len(ordered)) if ordered[place].seq > seq), len(ordered))
        here = ordered[at:end]
        right = [link for link in here if link.seq == seq and link.before == before and _is_sealed(day, link)]
        if not right:
            return sound, _misfit(day, ordered, sound, before)
        chosen = min(right, key=lambda link: link.hash not in sealed)
        sound.append(chosen)
        strangers = [link for link in here if link is not chosen and not _belongs_after(day, link, seq)]
        if strangers:
            return sound, Found(Fault.EXTRA, seq, strangers[0].id, "two records claim this place")
        before, at = chosen.hash, end
    return sound, None


def _misfit(day: str, ordered: Sequence[Link], sound: Sequence[Link], before: str) -> Found:
    """What is wrong with the place after the sound records."""
    seq, known = len(sound) + 1, {link.id for link in sound}
    left = [link for link in ordered if link.id not in known]
    link = next((each for each in left if each.seq >= seq), left[0])
    elsewhere = _right_number(day, link)
    awaited = next((each for each in left if each.before == before and _right_number(day, each) == seq), None)
    if awaited is not None:
        return Found(Fault.REORDERED, seq, awaited.id, "the record of this place stands at another")
    if sound and elsewhere == seq - 1 and link.before == sound[-1].before:
        return Found(Fault.EXTRA, seq - 1, sound[-1].id, "was put between two records")
    if link.seq > seq or (elsewhere or 0) > seq:
        return Found(Fault.MISSING, seq, None, "the record of this place is gone")
    if elsewhere == seq and sound:
        return Found(Fault.TAMPERED, seq - 1, sound[-1].id, "what follows it seals another record")
    return Found(Fault.TAMPERED, seq, link.id, "is not what was sealed")


def _belongs_after(day: str, link: Link, seq: int) -> bool:
    """True for a record whose number was made smaller: it is awaited at its own place."""
    right = _right_number(day, link)
    return right is not None and right != link.seq and right > seq


def _against(sound: Sequence[Link], hashes: Sequence[str], ordered: Sequence[Link]) -> Found | None:
    """The first of the sound records that is not the one of which the hash was put away."""
    for link, hash_ in zip(sound, hashes, strict=False):
        if link.hash != hash_:
            return Found(Fault.TAMPERED, link.seq, link.id, "another record was here when the head was put away")
    if len(hashes) > len(sound) == len(ordered):
        return Found(Fault.MISSING, len(sound) + 1, None, "was here when the head was put away")
    return None


def _at_the_end(day: str, sound: Sequence[Link], head: Head | None) -> Found | None:
    stands, seq = head or origin(day), len(sound)
    last = sound[-1] if sound else None
    if stands.seq > seq:
        return Found(Fault.MISSING, seq + 1, None, "the head counts more records")
    if stands.seq < seq:
        return Found(Fault.EXTRA, stands.seq + 1, sound[stands.seq].id, "the head counts fewer records")
    if stands.hash != (last.hash if last else origin(day).hash):
        return Found(Fault.TAMPERED, seq, last.id if last else None, "the head seals another record")
    return None


def _is_sealed(day: str, link: Link) -> bool:
    return link.hash == seal(day, link.before, link.seq, link.entry)


def _right_number(day: str, link: Link) -> int | None:
    """The number under which the record was sealed, None if it is not what was sealed."""
    around = range(max(1, link.seq - RENUMBERED), link.seq + RENUMBERED + 1)
    numbers = sorted(around, key=lambda seq: abs(seq - link.seq))
    return next((seq for seq in numbers if link.hash == seal(day, link.before, seq, link.entry)), None)
