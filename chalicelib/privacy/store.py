"""What customers ask for themselves: a copy of all that is kept of them, and to be forgotten."""

import msgspec

from chalicelib.core.access import Caller
from chalicelib.core.api import Api, Created
from chalicelib.customers.errors import CustomerNotFound
from chalicelib.identity.service import customer, customer_anew
from chalicelib.privacy import erasure, exports
from chalicelib.privacy.errors import ErasureNotFound, ErasureUnderWay, ExportNotFound, ExportNotReady
from chalicelib.privacy.schemas import ErasureView, ExportDocument, ExportView

api = Api(__name__)


@api.post("/exports", access=customer_anew, answers={201: ExportView}, refusals=(CustomerNotFound, ErasureUnderWay))
def ask_for_export(caller: Caller) -> Created:
    """Ask for a copy of all that is kept of you; a letter says when it is ready, for seven days."""
    export = exports.ask(str(caller.account))
    return Created(ExportView.of(export), location=f"/store/me/exports/{export.id}")


@api.get(
    "/exports/{export_id}",
    access=customer_anew,
    answers={200: ExportDocument},
    refusals=(ExportNotFound, ExportNotReady),
)
def fetch_export(export_id: str, caller: Caller) -> ExportDocument:
    """The copy you asked for, as one JSON document. Log in afresh to fetch it: it tells everything."""
    return msgspec.convert(exports.fetch(str(caller.account), export_id), ExportDocument)


@api.post("/erasure", access=customer_anew, answers={200: ErasureView}, refusals=(CustomerNotFound,))
def ask_for_erasure(caller: Caller) -> ErasureView:
    """Ask to be forgotten: done as soon as no order of yours is under way. It cannot be undone."""
    return ErasureView.of(erasure.ask(str(caller.account)))


@api.get("/erasure", access=customer, answers={200: ErasureView}, refusals=(ErasureNotFound,))
def get_own_erasure(caller: Caller) -> ErasureView:
    """How far your wish to be forgotten has come, and what it waits for."""
    return ErasureView.of(erasure.get(str(caller.account)))
