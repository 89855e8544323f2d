"""Reports as pages: one HTML file each, with nothing outside of it and no script.

- `plots`: figures become places on a drawing; the templates draw them.
- `backtest_page`, `backtest.html`: what `kanhe backtest --html` writes.

Templates escape every value; names of rules and ids of events come from outside.
"""

from __future__ import annotations

from kanhe.serve.cli.reports.backtest_page import backtest_page

__all__ = ["backtest_page"]
