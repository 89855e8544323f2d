"""The command line: `kanhe`.

- `commands`: every command, its options and help; each imports what it needs when it runs, so that
  `kanhe --help` is quick.
- `options`: those that many commands have.
- `wording`: what is said to people, from `phrases`, in English and Chinese.
- `terminal`: tables, JSON, errors and exit codes.
- `serving`, `deciding`, `importing`, `keyring`, `hooks`, `packs`, `listing`, `doctor`, `demo`, `replaying`,
  `labelling`, `backtesting`, `tuning`, `datasets`, `evaluating`, `modelling`, `drifting`, `ledger`,
  `policy_life`, `policy_desk`, `beside`, `sequencing`, `erasing`, `staff`, `witness`: the work.

Exit codes: 0 fine, 1 some input was refused or a check failed, 2 wrong usage or settings, 3 storage.
"""

from __future__ import annotations

from importlib.util import find_spec


def __getattr__(name: str) -> object:
    """`app`: the commands as one Typer application, made when asked for."""
    if name == "app":
        from kanhe.serve.cli.commands import build

        return build()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """The entry point: run one command and end the process with its exit code."""
    if find_spec("typer") is None:
        raise SystemExit(
            "kanhe: only the client is installed here; the platform comes with: pip install 'kanhe[server]'\n"
            "kanhe: 这里只装了客户端；安装完整平台：pip install 'kanhe[server]'"
        )
    from kanhe.serve.cli.entry import run

    raise SystemExit(run())
