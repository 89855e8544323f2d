"""Write what is made from the code: pages of docs/, and the client's events: `make docs`. Tests compare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from kanhe.core.errors import Refusal
from kanhe.judge.intake.client_code import client_modules
from kanhe.judge.intake.problems import ProblemKind, problem_catalogue
from kanhe.judge.intake.reader import Reader
from kanhe.judge.intake.reference import describe_markdown
from kanhe.judge.intake.registry import builtin

DOCS = Path(__file__).parent
EVENTS = DOCS.parent / "src" / "kanhe" / "client" / "events"

OF_REQUESTS: Mapping[str, ProblemKind] = {
    "not-http": ProblemKind(
        "The request is not HTTP", 400,
        "The bytes do not follow HTTP/1.1. The connection is closed.",
        "收到的内容不符合 HTTP/1.1，连接随即关闭。",
    ),
    "request-invalid": ProblemKind(
        "The request is not valid", 400,
        "The path or its parameters are not as the OpenAPI description says.",
        "路径或参数与 OpenAPI 描述不符。",
    ),
    "not-authenticated": ProblemKind(
        "No valid API key", 401,
        "Send `Authorization: Bearer` and a key that was made with `kanhe keys`. Unknown, revoked and "
        "expired keys are not told apart.",
        "请携带 `Authorization: Bearer` 和用 `kanhe keys` 生成的密钥。密钥不存在、已吊销或已过期，一律返回此错误。",
    ),
    "hook-not-authentic": ProblemKind(
        "The notice is not authentic", 401,
        "A notice of a payment provider or shop system does not bear the signature of its source, is "
        "more than five minutes old where the provider signs the time, or is of another account. The "
        "detail says which; see [notices](hooks.md).",
        "支付机构或店铺系统的通知签名与该来源不符；或通知方对时间签名，而时间相差超过五分钟；或属于其他账户。"
        "detail 说明是哪一种，见[接收通知](zh-CN/hooks.md)。",
    ),
    "hook-not-readable": ProblemKind(
        "The notice cannot be read", 400,
        "The signature is good, but the body is not what its provider writes: not JSON or a form, a "
        "name given twice, an id missing. Nothing of it was recorded.",
        "签名有效，但内容不是该机构应有的写法：不是 JSON 或表单、名称重复、缺少编号等。未作任何记录。",
    ),
    "hook-mapping-missing": ProblemKind(
        "The mapping of the source is not there", 503,
        "The source asks for a mapping that the server has not read. Put its file into `hooks_dir` and "
        "start the server anew; the provider sends the notice again.",
        "来源所用的映射尚未被服务读取。请把文件放入 `hooks_dir` 并重启服务；对方会重新发送通知。",
    ),
    "scope-missing": ProblemKind(
        "The key lacks the scope", 403,
        "The key is valid but was not made for this route. Make one with the scope that the detail names.",
        "密钥有效，但无权使用此接口。请新建一个具有 detail 所述权限的密钥。",
    ),
    "not-found": ProblemKind(
        "Nothing is here", 404,
        "The path, the decision or the list does not exist, or belongs to another tenant.",
        "路径、决策或名单不存在，或属于其他租户。",
    ),
    "method-not-allowed": ProblemKind(
        "The method is not allowed", 405,
        "The path exists and does not answer this method; `Allow` says which it answers.",
        "路径存在，但不支持该方法；可用方法见 `Allow` 响应头。",
    ),
    "body-too-slow": ProblemKind(
        "The body took too long", 408,
        "The client paused longer than the time limit while sending. Nothing was recorded of the "
        "event that was cut short.",
        "客户端发送请求体时停顿超时。被中断的事件未作任何记录。",
    ),
    "batch-too-large": ProblemKind(
        "The batch is too large", 413,
        "More bytes or lines than one request may hold. Answers sent before it stand; send the rest "
        "in further requests.",
        "单次批量请求的字节数或行数超限。此前已返回的结果有效，其余请分批再发。",
    ),
    "media-type-unsupported": ProblemKind(
        "The media type is not supported", 415,
        "Send `application/json` for one event, `application/x-ndjson` for a batch.",
        "单个事件请用 `application/json`，批量请用 `application/x-ndjson`。",
    ),
    "entry-invalid": ProblemKind(
        "The list entry is not valid", 422,
        "The detail and the errors name the field and what was expected.",
        "名单条目不合规；detail 与 errors 指出字段及应有的取值。",
    ),
    "policy-invalid": ProblemKind(
        "The policy pack has mistakes", 422,
        "It is not the archive of a pack, or its text has mistakes: each is named with file, line and "
        "column. `kanhe policy check` shows them with the text.",
        "不是策略包，或其中有错误；errors 逐一给出文件、行和列。可用 `kanhe policy check` 对照原文查看。",
    ),
    "policy-step-refused": ProblemKind(
        "The policy cannot take this step", 409,
        "A step was left out, the author would approve their own pack, the share is too large, or "
        "another pack is under way. The detail says what comes next; see [the life of a policy](policy-life.md).",
        "跳过了步骤、提交人自行审批、灰度比例过大，或另有策略包正在流转。detail 说明下一步，详见[策略的一生](zh-CN/policy-life.md)。",
    ),
    "step-invalid": ProblemKind(
        "The step is not described as it should be", 422,
        "The body is a JSON object with `why` and what the step needs; the detail names the field.",
        "请求体应为 JSON 对象，包含 `why` 及该步骤所需字段；detail 指出有误的字段。",
    ),
    "id-taken": ProblemKind(
        "The id belongs to another event", 409,
        "A change of a list came under the id of an earlier event of another type; nothing was "
        "changed. Send it again under an id of its own.",
        "该名单变更使用的编号已属于另一类型的事件，未作任何变更。请换用新的编号重新提交。",
    ),
    "step-up-invalid": ProblemKind(
        "The request is not valid", 422,
        "What was sent to ask a buyer or to change their factors is not as it should be; the detail and "
        "the errors name the field and what was expected.",
        "发起二次验证或更改验证因素的请求不合规；detail 与 errors 指出字段及应有的取值。",
    ),
    "step-up-closed": ProblemKind(
        "The step-up takes no more of this", 409,
        "It was passed already, has expired, or its attempts or codes were used up. Begin another one.",
        "该次二次验证已通过、已过期，或尝试次数、验证码次数已用尽。请重新发起。",
    ),
    "step-up-refused": ProblemKind(
        "This confirms nothing", 409,
        "What was to be redeemed was not passed, is over, was redeemed before, or is not what was "
        "confirmed. Do not pay; nothing was spent by asking.",
        "要兑换的确认未通过验证、已失效、已兑换过，或与所确认的内容不符。请勿付款；本次请求未消耗任何确认。",
    ),
    "step-up-no-address": ProblemKind(
        "No code can be sent", 409,
        "This step-up does not offer mail: the user has enrolled no address and none was given, or no "
        "mail server is set up.",
        "该次二次验证不支持邮件：用户未登记邮箱且请求未提供邮箱，或系统未配置邮件服务器。",
    ),
    "step-up-not-sent": ProblemKind(
        "The code could not be sent", 503,
        "The mail server did not take the letter. The code counts as sent; ask for another one.",
        "邮件服务器未接收邮件。该验证码计入发送次数，请重新获取。",
    ),
    "step-up-wait": ProblemKind(
        "Too many step-ups", 429,
        "Too many codes of this user were wrong, or too many were asked for. Try again after "
        "`Retry-After` seconds; passkeys never wait. See [step-up](step-up.md#limits).",
        "该用户输错验证码或请求次数过多。请在 `Retry-After` 秒后重试；通行密钥不受此限。详见[二次验证](zh-CN/step-up.md#限制)。",
    ),
    "factor-impossible": ProblemKind(
        "No such factor can be added", 409,
        "The user has as many factors as they may, no origins are set up for passkeys of this shop, or "
        "no mail server for codes; the detail says which.",
        "验证因素数量已达上限、该店铺未配置通行密钥站点，或未配置发送验证码的邮件服务器；detail 说明原因。",
    ),
    "factor-closed": ProblemKind(
        "The factor cannot be confirmed", 409,
        "It was confirmed already, has expired, its attempts were used up, or it is a factor already. "
        "Begin another one.",
        "该验证因素已确认、已过期、尝试次数已用尽，或已登记过。请重新开始。",
    ),
    "factor-not-shown": ProblemKind(
        "That does not confirm the factor", 422,
        "The code or passkey does not fit; the detail says how many attempts are left.",
        "验证码或通行密钥不符；detail 说明剩余次数。",
    ),
    "proof-missing": ProblemKind(
        "A change of factors takes proof", 409,
        "The user has a factor: send `requires` with a step-up for `factors` that was passed, or a "
        "statement. See [step-up](step-up.md#factors).",
        "该用户已有验证因素：请在 `requires` 中附上已通过的 `factors` 二次验证或平台声明。详见[二次验证](zh-CN/step-up.md#验证因素)。",
    ),
    "rate-exceeded": ProblemKind(
        "The key's rate is used up", 429,
        "Try again after `Retry-After` seconds, or have the limit of the key raised.",
        "请在 `Retry-After` 秒后重试，或提高该密钥的限额。",
    ),
    "head-too-large": ProblemKind(
        "The head of the request is too large", 431,
        "Request line and headers are longer than the server reads. The connection is closed.",
        "请求行与请求头超出服务器的读取上限，连接随即关闭。",
    ),
    "internal": ProblemKind(
        "The server made a mistake", 500,
        "A fault of the program, logged on the server. Nothing was answered for the event; sending "
        "it again is harmless.",
        "程序自身的故障，已记入服务器日志。该事件没有得到答复，重发无害。",
    ),
    "overloaded": ProblemKind(
        "Too many requests at once", 503,
        "The server answers as many requests or connections as it is set to. Try again after "
        "`Retry-After` seconds.",
        "同时处理的请求数或连接数已达上限。请在 `Retry-After` 秒后重试。",
    ),
    "receipt-pending": ProblemKind(
        "The receipt is not ready yet", 503,
        "The decision is durable, and the log takes it in about a second later. Ask again after "
        "`Retry-After` seconds. If this lasts, the process that folds the log stands still: see "
        "`kanhe_log_waiting` among the metrics.",
        "决策已落盘，约一秒后收入日志。请在 `Retry-After` 秒后重试。若持续出现，说明写入日志的进程已停顿，可查看监控指标 "
        "`kanhe_log_waiting`。",
    ),
    "storage-unavailable": ProblemKind(
        "The event could not be stored", 503,
        "The journal cannot be written at the moment, for example because the disk is full. Nothing "
        "was recorded. Send the same event again; it is taken as soon as the cause is gone.",
        "事件日志暂时无法写入，例如磁盘已满。本次未作任何记录。请重发同一事件；故障排除后即可受理。",
    ),
}  # fmt: skip
"""Problems of the request itself, beside those of the event in it."""

_PROBLEMS_HEAD = """\
# Problems · 错误说明

<!-- Written by docs/generate.py; a test compares. Do not edit. -->

What is refused is answered with problem details as [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)
writes them, `application/problem+json`: `type` is `/problems/` and a name from this page, `title`,
`status` and `detail` are for people, and `errors` names each field, what was expected and, shortened,
what came instead. In a batch, `line` is the number of the refused line, counted from 1; the other lines
are not touched by it.

凡被拒收的内容，均按 [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) 以 `application/problem+json` 答复：`type` 为
`/problems/` 加本页所列名称；`title`、`status`、`detail` 供人阅读；`errors` 逐一列出字段、应有的取值和实际收到的
内容（有所截短）。批量请求中，`line` 是被拒行的行号，从 1 起数，其他行不受影响。
"""


_WITHOUT_CURRENCY = (
    b'{"type":"refund.paid","id":"e1","at_ms":1767225600000,"user":"u1","order":"o1",'
    b'"amount_minor":1999}'
)


def _example() -> str:
    """A refusal, as the reader really makes it."""
    try:
        Reader(builtin()).read("shop", _WITHOUT_CURRENCY, received_ms=1767225601000)
    except Refusal as refusal:
        body = msgspec.json.format(msgspec.json.encode(refusal.problem), indent=2).decode()
        return f"```json\n{body}\n```\n"
    raise AssertionError("an amount without a currency was accepted")


def problems_markdown() -> str:
    """The content of `docs/problems.md`."""
    return "\n".join(
        [
            _PROBLEMS_HEAD,
            _example(),
            "## About the event · 与事件有关\n",
            *(_problem(slug, kind) for slug, kind in problem_catalogue.items()),
            "## About the request · 与请求有关\n",
            *(_problem(slug, kind) for slug, kind in OF_REQUESTS.items()),
        ]
    )


def _problem(slug: str, kind: ProblemKind) -> str:
    return f"### {slug}\n\n**{kind.title}** (status {kind.status}). {kind.en}\n\n{kind.zh}\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "events.md": lambda: describe_markdown(builtin()),
    "problems.md": problems_markdown,
}
"""The generated pages, and what makes each."""


def main() -> None:
    """Write every generated file whose content has changed."""
    for name, made in PAGES.items():
        _write(DOCS / name, made())
    modules = client_modules(builtin())
    for name, text in modules.items():
        _write(EVENTS / name, text)
    for path in EVENTS.glob("*.py"):
        if path.name not in modules:
            path.unlink()
            print(f"{path.name} removed")


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")
        print(f"{path.relative_to(DOCS.parent)} written")


if __name__ == "__main__":
    main()
