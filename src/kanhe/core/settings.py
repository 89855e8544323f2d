"""Settings: one table says every name, default, unit and meaning; files and environment fill it.

Order of precedence, strongest first: options of the command line, environment variables `KANHE_…`,
the file `kanhe.toml`, defaults. An unknown name anywhere is refused with the nearest known one, so
that a typing mistake never silently leaves a default in force.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from kanhe.core.errors import SettingsError
from kanhe.core.time import DurationError, duration_ms

CONFIG_FILE = "kanhe.toml"
CONFIG_ENV = "KANHE_CONFIG"
"""Names another settings file; `KANHE_LANG` chooses the language of the command line, `KANHE_TOKEN`
is the API key of whoever uses it, and with `KANHE_DEMO_EXIT` set a demo ends when it has run through."""
_RESERVED_ENV = frozenset({CONFIG_ENV, "KANHE_LANG", "KANHE_TOKEN", "KANHE_DEMO_EXIT"})


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What one process of Kanhe runs with. The meaning of each is told in `SETTINGS`."""

    data_dir: str = "./kanhe-data"
    policy: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    require_keys: bool = True
    log_public: bool = False
    max_body_bytes: int = 65_536
    max_hook_bytes: int = 262_144
    hooks_dir: str = ""
    max_batch_bytes: int = 67_108_864
    max_batch_lines: int = 100_000
    max_in_flight: int = 2_048
    max_connections: int = 4_096
    head_timeout_ms: int = 10_000
    body_timeout_ms: int = 10_000
    keep_alive_ms: int = 75_000
    stop_timeout_ms: int = 20_000
    future_tolerance_ms: int = 300_000
    snapshot_every_events: int = 1_000_000
    snapshot_every_ms: int = 600_000
    state_limit_mib: int = 65_536
    state_reserve_mib: int = 0
    log_origin: str = "kanhe.local/log"
    log_every_ms: int = 500
    log_sequencer: bool = True
    log_witnesses: str = ""
    log_cosignatures: int = 0
    drift_every_ms: int = 60_000
    console: bool = True
    console_host: str = "127.0.0.1"
    console_port: int = 8081
    console_url: str = ""
    console_proxies: str = ""
    session_idle_ms: int = 3_600_000
    session_absolute_ms: int = 43_200_000
    session_fresh_ms: int = 900_000
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_secret_file: str = ""
    oidc_name: str = ""
    webhooks_private: bool = False
    mail_host: str = ""
    mail_port: int = 587
    mail_security: str = "starttls"
    mail_user: str = ""
    mail_password_file: str = ""
    mail_from: str = ""
    step_up_shops: str = ""
    log_level: str = "info"
    log_format: str = "text"


class Setting(NamedTuple):
    """One row of the table of settings."""

    name: str
    """The name in `kanhe.toml`; the option is the same with dashes."""
    en: str
    zh: str
    low: int = 0
    high: int = 0
    """The range of a whole number; both 0 where the setting is not a number."""
    choices: tuple[str, ...] = ()

    @property
    def env(self) -> str:
        """The environment variable that sets it."""
        return "KANHE_" + self.name.upper()

    @property
    def default(self) -> str | int | bool:
        """What holds when nobody says otherwise."""
        return cast("str | int | bool", getattr(_DEFAULTS, self.name))


_DEFAULTS = Settings()
_DAY_MS = 86_400_000

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "data_dir",
        "Folder that holds the journal, the snapshots and the keys.",
        "存放事件日志、快照和密钥的目录。",
    ),
    Setting(
        "policy",
        "Folder of the policy pack; empty means the starter pack that is shipped.",
        "策略包所在目录；留空则使用自带的入门策略包。",
    ),
    Setting("host", "Address to listen on.", "监听地址。"),
    Setting(
        "port",
        "Port to listen on; 0 takes any free one.",
        "监听端口；0 表示任选空闲端口。",
        0,
        65_535,
    ),
    Setting(
        "require_keys",
        "Whether callers must send an API key. Without keys Kanhe listens on this machine only.",
        "调用方是否必须携带 API 密钥。不要求密钥时只允许监听本机。",
    ),
    Setting(
        "log_public",
        "Whether everybody may read the transparency log's checkpoint, tiles and entries, without a key.",
        "是否允许任何人无需密钥读取存证日志的检查点、哈希块和条目。",
    ),
    Setting(
        "max_body_bytes",
        "Largest single event, in bytes; also the longest line of a batch.",
        "单个事件的最大字节数；批量请求中每行也受此限制。",
        1_024,
        1_048_576,
    ),
    Setting(
        "max_hook_bytes",
        "Largest notice of a payment provider or shop system, in bytes.",
        "支付机构或店铺系统的单个通知的最大字节数。",
        1_024,
        4_194_304,
    ),
    Setting(
        "hooks_dir",
        "Folder with mappings of notices of your own; one with the name of a built-in takes its place.",
        "自备通知映射所在目录；与自带映射同名的会取而代之。",
    ),
    Setting(
        "max_batch_bytes",
        "Largest batch request, in bytes.",
        "单次批量请求的最大字节数。",
        1_024,
        4_294_967_296,
    ),
    Setting(
        "max_batch_lines",
        "Most lines in one batch request.",
        "单次批量请求的最多行数。",
        1,
        10_000_000,
    ),
    Setting(
        "max_in_flight",
        "Most requests being answered at once; one more gets 503 with Retry-After.",
        "同时处理的请求数上限；超出的请求得到 503 和 Retry-After。",
        1,
        1_000_000,
    ),
    Setting(
        "max_connections",
        "Most open connections; one more gets 503.",
        "连接数上限；超出的连接得到 503。",
        1,
        1_000_000,
    ),
    Setting(
        "head_timeout_ms",
        "How long a client may take to send the head of a request.",
        "客户端发送请求头的时限。",
        100,
        _DAY_MS,
    ),
    Setting(
        "body_timeout_ms",
        "How long a client may take to send a body; in a batch, how long it may pause.",
        "客户端发送请求体的时限；批量请求中为允许停顿的时长。",
        100,
        _DAY_MS,
    ),
    Setting(
        "keep_alive_ms",
        "How long an idle connection is kept open.",
        "空闲连接的保持时间。",
        1_000,
        _DAY_MS,
    ),
    Setting(
        "stop_timeout_ms",
        "How long requests in flight are waited for when stopping.",
        "停止服务时等待处理中请求的时限。",
        0,
        _DAY_MS,
    ),
    Setting(
        "future_tolerance_ms",
        "How far in the future an event may claim to have happened.",
        "事件时间最多可以比当前时间晚多久。",
        0,
        _DAY_MS,
    ),
    Setting(
        "snapshot_every_events",
        "A snapshot of the feature state is written after so many events.",
        "每处理多少个事件写一次特征状态快照。",
        1_000,
        10**12,
    ),
    Setting(
        "snapshot_every_ms",
        "A snapshot is also written after so long, if at least 1,000 events came in between.",
        "每隔多久写一次快照（期间至少有 1,000 个新事件时）。",
        1_000,
        30 * _DAY_MS,
    ),
    Setting(
        "state_limit_mib",
        "Most memory the feature state may take, in MiB. It is taken only as it fills.",
        "特征状态最多可用的内存（MiB）。仅在实际用到时才占用。",
        64,
        1_048_576,
    ),
    Setting(
        "state_reserve_mib",
        "Memory that the feature state takes at the start already, in MiB, so that nobody waits for it later.",
        "特征状态在启动时预先占用的内存（MiB），以免之后的判定因分配内存而等待。",
        0,
        1_048_576,
    ),
    Setting(
        "log_origin",
        "Name of the transparency log, one in the world and for ever: a domain of yours, and a path.",
        "透明日志的名称，须全球唯一且永不更改：由自己的域名加路径组成。",
    ),
    Setting(
        "log_every_ms",
        "How often new rows of the journal are folded into the transparency log.",
        "每隔多久把事件日志的新记录并入透明日志。",
        50,
        60_000,
    ),
    Setting(
        "log_sequencer",
        "Whether `kanhe serve` runs the sequencer beside itself; if not, run `kanhe ledger run`.",
        "kanhe serve 是否同时运行定序进程；若否，请自行运行 kanhe ledger run。",
    ),
    Setting(
        "log_witnesses",
        "File that lists the witnesses to ask, one per line: verifier key and URL. Empty: none.",
        "见证方列表文件，每行一个：验证公钥和 URL；留空表示不设见证方。",
    ),
    Setting(
        "log_cosignatures",
        "How many witnesses must have cosigned before a checkpoint counts as witnessed.",
        "检查点至少要有多少个见证方联署才算已见证。",
        0,
        64,
    ),
    Setting(
        "drift_every_ms",
        "How often drift is looked for beside a server, once a baseline was kept; 0 means never.",
        "保存基线后，服务运行期间检查漂移的间隔；0 表示不检查。",
        0,
        86_400_000,
    ),
    Setting(
        "console",
        "Whether `kanhe serve` runs the console beside itself; if not, run `kanhe console`.",
        "kanhe serve 是否同时运行控制台；若否，请自行运行 kanhe console。",
    ),
    Setting("console_host", "Address the console listens on.", "控制台的监听地址。"),
    Setting(
        "console_port",
        "Port the console listens on; 0 takes any free one.",
        "控制台的监听端口；0 表示任选空闲端口。",
        0,
        65_535,
    ),
    Setting(
        "console_url",
        "Address under which people reach the console, such as https://desk.example.com; passkeys are"
        " bound to its name. Empty: http://localhost and the port, for this machine only.",
        "员工访问控制台的地址，如 https://desk.example.com；通行密钥与其域名绑定。留空表示仅供本机以"
        " http://localhost 加端口访问。",
    ),
    Setting(
        "console_proxies",
        "Addresses or networks of the reverse proxies in front of the console, separated by commas, such"
        " as 127.0.0.1, 10.0.0.0/8: only they are believed when X-Forwarded-For says where somebody is.",
        "控制台前置反向代理的地址或网段，以逗号分隔，如 127.0.0.1, 10.0.0.0/8；只采信它们在 X-Forwarded-For 中"
        "给出的访问者地址。",
    ),
    Setting(
        "session_idle_ms",
        "A session of the console ends when it was not used for so long.",
        "控制台会话闲置多久后自动退出。",
        60_000,
        _DAY_MS,
    ),
    Setting(
        "session_absolute_ms",
        "A session of the console ends after so long, however much it is used.",
        "控制台会话的最长有效时间，到期须重新登录。",
        300_000,
        7 * _DAY_MS,
    ),
    Setting(
        "session_fresh_ms",
        "How long a second factor counts for what is dangerous, such as changing roles.",
        "第二因素验证后多久内可执行高风险操作（如调整角色），超时须重新验证。",
        60_000,
        _DAY_MS,
    ),
    Setting(
        "oidc_issuer",
        "Issuer of the company's single sign-on (OpenID Connect), an https URL. Empty: there is none.",
        "企业单点登录（OpenID Connect）的签发方地址（https）。留空表示不启用。",
    ),
    Setting(
        "oidc_client_id",
        "The id under which Kanhe is known to the single sign-on.",
        "Kanhe 在单点登录系统中注册的客户端 ID。",
    ),
    Setting(
        "oidc_secret_file",
        "File with the secret that belongs to that id, mode 0600. Empty: a public client, with PKCE only.",
        "存放客户端密钥的文件，权限须为 0600。留空表示公共客户端，仅使用 PKCE。",
    ),
    Setting(
        "oidc_name",
        "What the button of the single sign-on says. Empty: the issuer's host.",
        "单点登录按钮上显示的名称。留空则显示签发方域名。",
    ),
    Setting(
        "webhooks_private",
        "Whether webhooks may go to addresses of the own network, and over plain http.",
        "是否允许 Webhook 发往内网地址或使用明文 http。",
    ),
    Setting(
        "mail_host",
        "Mail server that sends notifications to staff. Empty: no mail is sent.",
        "用于向员工发送通知的邮件服务器；留空则不发送邮件。",
    ),
    Setting("mail_port", "Port of the mail server.", "邮件服务器端口。", 1, 65_535),
    Setting(
        "mail_security",
        "How the connection to the mail server is sealed: STARTTLS, TLS from the start, or not at all.",
        "与邮件服务器的连接加密方式：STARTTLS、全程 TLS 或不加密。",
        choices=("starttls", "tls", "none"),
    ),
    Setting(
        "mail_user",
        "Name to sign in to the mail server with. Empty: no sign-in.",
        "登录邮件服务器的用户名；留空则不登录。",
    ),
    Setting(
        "mail_password_file",
        "File (mode 0600) that holds the password for the mail server.",
        "存放邮件服务器密码的文件（权限 0600）。",
    ),
    Setting(
        "mail_from",
        "Address that notifications come from, such as desk@example.com.",
        "通知邮件的发件地址，如 desk@example.com。",
    ),
    Setting(
        "step_up_shops",
        "TOML file that says, for each tenant, how buyers know its shop and on which origins its passkeys"
        " are made. Empty: shops go by the tenant's name, and there are no passkeys for buyers.",
        "TOML 文件，逐租户说明买家所见的店铺名称，以及可使用通行密钥的站点。留空则以租户名作为店铺名，且买家"
        "无法使用通行密钥。",
    ),
    Setting(
        "log_level",
        "How much is logged.",
        "日志级别。",
        choices=("debug", "info", "warning", "error"),
    ),
    Setting(
        "log_format",
        "Log lines for people (text) or for machines (json).",
        "日志格式：便于人读的 text 或便于机器处理的 json。",
        choices=("text", "json"),
    ),
)
"""Every setting, in the order of `docs/settings.md`. A name that ends in `_ms` is a duration: a
whole number of milliseconds, or a text such as `10s`, `5m` or `24h`."""

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def load_settings(
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Gather the settings from `options`, `environ` and the file; `None` among the options is unset.

    The file is the one `KANHE_CONFIG` names (which must then exist), or `kanhe.toml` in `folder`
    (default: the working folder), or none. Raises `SettingsError` that says which name or value
    was wrong, where it stood and what would be accepted.
    """
    environ = environ or {}
    values: dict[str, Any] = {}
    for place, source in (
        _from_file(environ, folder or Path()),
        ("the environment", _from_environ(environ)),
        ("the options", {k: v for k, v in (options or {}).items() if v is not None}),
    ):
        for name, value in source.items():
            values[name] = _accepted(name, value, place)
    settings = Settings(**values)
    if settings.state_reserve_mib > settings.state_limit_mib:
        raise SettingsError(
            f"state_reserve_mib is {settings.state_reserve_mib}, more than state_limit_mib allows"
            f" ({settings.state_limit_mib})"
        )
    return settings


def _from_file(environ: Mapping[str, str], folder: Path) -> tuple[str, dict[str, Any]]:
    named = environ.get(CONFIG_ENV, "")
    path = Path(named) if named else folder / CONFIG_FILE
    try:
        return str(path), tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise SettingsError(f"{CONFIG_ENV} names {path}, which does not exist") from None
        return str(path), {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read settings from {path}: {error}") from None


def _from_environ(environ: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for variable, value in environ.items():
        if variable.startswith("KANHE_") and variable not in _RESERVED_ENV:
            name = variable.removeprefix("KANHE_").lower()
            if name not in _BY_NAME:
                known = [setting.env for setting in SETTINGS]
                raise SettingsError(
                    f"unknown environment variable {variable}" + _nearest(variable, known)
                )
            found[name] = value
    return found


def _accepted(name: str, value: Any, place: str) -> str | int | bool:
    """The value in its own type, or a `SettingsError` that tells what was expected."""
    setting = _BY_NAME.get(name)
    if setting is None:
        raise SettingsError(f"unknown setting {name!r} in {place}" + _nearest(name, _BY_NAME))
    where = f"setting {name!r} in {place}"
    if isinstance(setting.default, bool):
        return _truth(value, where)
    if isinstance(setting.default, int):
        return _number(setting, value, where)
    if not isinstance(value, str):
        raise SettingsError(f"{where} must be a text, not {value!r}")
    if setting.choices and value not in setting.choices:
        raise SettingsError(f"{where} must be one of {', '.join(setting.choices)}, not {value!r}")
    return value


def _truth(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(value, str) and value.strip().lower() in known:
        return known[value.strip().lower()]
    raise SettingsError(f"{where} must be true or false, not {value!r}")


def _number(setting: Setting, value: Any, where: str) -> int:
    is_duration = setting.name.endswith("_ms")
    wanted = f"a whole number from {setting.low} to {setting.high}"
    if is_duration:
        wanted = f"a duration such as 10s or 5m, or {wanted} (milliseconds)"
    number = value
    if isinstance(value, str):
        text = value.strip()
        if text.isascii() and text.isdigit() and len(text) < 16:
            number = int(text)
        elif is_duration:
            try:
                number = duration_ms(text)
            except DurationError:
                number = None
    if not isinstance(number, int) or isinstance(number, bool):
        raise SettingsError(f"{where} must be {wanted}, not {value!r}")
    if not setting.low <= number <= setting.high:
        raise SettingsError(f"{where} must be {wanted}, not {value!r}")
    return number


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else "; see docs/settings.md for all names"
