"""django-oscar, connected to Kanhe: an installable Django app.

What a shop made with oscar does is told to Kanhe as it happens, and what Kanhe answers is acted on: a
denied payment keeps its basket, a challenged one is confirmed by a second factor that is bound to
amount, payee and order, a doubtful one becomes an order that is held until a person has looked.

- `configuration`: the setting `KANHE`.
- `middleware`, `visit`: who is there, on which device, and where signals find that out.
- `connection`: the client of this process; nothing that goes wrong with it breaks a page.
- `telling`: oscar's objects as events.
- `login`: a session is handed over after the answer, and not before.
- `checkout`: the mixin for a shop's `PaymentDetailsView`.
- `second_factor`, `confirming`: asking somebody to confirm, and the pages for it.
- `holding`: orders that wait for a person, and their way back.
- `receivers`: signals of Django and oscar.
- `webhook`: what the desk tells.
"""
