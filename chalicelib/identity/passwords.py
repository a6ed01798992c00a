"""Passwords as NIST SP 800-63B-4 (section 3.1.1.2) wants them: long, not known to guessers, and nothing else asked.

Hashed with Argon2id at the strength that OWASP's Password Storage Cheat Sheet names: 19 MiB, two passes, one lane.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

from chalicelib.core.config import settings
from chalicelib.core.errors import Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LONGEST: Final = 256
SHORTEST: Final = 15
SHORTEST_WITH_SECOND_FACTOR: Final = 8
SHORTEST_CONTEXT: Final = 4
"""Shorter words occur in too many others to be forbidden."""
LONGEST_JUDGED: Final = 72
"""zxcvbn takes no more, and what is longer is not easier to guess."""
WORST_SCORES: Final = (0, 1)
"""zxcvbn's scores of what falls within a million guesses."""
PRODUCT: Final = "laris"

NOBODYS: Final = "$argon2id$v=19$m=19456,t=2,p=1$B0RGhYcbqfBJIgZUR2l/DA$9n6Mv1SBZM9xP2KtonWtD5ccoKG99Zx9UdrQFELsBDA"
"""The hash of a random text: verified where there is no account, so that the answer takes as long."""


def hash_password(password: str) -> str:
    """What is stored of a password: Argon2id with its parameters and salt."""
    return _hasher().hash(_normal(password))


def is_right(password: str, hashed: str | None) -> bool:
    """True if ``hashed`` is this password's. Takes as long where there is none."""
    from argon2.exceptions import VerificationError

    try:
        _hasher().verify(hashed or NOBODYS, _normal(password))
    except VerificationError:
        return False
    return hashed is not None


def is_outdated(hashed: str) -> bool:
    """True if it was hashed with other parameters than are used now."""
    return _hasher().check_needs_rehash(hashed)


def check_password(password: str, *, context: Iterable[str], has_second_factor: bool) -> None:
    """Raises Invalid at /password if it is too short or long, on guessers' lists, or made of ``context``.

    ``context`` is what a guesser knows of its owner: e-mail, name. The shop's own name and stage count for everybody.
    """
    normal = _normal(password)
    shortest = SHORTEST_WITH_SECOND_FACTOR if has_second_factor else SHORTEST
    if len(normal) < shortest:
        raise _refused(f"It has fewer than {shortest} characters.")
    if len(normal) > LONGEST:
        raise _refused(f"It has more than {LONGEST} characters.")
    plain = normal.casefold()
    word = next((word for word in _context_words(context) if word in plain or word in _letters(plain)), None)
    if word is not None:
        raise _refused(f"It contains “{word}”, which is the first thing that is tried here.")
    if _is_listed(plain):
        raise _refused("It is on the lists of passwords and words that are tried first.")
    if _is_guessable(plain):
        raise _refused("It is made of repetitions or sequences that are tried first.")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def _context_words(context: Iterable[str]) -> list[str]:
    """Words of a length to matter, the longest first, so that the refusal names the whole of it."""
    known = [PRODUCT, settings.shop_name, settings.stage, *context]
    words = {word for text in known for word in re.split(r"[\W_]+", _normal(text).casefold())}
    words |= {_letters(_normal(text).casefold().partition("@")[0]) for text in known}
    return sorted((word for word in words if len(word) >= SHORTEST_CONTEXT), key=lambda word: (-len(word), word))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _is_listed(plain: str) -> bool:
    """True if it, or what is left without the figures and signs at its ends, is on a list, once or repeated."""
    listed = _listed()
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    return any(_root(each) in listed for each in {plain, _letters(plain), bare} if each)


def _root(text: str) -> str:
    """``passpasspass`` → ``pass``: the shortest text that, repeated, makes it."""
    return text[: (text + text).index(text, 1)]


@cache
def _listed() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(word for words in FREQUENCY_LISTS.values() for word in words)


def _is_guessable(plain: str) -> bool:
    from zxcvbn import zxcvbn

    return zxcvbn(plain[:LONGEST_JUDGED])["score"] in WORST_SCORES


def _refused(detail: str) -> Invalid:
    return Invalid.field("/password", detail)
