"""What an operator sets for a stage: ``infra/stages/<stage>.toml``, read and checked before anything is touched."""

import re
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

FOLDER: Final = Path(__file__).parent.parent / "stages"
NAME: Final = re.compile(r"[a-z][a-z0-9]{0,15}")
SECRET_WORDS: Final = ("key", "password", "secret", "token")
UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<field>\w+)`(?: - at `\$\.?(?P<at>[^`]*)`)?")
MIDTRANS: Final = {
    False: ("https://api.sandbox.midtrans.com", "https://app.sandbox.midtrans.com/snap/v1"),
    True: ("https://api.midtrans.com", "https://app.midtrans.com/snap/v1"),
}

Positive = Annotated[int, Meta(ge=1)]


class WrongSettings(Exception):
    """The file of a stage cannot be used; says what to change."""


class Shop(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    zone: str = "Asia/Jakarta"
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "IDR"
    tax_registered: bool = True
    prices_include_tax: bool = True
    payment_minutes: Positive = 60
    order_years: Positive = 5


class Web(Struct, frozen=True, forbid_unknown_fields=True):
    store_url: str
    console_url: str = ""
    """Empty while the API's own address serves the console."""
    allowed_origins: tuple[str, ...] = ()
    storefront_key_required: bool = False
    requests_per_second: Annotated[int, Meta(ge=0)] = 50
    """Of one caller, in each running copy."""
    rate: Positive = 200
    """Requests a second of all callers together, before API Gateway says 429."""
    burst: Positive = 400
    firewall: bool = True


class Mail(Struct, frozen=True, forbid_unknown_fields=True):
    sender: str = ""


class WhatsApp(Struct, frozen=True, forbid_unknown_fields=True):
    number: str = ""


class Midtrans(Struct, frozen=True, forbid_unknown_fields=True):
    production: bool = False


class Account(Struct, frozen=True, forbid_unknown_fields=True):
    bank: str
    number: str
    holder: str


class Watch(Struct, frozen=True, forbid_unknown_fields=True):
    email: str = ""
    """Who is told of alarms."""
    monthly_budget_usd: Annotated[int, Meta(ge=0)] = 0
    """0 for no alarm on what is spent."""
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096] = 90


class Stage(Struct, frozen=True, forbid_unknown_fields=True):
    """One stage. ``name`` comes from the file's name."""

    shop: Shop
    web: Web
    name: str = ""
    region: Annotated[str, Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = "ap-southeast-3"
    account: Annotated[str, Meta(pattern=r"^(\d{12})?$")] = ""
    """The account this stage may be deployed to; needed where it is protected."""
    protected: bool = True
    """True where the data counts: it is never deleted from here, and only committed code is deployed."""
    administrator: str = ""
    """The role that may end keys and locks; without one, only the account's root user can."""
    mail: Mail = Mail()
    whatsapp: WhatsApp = WhatsApp()
    midtrans: Midtrans = Midtrans()
    transfer: tuple[Account, ...] = ()
    watch: Watch = Watch()

    @property
    def stack(self) -> str:
        """The name of its stack."""
        return f"laris-{self.name}"

    @property
    def sender(self) -> str:
        """The address alone from which letters come; empty where none are sent."""
        return parseaddr(self.mail.sender)[1]

    def environment(self) -> dict[str, str]:
        """What of this the functions read."""
        api, snap = MIDTRANS[self.midtrans.production]
        set_ = {
            "LARIS_SHOP_NAME": self.shop.name,
            "LARIS_ZONE": self.shop.zone,
            "LARIS_CURRENCY": self.shop.currency,
            "LARIS_TAX_REGISTERED": _flag(self.shop.tax_registered),
            "LARIS_PRICES_INCLUDE_TAX": _flag(self.shop.prices_include_tax),
            "LARIS_PAYMENT_MINUTES": str(self.shop.payment_minutes),
            "LARIS_ORDER_YEARS": str(self.shop.order_years),
            "LARIS_STORE_URL": self.web.store_url,
            "LARIS_CONSOLE_URL": self.web.console_url,
            "LARIS_ALLOWED_ORIGINS": ",".join(self.web.allowed_origins),
            "LARIS_STOREFRONT_KEY_REQUIRED": _flag(self.web.storefront_key_required),
            "LARIS_REQUESTS_PER_SECOND": str(self.web.requests_per_second),
            "LARIS_MAIL_FROM": self.mail.sender,
            "LARIS_WHATSAPP_NUMBER": self.whatsapp.number,
            "LARIS_MIDTRANS_API_URL": api,
            "LARIS_MIDTRANS_SNAP_URL": snap,
            "LARIS_TRANSFER_ACCOUNTS": msgspec.json.encode(self.transfer).decode(),
        }
        return {name: value for name, value in set_.items() if value}


def read(name: str, folder: Path = FOLDER) -> Stage:
    """The stage called ``name``. Raises WrongSettings with everything that has to be changed."""
    if not NAME.fullmatch(name):
        raise WrongSettings(f"{name!r} is no name of a stage: up to 16 small letters and digits, a letter first.")
    path = folder / f"{name}.toml"
    if not path.exists():
        raise WrongSettings(f"{_shown(path)} is missing: copy example.toml there and fill it in.")
    try:
        stage = msgspec.toml.decode(path.read_bytes(), type=Stage)
    except msgspec.DecodeError as error:
        raise WrongSettings(f"{_shown(path)}: {_plain(str(error), name)}") from None
    stage = msgspec.structs.replace(stage, name=name)
    if wrong := list(_problems(stage)):
        raise WrongSettings(f"{_shown(path)}: {' '.join(wrong)}")
    return stage


def _problems(stage: Stage) -> list[str]:
    """What no single field can tell."""
    urls = {"web.store_url": stage.web.store_url, "web.console_url": stage.web.console_url}
    urls |= {f"web.allowed_origins {origin}": origin for origin in stage.web.allowed_origins}
    found = [
        f"{field} must begin with https://." for field, url in urls.items() if url and not url.startswith("https://")
    ]
    found += [f"web.allowed_origins {url} is an origin only without a path." for url in _with_path(stage)]
    if not _is_zone(stage.shop.zone):
        found.append(f"shop.zone {stage.shop.zone} is not a time zone.")
    if stage.mail.sender and "@" not in stage.sender:
        found.append('mail.sender is not like "Toko Laris <halo@toko.example>".')
    if stage.protected and not stage.account:
        found.append("account is needed: the twelve digits of the AWS account that this stage belongs to.")
    if stage.protected and not stage.watch.email:
        found.append("watch.email is needed: somebody must hear of alarms.")
    if stage.web.burst < stage.web.rate:
        found.append("web.burst must not be less than web.rate.")
    return found


def _with_path(stage: Stage) -> list[str]:
    return [url for url in stage.web.allowed_origins if url.count("/") != 2]


def _is_zone(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _plain(message: str, stage: str) -> str:
    """The decoder's message, in the words of the file; a secret is sent where secrets belong."""
    unknown = UNKNOWN.search(message)
    if unknown is None:
        return message.replace(" - at `$.", " - at `")
    field = ".".join(filter(None, [unknown["at"], unknown["field"]]))
    if any(word in unknown["field"] for word in SECRET_WORDS):
        return f"{field} looks like a secret, which does not belong here. {how_to_set('NAME', stage, 'REGION')}"
    return f"{field} is not a setting; example.toml lists them all."


def how_to_set(secret: str, stage: str, region: str) -> str:
    """How an operator puts a secret where it belongs, without it standing in a shell's history."""
    return (
        f"Put it into the parameter store: aws ssm put-parameter --type SecureString --name /laris/{stage}/{secret} "
        f"--region {region} --value file://FILE"
    )


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _switch(value: bool) -> str:
    return "on" if value else "off"


def _shown(path: Path) -> str:
    return f"infra/stages/{path.name}"


def parameters(stage: Stage) -> dict[str, Any]:
    """What of this the stack is told, by parameter."""
    return {
        "Stage": stage.name,
        "Protected": _switch(stage.protected),
        "Administrator": stage.administrator,
        "AlarmEmail": stage.watch.email,
        "WebAcl": _switch(stage.web.firewall),
        "LogRetentionDays": stage.watch.log_days,
    }
