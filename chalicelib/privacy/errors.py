"""What the privacy desk refuses."""

from chalicelib.core.errors import Conflict, NotFound, Unavailable


class ExportNotFound(NotFound):
    """There is no such export, or its seven days are over."""

    code = "export_not_found"


class ExportNotReady(Conflict):
    """The export is still being gathered; ask again in a minute."""

    code = "export_not_ready"
    retry_after = 60


class ErasureNotFound(NotFound):
    """Nobody asked to erase this customer."""

    code = "erasure_not_found"


class ErasureUnderWay(Conflict):
    """The customer has been, or is being, erased; nothing can be asked for them any more."""

    code = "erasure_under_way"


class UnderLegalHold(Conflict):
    """A legal hold keeps everything of this customer for now."""

    code = "under_legal_hold"


class BreachNotFound(NotFound):
    """There is no such breach in the register."""

    code = "breach_not_found"


class BreachNotCounted(Conflict):
    """Whom the breach affects is still being found out; ask again in a minute."""

    code = "breach_not_counted"
    retry_after = 60


class MoreToDo(Unavailable):
    """A long job stopped in good order before its time was over; what is left comes with the next message."""

    code = "more_to_do"
