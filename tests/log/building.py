"""Builds the judge that nobody here wrote much of: Go's transparency log, from `judge/`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "judge"


def build_judge(target: Path) -> Path:
    """Build the judge at `target`; skips the test where Go or the one module it needs is not to be had."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("the Go toolchain is not installed: Go has not judged the log")
    # The module is pinned by hash in go.sum; no other toolchain is fetched for it.
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [go, *args], cwd=SOURCE, env=environment, capture_output=True, text=True, timeout=120
        )

    try:
        fetched = run("mod", "download")
    except subprocess.TimeoutExpired:
        pytest.skip("golang.org/x/mod did not come within two minutes: Go has not judged the log")
    if fetched.returncode:
        why = fetched.stderr.strip()[-300:]
        pytest.skip(f"golang.org/x/mod is not to be had: Go has not judged the log: {why}")
    built = run("build", "-mod=readonly", "-buildvcs=false", "-o", str(target), ".")
    assert built.returncode == 0, built.stderr
    return target
