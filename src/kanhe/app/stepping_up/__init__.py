"""Step-up for buyers: the store, the rules of `protect.access.step_up`, and who sends, put together.

- `shops`: what is set up for each tenant.
- `room`: what everything here is done with.
- `enrolling`: a buyer's own factors.
- `asking`: asking a buyer, judging the answer, redeeming it; `answers`: what they answer with.
- `opening`: an installation's step-up, from settings.

Everything here blocks: it writes to a disk and speaks with a mail server. Whoever has an event loop
calls it from threads.
"""
