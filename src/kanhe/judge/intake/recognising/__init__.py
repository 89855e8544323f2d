"""Recognising events: the kernel that reads a group of raw events, and the tables it reads them by.

It is sound and not complete. A row that it accepts is accepted by `Reader.read` too, with the same
canonical bytes; whatever it doubts is read there, which knows all of JSON and says what is wrong.

- `layout`    where everything lies in the tables
- `tables`    the tables of a registry: data, so that another pack needs no other machine code
- `texts`     kernel: the characters of texts, and words that are looked up
- `values`    kernel: numbers, network addresses, what may be a card number
- `kernel`    kernel: members of an object, the checks between them, and their canonical form
"""
