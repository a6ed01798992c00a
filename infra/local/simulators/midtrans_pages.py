"""What a buyer sees of Midtrans: Snap's page, the page of a wallet, bank or card, and the QR picture."""

import hashlib
from html import escape
from typing import Final
from urllib.parse import urlencode

from infra.local.simulators.midtrans_charges import Asked
from infra.local.simulators.midtrans_deals import Deal, money
from infra.local.simulators.pages import LABELS, button, frame, rupiah

MODULES: Final = 29
FINDER: Final = 7
SNAP_LABELS: Final = {
    "bca_va": "BCA VA",
    "bni_va": "BNI VA",
    "bri_va": "BRI VA",
    "cimb_va": "CIMB VA",
    "permata_va": "Permata VA",
    "echannel": "Mandiri Bill",
    "other_qris": "QRIS",
    "gopay": "GoPay",
    "shopeepay": "ShopeePay",
    "credit_card": "Kartu · card",
}


def snap(deal: Deal, asked: Asked) -> str:
    """Snap: first the choice of methods, then how to pay; afterwards the way back to the shop."""
    if deal.payment_type:
        return frame("Midtrans Snap", _card(deal, _account(deal) + _buttons(deal) + _way_back(deal, asked.finish)))
    choices = "".join(
        button(deal.order_id, "choose", f"Bayar dengan {SNAP_LABELS[name]}", method=name) for name in asked.methods
    )
    at_once = button(deal.order_id, "settle", "Bayar · pay at once", method=asked.methods[0])
    refused = button(deal.order_id, "deny", LABELS["deny"], method=asked.methods[-1])
    return frame("Midtrans Snap", _card(deal, f"<p>{choices}</p><p>{at_once}{refused}</p>"))


def pay(deal: Deal) -> str:
    """The page of a wallet, or of a card's bank asking whether it is really you."""
    title = "Midtrans 3-D Secure" if deal.is_card else f"Midtrans {deal.payment_type}"
    return frame(title, _card(deal, _account(deal) + _buttons(deal)))


def qr(text: str) -> str:
    """A picture in the manner of a QR code, always the same for the same text, that says it is none."""
    dots = "".join(f"M{x} {y}h1v1h-1z" for y in range(MODULES) for x in range(MODULES) if _is_dark(text, x, y))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-3 -3 {MODULES + 6} {MODULES + 6}" '
        'width="420" height="420" role="img" shape-rendering="crispEdges">'
        f"<title>SIMULASI: {escape(text)}</title>"
        f'<rect x="-3" y="-3" width="{MODULES + 6}" height="{MODULES + 6}" fill="#fff"/><path d="{dots}"/>'
        f'<rect x="3" y="12" width="{MODULES - 6}" height="5" fill="#b45309"/>'
        f'<text x="{MODULES / 2}" y="15.7" font-family="sans-serif" font-weight="700" font-size="3.6" '
        'text-anchor="middle" fill="#fff">SIMULASI</text></svg>'
    )


def _card(deal: Deal, content: str) -> str:
    return (
        f'<div class="card"><p><code>{escape(deal.order_id)}</code></p><p class="big">{rupiah(deal.amount)}</p>'
        f"<p>Status: <strong>{escape(deal.status or 'belum dipilih · nothing chosen')}</strong></p>{content}</div>"
    )


def _account(deal: Deal) -> str:
    """By what numbers or picture it is paid."""
    told = [f"{each['bank'].upper()} VA {each['va_number']}" for each in deal.details.get("va_numbers", ())]
    told += [
        f"{label} {deal.details[name]}"
        for name, label in (
            ("permata_va_number", "Permata VA"),
            ("biller_code", "Biller code"),
            ("bill_key", "Bill key"),
            ("masked_card", "Kartu"),
        )
        if name in deal.details
    ]
    numbers = "".join(f"<p><code>{escape(line)}</code></p>" for line in told)
    return numbers + (qr(deal.transaction_id) if deal.payment_type in ("qris", "gopay") else "")


def _buttons(deal: Deal) -> str:
    """What this buyer may do now: a card is captured, everything else paid."""
    paying = "capture" if deal.is_card else "settle"
    possible = [(paying, "Bayar · pay"), ("deny", LABELS["deny"])]
    if deal.status != "pending":
        return ""
    return "<p>" + "".join(button(deal.order_id, action, label) for action, label in possible) + "</p>"


def _way_back(deal: Deal, finish: str) -> str:
    if not finish.startswith(("http://", "https://")) or deal.status == "pending":
        return ""
    told = {"order_id": deal.order_id, "transaction_status": deal.status, "gross_amount": money(deal.amount)}
    link = f"{finish}{'&' if '?' in finish else '?'}{urlencode(told)}"
    return f'<p><a href="{escape(link)}">Kembali ke toko · back to the shop</a></p>'


def _is_dark(text: str, x: int, y: int) -> bool:
    last = MODULES - FINDER
    for left, top in ((0, 0), (last, 0), (0, last)):
        across, down = x - left, y - top
        if -1 <= across <= FINDER and -1 <= down <= FINDER:
            ring = max(abs(across - FINDER // 2), abs(down - FINDER // 2))
            return ring in (0, 1, 3)
    return bool(hashlib.sha256(f"{text} {x} {y}".encode()).digest()[0] & 1)
