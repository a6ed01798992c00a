"""Settings from the environment: the only module that reads it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib import VERSION


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set. Names of tables, queues and the like follow from the stage."""

    stage: str
    version: str
    """What is running, as whoever deployed it calls it."""
    region: str
    account: str
    """The AWS account, twelve digits: a part of what has to be unique among all accounts."""
    zone: ZoneInfo
    """The shop's time zone: a business day begins at its midnight."""
    currency: str
    tax_registered: bool
    """True for a seller registered for PPN (PKP); others charge none and show none."""
    prices_include_tax: bool
    """True where prices hold the tax, as in Indonesian retail; False for sales between businesses."""
    payment_minutes: int
    """How long an order waits for its payment."""
    order_years: int
    """How many full years, after the one in which an order was placed, its contact and address are kept."""
    partial_batches: bool
    """True once the queue mappings are proven to carry ReportBatchItemFailures."""
    metrics: bool
    """False where nobody reads the counters, as on a developer's machine."""
    packaging: bool
    """True where `chalice package` or `deploy` collects the functions, never inside one."""
    by_hand: bool
    """True where somebody runs Chalice's own command."""
    events_stream_arn: str
    allowed_origins: tuple[str, ...]
    """Web origins whose pages may call the API, such as https://toko.example; none unless named."""
    shop_name: str
    """How the shop calls itself in letters."""
    store_url: str
    """Where the storefront is: links in letters to customers lead there."""
    console_url: str
    """Where staff work: links in letters to staff lead there, and passkeys are bound to its host."""
    storefront_key_required: bool
    """True where the store surface is for storefronts that show a publishable key, and for nobody else."""
    requests_per_second: int
    """How many requests of one caller each running copy of the API serves; 0 for no limit."""
    mail_from: str
    """The sender of letters, as "Toko Laris <halo@toko.example>"; empty where none are sent."""
    mail_configuration: str
    """The SES configuration set that reports bounces and complaints."""
    whatsapp_api_url: str
    whatsapp_number: str
    """The id of the sending phone number at WhatsApp; empty where none is used."""
    midtrans_api_url: str
    midtrans_snap_url: str
    transfer_accounts: str
    """JSON list of {bank, number, holder}: where manual transfers go."""

    @classmethod
    def read(cls, env: Mapping[str, str]) -> "Settings":
        """Settings from ``env``; every name has a default that is right for development."""
        stage = env.get("LARIS_STAGE", "dev")
        region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "ap-southeast-3"
        return cls(
            stage=stage,
            version=env.get("LARIS_VERSION", VERSION),
            region=region,
            account=env.get("LARIS_ACCOUNT", "000000000000"),
            zone=ZoneInfo(env.get("LARIS_ZONE", "Asia/Jakarta")),
            currency=env.get("LARIS_CURRENCY", "IDR"),
            tax_registered=env.get("LARIS_TAX_REGISTERED", "1") == "1",
            prices_include_tax=env.get("LARIS_PRICES_INCLUDE_TAX", "1") == "1",
            payment_minutes=int(env.get("LARIS_PAYMENT_MINUTES", "60")),
            order_years=int(env.get("LARIS_ORDER_YEARS", "5")),
            partial_batches=env.get("LARIS_PARTIAL_BATCHES", "0") == "1",
            metrics=env.get("LARIS_METRICS", "1") == "1",
            packaging="AWS_LAMBDA_FUNCTION_NAME" not in env,
            by_hand="AWS_CHALICE_CLI_MODE" in env,
            events_stream_arn=env.get("LARIS_EVENTS_STREAM_ARN", ""),
            allowed_origins=tuple(filter(None, env.get("LARIS_ALLOWED_ORIGINS", "").split(","))),
            shop_name=env.get("LARIS_SHOP_NAME", "Toko Laris"),
            store_url=env.get("LARIS_STORE_URL", "http://localhost:3000"),
            console_url=env.get("LARIS_CONSOLE_URL", "http://localhost:8000"),
            storefront_key_required=env.get("LARIS_STOREFRONT_KEY_REQUIRED", "0") == "1",
            requests_per_second=int(env.get("LARIS_REQUESTS_PER_SECOND", "50")),
            mail_from=env.get("LARIS_MAIL_FROM", ""),
            mail_configuration=env.get("LARIS_MAIL_CONFIGURATION", f"laris-{stage}"),
            whatsapp_api_url=env.get("LARIS_WHATSAPP_API_URL", "https://graph.facebook.com/v23.0"),
            whatsapp_number=env.get("LARIS_WHATSAPP_NUMBER", ""),
            midtrans_api_url=env.get("LARIS_MIDTRANS_API_URL", "https://api.sandbox.midtrans.com"),
            midtrans_snap_url=env.get("LARIS_MIDTRANS_SNAP_URL", "https://app.sandbox.midtrans.com/snap/v1"),
            transfer_accounts=env.get("LARIS_TRANSFER_ACCOUNTS", "[]"),
        )

    def table(self, department: str) -> str:
        """The name of a department's table."""
        return f"laris-{self.stage}-{department}"

    def queue(self, name: str) -> str:
        """The name of a queue; its dead-letter queue is the same with ``-dlq``."""
        return f"laris-{self.stage}-{name}"

    def bucket(self, purpose: str) -> str:
        """The name of a bucket; no two accounts may have one of the same name."""
        return f"laris-{self.stage}-{purpose}-{self.account}"

    @property
    def topic_arn(self) -> str:
        """The topic of all events."""
        return f"arn:aws:sns:{self.region}:{self.account}:laris-{self.stage}-events"

    @property
    def master_key(self) -> str:
        """The name of the KMS key that wraps the keys of personal data."""
        return f"alias/laris-{self.stage}"

    def secret(self, name: str) -> str:
        """The name under which a secret stands in the parameter store."""
        return f"/laris/{self.stage}/{name}"


settings: Final = Settings.read(os.environ)
