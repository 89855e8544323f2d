"""A payment gateway that takes no money: it behaves as gateways do, on this machine alone.

`cards.py` knows the test cards, `book.py` keeps what happened in a file of its own, `notices.py` tells
the shop what banks do later, `pages.py` is the card form that the shop shows in a frame, and
`application.py` answers HTTP. The shop speaks to it over HTTP only and never sees a card number.
"""
