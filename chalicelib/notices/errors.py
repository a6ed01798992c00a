"""What can go wrong with letters."""

from chalicelib.core.errors import Conflict, NotFound, Unauthenticated, Unexpected, Upstream


class NoticeNotFound(NotFound):
    """There is no notice with this id."""

    code = "notice_not_found"


class UnknownTemplate(NotFound):
    """There is no template with this name."""

    code = "template_not_found"


class NotResendable(Conflict):
    """This notice is on its way, was cancelled, or what it said has been erased; it cannot be sent again."""

    code = "notice_not_resendable"


class NoticeMoved(Conflict):
    """The notice changed meanwhile, so that what was to be noted about it no longer fits."""

    code = "notice_moved"


class LetterIncomplete(Unexpected):
    """A letter was asked for without all the facts that its template needs: a fault of ours."""

    code = "letter_incomplete"


class LetterRefused(Conflict):
    """The partner will never take this letter: ``reason`` says why."""

    code = "letter_refused"


class SenderRefused(Upstream):
    """The partner takes no letters of ours at present; they wait."""

    code = "sender_refused"


class BadFeedbackSignature(Unauthenticated):
    """The message does not carry the signature of the partner it claims to come from."""

    code = "bad_notice_signature"
