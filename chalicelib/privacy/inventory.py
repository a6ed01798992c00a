"""The inventory of personal data: every field of every stored row, as personal (and then why, how long, how protected,
exported and erased) or not. A test holds it to the rows, so that no field is stored that is not listed here.

Ids (``cus_…``, ``stf_…``, ``ord_…``) are pseudonyms: who stands behind one is known only under that person's key, and
to nobody once it is destroyed. ``pk`` and ``sk`` hold such ids, digests or blind indexes, unless listed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CUSTOMERS: Final = "customers"
STAFF: Final = "staff"
CONTRACT: Final = "contract (GDPR art. 6 (1) b; UU PDP art. 20 (2) b)"
DUTY: Final = "legal duty (GDPR art. 6 (1) c; UU PDP art. 20 (2) c)"
INTEREST: Final = "legitimate interest (GDPR art. 6 (1) f; UU PDP art. 20 (2) f)"
CONSENT: Final = "consent and its proof (GDPR art. 6 (1) a and 7 (1); UU PDP art. 20 (2) a and 24)"
UNTIL_ERASED: Final = "until the customer is erased"
WHILE_EMPLOYED: Final = "until the member of staff is removed"


class Protection(StrEnum):
    """How a personal field is stored: never in the open.

    SEALED under the person's own key, LOCKED under the house's, a DIGEST or a BLIND index, which only tell that two are
    the same, MASKED where a record must be readable though nobody is known by it. FILE: locked away in a bucket.
    """

    SEALED = "sealed under the person's key"
    LOCKED = "locked under the house's key"
    DIGEST = "digest"
    BLIND = "blind index"
    MASKED = "masked"
    FILE = "private bucket, encrypted"


@dataclass(frozen=True, slots=True)
class Data:
    """A class of personal data: what it is, whose, why it is kept and on what ground, how long, how it is erased."""

    what: str
    whose: str
    purpose: str
    basis: str
    retention: str
    erasure: str


@dataclass(frozen=True, slots=True)
class Field:
    """A stored field of a class: how it is protected, and where in an export it stands (a JSON pointer), or why not."""

    data: Data
    protection: Protection
    where: str


@dataclass(frozen=True, slots=True)
class Personal:
    """One line of the record of processing."""

    row: str
    field: str
    data: str
    whose: str
    purpose: str
    basis: str
    retention: str
    protection: Protection
    where: str
    erasure: str


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of a stored row: the personal ones, and the names of the others."""

    others: frozenset[str]
    personal: Mapping[str, Field]


def _row(others: str, **personal: Field) -> Row:
    return Row(frozenset(others.split()), personal)


def _sealed(data: Data, where: str) -> Field:
    return Field(data, Protection.SEALED, where)


def _locked(data: Data, where: str) -> Field:
    return Field(data, Protection.LOCKED, where)


def _blind(data: Data, where: str) -> Field:
    return Field(data, Protection.BLIND, where)


PROFILE: Final = Data(
    "name, e-mail, phone", CUSTOMERS, "to know who buys and to reach them", CONTRACT,
    "until erased; guests without an order 24 months", "removed; the key is destroyed",
)  # fmt: skip
ADDRESSES: Final = Data(
    "address book", CUSTOMERS, "to fill in where to send", CONTRACT, UNTIL_ERASED, "removed; the key is destroyed"
)
CONSENTS: Final = Data(
    "consents and what proves them", CUSTOMERS, "to send only what was allowed, and to prove it", CONSENT,
    "for good, without a name once erased", "stays as a proof that names nobody",
)  # fmt: skip
LOGIN: Final = Data(
    "e-mail of the log-in", CUSTOMERS, "to let in who has an account", CONTRACT,
    "until erased; 30 days where never verified", "removed; the key is destroyed",
)  # fmt: skip
SESSIONS: Final = Data(
    "network address and program of a log-in", CUSTOMERS, "to show and end log-ins, to tell of strange ones", INTEREST,
    "90 days", "removed; the key is destroyed",
)  # fmt: skip
FACTORS: Final = Data(
    "secret of the second factor", CUSTOMERS, "to prove who logs in", CONTRACT, UNTIL_ERASED,
    "removed; the key is destroyed",
)  # fmt: skip
ORDERS: Final = Data(
    "contact and address of orders", CUSTOMERS, "to deliver what was sold, and to prove the sale", CONTRACT,
    "5 years after the order's year (LARIS_ORDER_YEARS)", "removed; number, lines, totals and tax stay for tax law",
)  # fmt: skip
PAYMENTS: Final = Data(
    "what partners and staff wrote about payments", CUSTOMERS, "to match money with orders, and to prove it", DUTY,
    "90 days for messages; notes as long as the order's contact", "emptied; amounts and times stay for tax law",
)  # fmt: skip
PROOFS: Final = Data(
    "pictures that prove transfers", CUSTOMERS, "to find a transfer", CONTRACT, "as long as the order's contact",
    "removed, every version",
)  # fmt: skip
NOTICES: Final = Data(
    "letters and to whom they went", CUSTOMERS, "to tell customers of their orders and accounts", CONTRACT, "180 days",
    "removed; the key is destroyed",
)  # fmt: skip
ADDRESS_BLOCKS: Final = Data(
    "addresses that nothing is sent to", CUSTOMERS, "to respect complaints, and not to knock in vain", INTEREST,
    "for good", "stays: it tells nothing without the address",
)  # fmt: skip
ANSWERS: Final = Data(
    "answers kept for repeated requests", CUSTOMERS, "to do once what is asked twice", INTEREST, "7 days",
    "expires within 7 days",
)  # fmt: skip
EXPORTS: Final = Data("exports", CUSTOMERS, "to give customers a copy", DUTY, "7 days", "removed; the key is destroyed")
HOLDS: Final = Data(
    "why a legal hold stands", CUSTOMERS, "to keep what a case needs", DUTY, "while the hold stands",
    "removed when the hold is lifted",
)  # fmt: skip
STAFF_PERSON: Final = Data(
    "name and e-mail of staff", STAFF, "to know who works here", CONTRACT, WHILE_EMPLOYED,
    "removed; the key is destroyed",
)  # fmt: skip
TRAIL: Final = Data(
    "audit trail: ids of who acted, whence, and masked bodies", STAFF, "to prove who did what", INTEREST, "for good",
    "stays: ids are pseudonyms, the network address is locked",
)  # fmt: skip

SAME_AS_PROFILE: Final = "not: tells no more than /profile/email"
OF_NO_USE: Final = "not: a secret, and of no use elsewhere"
FLEETING: Final = "not: gone within days, and the thing itself is there"
NOT_CUSTOMERS: Final = "not: of staff"
ON_REQUEST: Final = "not: shown to staff who need it; written by partners and staff"

FACT: Final = "amount currency gateway key kind occurred_at raw_ref received_at reference surplus transaction_id"

INVENTORY: Final[Mapping[str, Row]] = {
    "carts.Cart": _row("currency expires lines merged_into order_id owner state version"),
    "carts.OwnerRow": _row("cart_id"),
    "catalog.categories.CategoryRow": _row("about version"),
    "catalog.listings.IndexRow": _row("marks revision"),
    "catalog.listings.ListingRow": _row("found name_key price_key"),
    "catalog.products.ProductRow": _row("availability created_at details shelves slug state updated_at version"),
    "catalog.products.SkuRow": _row("is_retired offer product_id"),
    "catalog.products.SlugRow": _row("product_id"),
    "core.flags.SwitchRow": _row("changed_at changed_by circle reason share version"),
    "core.idempotency.ClaimRow": _row(
        "expires fingerprint location resource started_at status", body=_locked(ANSWERS, FLEETING)
    ),
    "core.limits.BucketRow": _row("expires full_at"),
    "core.outbox.EventRow": _row(
        "actor business_date correlation_id occurred_at type", data=Field(TRAIL, Protection.MASKED, NOT_CUSTOMERS)
    ),
    "core.runs.RunRow": _row("done ended_at error first_at left seen started_at succeeded_at version waiting_since"),
    "core.vault.KeyRow": _row("destroyed_at made_at wrapped"),
    "customers.addresses.BookRow": _row("version", book=_sealed(ADDRESSES, "/addresses")),
    "customers.consents.ConsentRow": _row(
        "at consent_id is_given purpose source text_version", proof=_blind(CONSENTS, "/consents/*/proof")
    ),
    "customers.profiles.EmailRow": _row("customer_id", pk=_blind(PROFILE, SAME_AS_PROFILE)),
    "customers.profiles.ProfileRow": _row(
        "claims created_at language list_shard state version",
        personal=_sealed(PROFILE, "/profile"),
        email_index=_blind(PROFILE, SAME_AS_PROFILE),
        phone_index=_blind(PROFILE, SAME_AS_PROFILE),
    ),
    "customers.profiles.SealedRow": _row(""),
    "customers.registrations.NewEmailRow": _row("", email=_sealed(PROFILE, FLEETING)),
    "customers.registrations.RegistrationRow": _row("", wanted=_sealed(PROFILE, FLEETING)),
    "identity.accounts.AccountRow": _row("kept role sessions_from state version"),
    "identity.accounts.AnyRow": _row(""),
    "identity.accounts.EmailRow": _row("owner", pk=_blind(LOGIN, SAME_AS_PROFILE)),
    "identity.accounts.LoginRow": _row(
        "changed_at kind",
        email=_sealed(LOGIN, "/log_in/email"),
        email_index=_blind(LOGIN, SAME_AS_PROFILE),
        password=Field(FACTORS, Protection.DIGEST, OF_NO_USE),
    ),
    "identity.factors.DeviceRow": _row("expires made_at"),
    "identity.factors.RecoveryRow": _row("made_at"),
    "identity.factors.TicketRow": _row("changed_at ends_at expires"),
    "identity.factors.TotpRow": _row("expires last_step", secret=_sealed(FACTORS, OF_NO_USE)),
    "identity.keys.KeyListRow": _row("key_id"),
    "identity.keys.KeyRow": _row("addresses digest expires_at kind made_at made_by name revoked_at scopes used_at"),
    "identity.links.LinkRow": _row("ends_at expires"),
    "identity.passkeys.ChallengeRow": _row("ends_at expires"),
    "identity.passkeys.PasskeyRow": _row("counter data is_synced made_at model used_at"),
    "identity.people.OwnersRow": _row("owners"),
    "identity.people.StaffRow": _row("invited_at invited_by", person=_sealed(STAFF_PERSON, NOT_CUSTOMERS)),
    "identity.roles.RoleRow": _row("changed_at refund_limit scopes"),
    "identity.sessions.SessionRow": _row(
        "ends_at expires made_at stepped_up_at used_at", where=_sealed(SESSIONS, "/log_in/sessions")
    ),
    "identity.trail.HeadRow": _row("hash kept_seq seq"),
    "identity.trail.OpenDayRow": _row(""),
    "identity.trail.LinkRow": _row("hash prev_hash seq", entry=Field(TRAIL, Protection.MASKED, NOT_CUSTOMERS)),
    "inventory.HoldRow": _row("due_shard expires_at parts state version"),
    "inventory.LocationsRow": _row("locations version"),
    "inventory.MovementRow": _row(
        "allocated available business_date document incoming kind location occurred_at on_hand owner reason reserved"
        " unavailable"
    ),
    "inventory.StockRow": _row(
        "available damaged incoming last_movement_id on_hand quality_control reserved safety spent unavailable version"
    ),
    "notices.blocks.StopRow": _row("stopped_at"),
    "notices.blocks.SuppressionRow": _row("at soft why", pk=_blind(ADDRESS_BLOCKS, SAME_AS_PROFILE)),
    "notices.notices.NoticeRow": _row(
        "attempts changed_at channel channels language listed message_id purpose reason requested_at round state"
        " state_shard subject template unsure",
        facts=_sealed(NOTICES, "/notices/*/facts"),
        recipient=_sealed(NOTICES, "/notices/*/recipient"),
    ),
    "notices.sendings.SendingRow": _row("data expires in_progress_until status"),
    "orders.orders.NumberRow": _row("order_id"),
    "orders.orders.OrderRow": _row(
        "business_date currency customer_id due_shard expires_at fulfilment_status given_back hold_reason lines"
        " list_shard number payment_status placed_at return_status shipping standing_version state state_shard totals"
        " version",
        personal=_sealed(ORDERS, "/orders"),
        cancel_reason=_locked(ORDERS, ON_REQUEST),
    ),
    "orders.refunds.RefundRequestRow": _row(
        "amount asked_at asked_by currency decided_at decided_by refund_id state", reason=_locked(ORDERS, ON_REQUEST)
    ),
    "orders.refunds.WaitingRow": _row(""),
    "payments.attempts.AttemptRow": _row(
        "amount created_at currency expires_at gateway method next_step payment_id proof reference state token"
        " transaction_id",
        note=_locked(PAYMENTS, ON_REQUEST),
    ),
    "payments.books.FactRow": _row(FACT),
    "payments.books.FlagRow": _row(f"{FACT} oddity"),
    "payments.books.LedgerRow": _row(
        "attempts authorized captured charged_back currency due granted is_reversed lowered refunded version"
    ),
    "payments.books.RefundRow": _row("amount created_at currency lowers_payable reason state"),
    "payments.claims.CodeRow": _row("expires expires_at owner"),
    "payments.claims.MutationRow": _row("actor arrived currency owner settled_at", note=_locked(PAYMENTS, ON_REQUEST)),
    "payments.entries.Entry": _row(""),
    "payments.messages.MessageRow": _row(
        "about expires gateway headers notices parked_at parked_shard reason received_at state",
        body=_locked(PAYMENTS, ON_REQUEST),
    ),
    "privacy.breaches.BreachRow": _row(
        "affected data_classes discovered_at notice_ordered_at notified notified_at occurred_from occurred_to position"
        " reach recorded_at recorded_by remedy what"
    ),
    "privacy.breaches.SubjectRow": _row("found_at"),
    "privacy.customers.CertificateRow": _row("asked_at completed_at orders_kept steps subject"),
    "privacy.customers.ErasureRow": _row(
        "asked_at asked_by begun_at certificate_id done open_shard state subjects version waits_for"
    ),
    "privacy.customers.ExportRow": _row("asked_at asked_by expires expires_at language ready_at state"),
    "privacy.customers.HoldRow": _row("set_at set_by", reason=_locked(HOLDS, ON_REQUEST)),
    "privacy.customers.ProgressRow": _row("position"),
}
"""By department, module of its models, and row."""

FILES: Final[Mapping[str, Field]] = {
    "exports": Field(EXPORTS, Protection.FILE, "/exports"),
    "proofs": Field(PROOFS, Protection.FILE, ON_REQUEST),
}
"""What of people stands in buckets."""


def personal() -> Iterator[Personal]:
    """Every personal field that is stored, and every kind of personal file."""
    for name, row in INVENTORY.items():
        for field, about in row.personal.items():
            yield _line(name, field, about)
    for bucket, about in FILES.items():
        yield _line(f"bucket {bucket}", "file", about)


def of_customers() -> list[Personal]:
    """What a customer's export holds, and where."""
    return [each for each in personal() if each.whose == CUSTOMERS and each.where.startswith("/")]


def others() -> int:
    """How many stored fields are not personal."""
    return sum(len(row.others) for row in INVENTORY.values())


def _line(row: str, field: str, about: Field) -> Personal:
    data = about.data
    return Personal(
        row=row,
        field=field,
        data=data.what,
        whose=data.whose,
        purpose=data.purpose,
        basis=data.basis,
        retention=data.retention,
        protection=about.protection,
        where=about.where,
        erasure=data.erasure,
    )
