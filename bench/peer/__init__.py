"""The same job from parts off the shelf: FastAPI, pydantic, Redis with Lua, zen-engine, SQLite.

Nobody's product: what a good team would put together in a few weeks. One request is validated, its
five entities' windows are updated and read in one atomic round trip to Redis, a decision table of a
hundred rows is asked, and the decision is durable in SQLite before it is answered.
"""
