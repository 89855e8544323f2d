"""`python -m gateway --file gateway.db --port 8083 …`: the gateway as a process of its own."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import uvicorn

from .application import Keys, gateway_app
from .book import Book
from .notices import Teller


def main() -> None:
    """Serve until told to stop. Keys come by the environment: command lines can be read by others."""
    parser = argparse.ArgumentParser(prog="gateway")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--shop", required=True, help="origin of the shop, such as http://127.0.0.1:8082"
    )
    chosen = parser.parse_args()
    book = Book(chosen.file)
    keys = Keys(
        os.environ["GATEWAY_PUBLISHABLE_KEY"], os.environ["GATEWAY_SECRET_KEY"], chosen.shop
    )
    teller = Teller(book, f"{chosen.shop}/gateway/notices/", os.environ["GATEWAY_NOTICE_SECRET"])
    teller.start()
    try:
        uvicorn.run(
            gateway_app(book, keys), host="127.0.0.1", port=chosen.port, log_level="warning",
            access_log=False,
        )  # fmt: skip
    finally:
        teller.stop()
        book.close()


if __name__ == "__main__":
    main()
