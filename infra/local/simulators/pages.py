"""Pages for the people who click: one frame for all partners, and the list of transactions."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import quote

LABELS: Final[Mapping[str, str]] = {
    "choose": "Pilih metode · choose",
    "settle": "Bayar · settle",
    "capture": "Terima · capture",
    "challenge": "Tinjau · challenge",
    "deny": "Tolak · deny",
    "expire": "Kedaluwarsa · expire",
    "refund": "Kembalikan · refund",
    "chargeback": "Sanggah · chargeback",
}
STYLE: Final = """
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:72rem;margin:0 auto;padding:1rem 1.25rem}
h1{font-size:1.3rem}.tag{background:#b45309;color:#fff;border-radius:.3rem;padding:.1rem .5rem;font-size:.8rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;
border-bottom:1px solid #8884}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
button{font:inherit;font-size:.85rem;padding:.25rem .6rem;margin:.1rem;cursor:pointer;border:1px solid #8888;
border-radius:.4rem}code{font-size:.9em}.big{font-size:1.5rem;font-weight:600}
.wide{overflow-x:auto}.card{max-width:30rem;margin:1rem auto}
"""
SCRIPT: Final = """
document.addEventListener("click", async event => {
  const button = event.target.closest("button[data-path]");
  if (!button) return;
  button.disabled = true;
  const answer = await fetch(button.dataset.path, {method: "POST", body: button.dataset.body});
  if (!answer.ok) alert(await answer.text());
  location.reload();
});
"""


def frame(title: str, content: str) -> str:
    """A whole page around ``content``; the title is escaped here, the content by its author."""
    return (
        '<!doctype html><html lang="id"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{STYLE}</style></head><body>'
        f'<h1>{escape(title)} <span class="tag">SIMULASI</span></h1>{content}<script>{SCRIPT}</script></body></html>'
    )


def button(reference: str, action: str, label: str | None = None, **wish: Any) -> str:
    """A button for a control."""
    path = f"/_sim/transactions/{quote(reference, safe='')}/{action}"
    return _button(path, wish, label or LABELS.get(action, action))


def rupiah(amount: int) -> str:
    """As Indonesians write it: Rp150.000."""
    return "Rp" + f"{amount:,}".replace(",", ".")


def overview(name: str, book: Iterable[Mapping[str, Any]], behaviour: Mapping[str, Any]) -> str:
    """All transactions, the newest first, each with the controls that are possible now."""
    rows = "".join(_row(line) for line in reversed(list(book)))
    if not rows:
        rows = '<tr><td colspan="5">Belum ada transaksi. · No transactions yet.</td></tr>'
    heads = ("Referensi · reference", "Metode · method", "Jumlah · amount", "Status", "Lakukan · do")
    table = (
        f'<div class="wide"><table><thead><tr>{"".join(f"<th>{head}</th>" for head in heads)}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    return frame(f"{name}: transaksi · transactions", _manners(behaviour) + table)


def _row(line: Mapping[str, Any]) -> str:
    amount = rupiah(line["amount"])
    if line["refunded"]:
        amount += f"<br>-{rupiah(line['refunded'])}"
    reference = escape(line["reference"])
    if line.get("page"):
        reference = f'<a href="{escape(line["page"])}">{reference}</a>'
    buttons = "".join(button(line["reference"], action) for action in line["legal"])
    return (
        f"<tr><td>{reference}<br><small>{escape(line['opened_at'])}</small></td>"
        f"<td>{escape(line['method'] or '?')}</td>"
        f'<td class="n">{amount}</td><td>{escape(line["status"])}</td><td>{buttons}</td></tr>'
    )


def _manners(behaviour: Mapping[str, Any]) -> str:
    path, is_down = "/_sim/behaviour", behaviour["down"]
    buttons = [
        _button(path, {"down": not is_down}, "Pulihkan · recover" if is_down else "Matikan · go down"),
        _button(path, {"lose_responses": behaviour["lose_responses"] + 1}, "Hilangkan 1 jawaban · lose an answer"),
        _button("/_sim/reset", {}, "Mulai dari nol · reset"),
    ]
    now = ", ".join(f"{escape(name)}: {escape(str(value))}" for name, value in behaviour.items())
    return f'<p>{"".join(buttons)} <code>{now}</code> <a href="/_sim/deliveries">Kiriman · deliveries</a></p>'


def _button(path: str, body: Mapping[str, Any], label: str) -> str:
    return f'<button data-path="{escape(path)}" data-body="{escape(json.dumps(body))}">{escape(label)}</button>'
