"""The card form: one page, shown by the shop in a frame, so that what is typed goes to the gateway alone."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape

_TEXTS = {
    "en": {
        "lang": "en", "number": "Card number", "expiry": "Valid until (MM/YY)", "cvc": "Security code",
        "bad_number": "This is not the number of a card.",
        "bad_expiry": "The card has expired, or this is not a month.",
        "bad_cvc": "The security code has three or four digits.",
        "down": "The bank cannot be reached just now. Please try again.",
    },
    "zh": {
        "lang": "zh-Hans", "number": "卡号", "expiry": "有效期（月/年）", "cvc": "安全码",
        "bad_number": "卡号有误，请核对。", "bad_expiry": "银行卡已过期，或月份有误。",
        "bad_cvc": "安全码应为三位或四位数字。", "down": "暂时无法连接银行，请稍后重试。",
    },
}  # fmt: skip

_STYLE = """
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.4 system-ui, "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", sans-serif; color: #22302b }
form { display: grid; grid-template-columns: 1fr 1fr; gap: 12px 16px; padding: 2px }
label { display: grid; gap: 4px; font-size: 14px } label:first-child { grid-column: 1 / -1 }
input { font: inherit; font-size: 16px; padding: 9px 12px; border: 1px solid #b5c0ba; border-radius: 6px; width: 100% }
input:focus { outline: 2px solid #2f6b57; outline-offset: 1px; border-color: #2f6b57 }
input[aria-invalid=true] { border-color: #a8322a }
p { grid-column: 1 / -1; margin: 0; color: #a8322a; font-size: 14px; min-height: 1.4em }
"""

_SCRIPT = """
const told = JSON.parse(document.getElementById("told").textContent);
const form = document.querySelector("form"), said = document.querySelector("p");
form.elements.number.addEventListener("input", (event) => {
  const digits = event.target.value.replace(/\\D/g, "").slice(0, 19);
  event.target.value = digits.replace(/(.{4})(?=.)/g, "$1 ");
});
form.elements.expiry.addEventListener("input", (event) => {
  const digits = event.target.value.replace(/\\D/g, "").slice(0, 4);
  if (event.inputType !== "deleteContentBackward" && digits.length >= 2)
    event.target.value = digits.slice(0, 2) + "/" + digits.slice(2);
});
async function tokenise() {
  said.textContent = "";
  for (const name of ["number", "expiry", "cvc"]) form.elements[name].removeAttribute("aria-invalid");
  try {
    const answer = await fetch("/v1/tokens", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer " + told.key },
      body: JSON.stringify({ number: form.elements.number.value, expiry: form.elements.expiry.value, cvc: form.elements.cvc.value }),
    });
    const body = await answer.json();
    if (answer.ok) return parent.postMessage({ gateway: "token", ...body }, told.origin);
    const field = body.field || ({ number: "number", cvc: "cvc" })[body.code] || "expiry";
    said.textContent = told.texts["bad_" + field];
    form.elements[field].setAttribute("aria-invalid", "true");
    form.elements[field].focus();
  } catch { said.textContent = told.texts.down; }
  parent.postMessage({ gateway: "refused" }, told.origin);
}
form.addEventListener("submit", (event) => { event.preventDefault(); tokenise(); });
addEventListener("message", (event) => {
  if (event.origin === told.origin && event.data && event.data.gateway === "tokenise") tokenise();
});
parent.postMessage({ gateway: "ready" }, told.origin);
"""


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


POLICY = (
    "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    f"style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; frame-ancestors {{ancestors}}"
)
"""Nothing but this page's own script and style, framed by the shop alone."""


def fields_page(lang: str, key: str, origin: str) -> str:
    """The form in English or Chinese; tokens are handed to a page of this origin only."""
    texts = _TEXTS["zh" if lang.lower().startswith("zh") else "en"]
    told = json.dumps({"key": key, "origin": origin, "texts": texts}).replace("<", "\\u003c")

    def field(name: str, complete: str, more: str) -> str:
        return (
            f'<label>{escape(texts[name])}<input name="{name}" inputmode="numeric" '
            f'autocomplete="{complete}" required {more}></label>'
        )

    return (
        f'<!doctype html><html lang="{texts["lang"]}"><meta charset="utf-8"><title>{escape(texts["number"])}'
        f"</title><style>{_STYLE}</style><form novalidate>"
        + field("number", "cc-number", 'maxlength="23"')
        + field("expiry", "cc-exp", 'maxlength="7" placeholder="MM/YY"')
        + field("cvc", "cc-csc", 'maxlength="4"')
        + f'<p role="alert"></p><button hidden></button></form><script type="application/json" id="told">{told}'
        f"</script><script>{_SCRIPT}</script></html>"
    )
