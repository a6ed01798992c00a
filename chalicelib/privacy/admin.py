"""What staff do for privacy: exports and erasures on behalf of customers, legal holds, the registers."""

from chalicelib.core.api import Api, Created
from chalicelib.customers.errors import CustomerNotFound
from chalicelib.identity.service import staff
from chalicelib.privacy import breaches, erasure, exports, inventory
from chalicelib.privacy.errors import BreachNotCounted, BreachNotFound, ErasureNotFound, ErasureUnderWay, ExportNotFound
from chalicelib.privacy.schemas import (
    BreachDetail,
    BreachList,
    BreachSummary,
    ErasureView,
    ExportView,
    HoldView,
    ListBreaches,
    ProcessingRecord,
    RecordBreach,
    SetHold,
    processing_record,
)

api = Api(__name__)
reads = staff("privacy:read")
writes = staff("privacy:write", step_up=True)


@api.get("/privacy/inventory", access=reads, answers={200: ProcessingRecord})
def get_inventory() -> ProcessingRecord:
    """The record of processing: every personal field that is stored, why, how long, and how it is protected."""
    return processing_record(list(inventory.personal()), inventory.others())


@api.post(
    "/customers/{customer_id}/exports",
    access=writes,
    answers={201: ExportView},
    refusals=(CustomerNotFound, ErasureUnderWay),
)
def export_customer(customer_id: str) -> Created:
    """Have a copy of all that is kept of a customer made ready for them; only they can fetch it."""
    export = exports.ask(customer_id)
    return Created(ExportView.of(export), location=f"/admin/customers/{customer_id}/exports/{export.id}")


@api.get(
    "/customers/{customer_id}/exports/{export_id}",
    access=reads,
    answers={200: ExportView},
    refusals=(ExportNotFound,),
)
def get_export(customer_id: str, export_id: str) -> ExportView:
    """How far an export has come; not what it says."""
    return ExportView.of(exports.get(customer_id, export_id))


@api.post("/customers/{customer_id}/erasure", access=writes, answers={200: ErasureView}, refusals=(CustomerNotFound,))
def erase_customer(customer_id: str) -> ErasureView:
    """Have a customer forgotten as soon as no order of theirs is under way. It cannot be undone."""
    return ErasureView.of(erasure.ask(customer_id))


@api.get("/customers/{customer_id}/erasure", access=reads, answers={200: ErasureView}, refusals=(ErasureNotFound,))
def get_erasure(customer_id: str) -> ErasureView:
    """How far an erasure has come, what it waits for, and its certificate."""
    return ErasureView.of(erasure.get(customer_id))


@api.put(
    "/customers/{customer_id}/legal-hold",
    access=writes,
    body=SetHold,
    answers={200: HoldView},
    refusals=(CustomerNotFound,),
)
def set_hold(customer_id: str, asked: SetHold) -> HoldView:
    """Keep everything of a customer, whatever they or the calendar ask."""
    erasure.hold(customer_id, asked.reason)
    return HoldView(stands=True)


@api.delete("/customers/{customer_id}/legal-hold", access=writes, answers={200: HoldView}, refusals=(CustomerNotFound,))
def lift_hold(customer_id: str) -> HoldView:
    """Let erasure and retention have their way again."""
    erasure.lift_hold(customer_id)
    return HoldView(stands=False)


@api.get("/privacy/breaches", access=reads, query=ListBreaches, answers={200: BreachList})
def list_breaches(query: ListBreaches) -> BreachList:
    """The register of breaches, newest first, each with its clock."""
    page = breaches.page(query.limit, query.cursor)
    return BreachList([BreachSummary.of(each) for each in page.items], page.next_cursor)


@api.post("/privacy/breaches", access=writes, body=RecordBreach, answers={201: BreachDetail})
def record_breach(asked: RecordBreach) -> Created:
    """Record a breach of personal data; whom it affects is found out shortly. The clock of 3 x 24 hours runs."""
    breach = breaches.record(asked.incident())
    return Created(BreachDetail.of(breach), location=f"/admin/privacy/breaches/{breach.id}")


@api.get("/privacy/breaches/{breach_id}", access=reads, answers={200: BreachDetail}, refusals=(BreachNotFound,))
def get_breach(breach_id: str) -> BreachDetail:
    """A breach with its clock, how many it affects, and the notice to the agency as text."""
    return BreachDetail.of(breaches.get(breach_id))


@api.post(
    "/privacy/breaches/{breach_id}/notify",
    access=writes,
    answers={200: BreachDetail},
    refusals=(BreachNotFound, BreachNotCounted),
)
def notify_subjects(breach_id: str) -> BreachDetail:
    """Have everybody told whom the breach affects, once each. The notice to the agency is sent by you."""
    return BreachDetail.of(breaches.order_notice(breach_id))
