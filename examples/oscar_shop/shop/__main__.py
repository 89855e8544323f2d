"""`python -m shop PORT` serves the shop on this machine."""

import sys

import uvicorn

if __name__ == "__main__":
    uvicorn.run(
        "shop.asgi:application", host="127.0.0.1", port=int(sys.argv[1]), log_level="warning",
        access_log=False, lifespan="off",
    )  # fmt: skip
