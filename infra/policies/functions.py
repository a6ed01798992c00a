"""What each function may do at AWS: to be read by a person, in two minutes. The words are explained in ``words``.

Whoever adds a call adds its grant here, or the tests are refused; whoever takes the last call away takes the grant
away, or ``python -m tests.kit.grants`` fails. Customers are ``cus_*``, staff ``stf_*``.
"""

from typing import Final

from infra.policies.words import (
    Grant,
    adds,
    changes,
    checks,
    consumes,
    consumes_singly,
    destroys_keys_of,
    files,
    follows,
    forgets_logins,
    gives_up_to,
    keeps_trail,
    lists,
    lists_versions,
    looks_up,
    mails,
    makes_keys_of,
    measures_outlets,
    measures_queues,
    notes_runs,
    publishes,
    reads_keys_of,
    remembers,
    removes,
    runs_on_schedule,
    secrets,
    sends_to,
    tries_keys,
    turns_switches,
    unwraps_keys_of,
)

QUEUES: Final = (
    *("catalog", "identity", "inventory", "notices", "notices-feedback", "order-letters", "orders", "payment-webhooks"),
    *("payments", "privacy"),
)

READS_HEADS: Final = (
    lists_versions("FindsHeads", "backups", "audit/"),
    files("ReadsHeads", "backups", "audit/", "GetObjectVersion"),
)
"""Holding the audit trail against its heads in the backup bucket."""

ERASES: Final = (
    looks_up("carts", "customers", "notices", "orders", "privacy"),
    lists("customers", "identity", "notices/by_subject", "orders", "orders/by_customer", "payments"),
    lists("payments/by_about", "privacy"),
    adds("events", "privacy"),
    changes("customers", "notices", "orders", "payments", "privacy"),
    removes("carts", "customers", "privacy"),
    forgets_logins(),
    checks("privacy"),
    reads_keys_of("cus_*"),
    destroys_keys_of("cus_*"),
    lists_versions("Proofs", "proofs", "ord_"),
    files("RemovesProofs", "proofs", "ord_", "DeleteObjectVersion"),
    files("RemovesExports", "exports", "cus_", "DeleteObject"),
)
"""Forgetting a customer: whatever was left of it last time."""

FOLLOWS_BREACHES: Final = (lists("customers/by_time", "orders/by_time"),)
"""Finding whom a breach affects, and telling them; what of it forgetting needs too is said there."""

TABLE: Final[dict[str, tuple[Grant | tuple[Grant, ...], ...]]] = {
    "api": (
        looks_up(
            *("carts", "catalog", "customers", "idempotency", "identity", "inventory", "keys", "limits", "notices"),
            *("events", "orders", "payments", "privacy", "runs", "sendings"),
        ),
        lists("catalog", "catalog/by_name", "catalog/by_price", "catalog/by_slug", "catalog/by_state"),
        lists("customers", "customers/by_phone", "customers/by_time", "events", "identity", "inventory"),
        lists("notices/by_state", "notices/by_subject", "orders", "orders/by_customer", "orders/by_state"),
        lists("orders/by_time", "payments", "payments/by_parked", "payments/by_payment", "privacy", "runs"),
        adds("carts", "catalog", "customers", "events", "idempotency", "identity", "inventory", "limits"),
        adds("orders", "payments", "privacy"),
        turns_switches(),
        changes("carts", "catalog", "customers", "idempotency", "identity", "inventory", "notices", "orders"),
        changes("payments", "privacy"),
        removes("catalog", "customers", "identity", "limits", "notices", "orders", "payments", "privacy"),
        checks("customers", "identity", "payments"),
        makes_keys_of("cus_*", "stf_*"),
        unwraps_keys_of("cus_*", "stf_*"),
        tries_keys(),
        secrets("index-key", "signing-key", "midtrans-server-key", "midtrans-signature-key"),
        secrets("midtrans-signature-key-next", "whatsapp-app-secret", "whatsapp-verify-token"),
        measures_queues(*QUEUES),
        measures_outlets("events-relay", "schedules"),
        sends_to("notices-feedback"),
        sends_to("payment-webhooks"),
        files("Exports", "exports", "cus_", "GetObject"),
        files("Proofs", "proofs", "", "GetObject", "PutObject"),
        *READS_HEADS,
    ),
    "catalog-on-product": (
        consumes("catalog"),
        looks_up("catalog"),
        lists("catalog"),
        adds("catalog", "events"),
        changes("catalog"),
        removes("catalog"),
    ),
    "console-watch": (
        runs_on_schedule("RELAY"),
        lists("payments/by_parked", "runs"),
        adds("events"),
    ),
    "events-relay": (follows("events"), gives_up_to("events-relay-dlq"), publishes("events"), notes_runs("RELAY")),
    "identity-keep-heads": (
        runs_on_schedule(),
        keeps_trail("BatchGetItem", "UpdateItem", "DeleteItem"),
        lists("identity"),
        *READS_HEADS,
        files("KeepsHeads", "backups", "audit/", "PutObject", "PutObjectRetention"),
    ),
    "identity-on-audit": (consumes("identity"), keeps_trail("BatchGetItem", "PutItem", "UpdateItem")),
    "inventory-on-stock": (consumes("inventory"), looks_up("catalog", "inventory"), changes("catalog")),
    "inventory-sweep-holds": (
        runs_on_schedule(),
        looks_up("inventory"),
        lists("inventory/by_due"),
        adds("events", "inventory"),
        changes("inventory"),
    ),
    "notices-on-feedback": (
        consumes("notices-feedback"),
        looks_up("notices"),
        changes("notices"),
        removes("notices"),
        secrets("index-key"),
    ),
    "notices-send-letters": (
        consumes_singly("notices"),
        looks_up("notices"),
        lists("notices/by_subject", "runs"),
        changes("notices"),
        remembers("sendings"),
        reads_keys_of("cus_*", "stf_*"),
        secrets("index-key", "whatsapp-token"),
        mails(),
    ),
    "orders-expire-unpaid": (
        runs_on_schedule(),
        looks_up("inventory", "orders", "payments"),
        lists("orders/by_due", "payments"),
        adds("events", "inventory", "payments"),
        changes("inventory", "orders", "payments"),
        checks("payments"),
        secrets("midtrans-server-key", "signing-key"),
    ),
    "orders-on-order": (
        consumes("order-letters"),
        looks_up("customers", "notices", "orders"),
        adds("events"),
        changes("notices"),
        reads_keys_of("cus_*"),
        secrets("signing-key"),
    ),
    "orders-on-payment": (
        consumes("orders"),
        looks_up("inventory", "orders", "payments"),
        adds("events", "inventory", "payments"),
        changes("inventory", "orders", "payments"),
        checks("payments"),
        secrets("signing-key"),
    ),
    "payments-on-order-ended": (
        consumes_singly("payments"),
        looks_up("payments"),
        lists("payments"),
        adds("events", "payments"),
        changes("payments"),
        secrets("midtrans-server-key", "signing-key"),
    ),
    "payments-on-webhook": (
        consumes_singly("payment-webhooks"),
        looks_up("payments"),
        lists("payments"),
        adds("events", "payments"),
        changes("payments"),
        secrets("midtrans-server-key", "signing-key"),
    ),
    "payments-retry-parked": (runs_on_schedule(), lists("payments/by_parked"), sends_to("payment-webhooks")),
    "privacy-apply-retention": (
        runs_on_schedule(),
        looks_up("customers", "orders", "privacy"),
        lists("customers", "customers/by_time", "notices/by_state", "orders", "orders/by_customer"),
        lists("orders/by_time", "payments", "payments/by_about"),
        adds("events", "privacy"),
        changes("customers", "notices", "orders", "payments"),
        removes("customers"),
        reads_keys_of("cus_*"),
        secrets("signing-key"),
        lists_versions("Proofs", "proofs", "ord_"),
        files("RemovesProofs", "proofs", "ord_", "DeleteObjectVersion"),
    ),
    "privacy-carry-out": (
        runs_on_schedule(),
        *ERASES,
        *FOLLOWS_BREACHES,
        lists("privacy/by_open"),
    ),
    "privacy-on-request": (
        consumes_singly("privacy"),
        *ERASES,
        *FOLLOWS_BREACHES,
        secrets("signing-key"),
        files("Gathers", "exports", "cus_", "PutObject"),
    ),
}
