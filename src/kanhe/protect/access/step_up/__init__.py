"""Step-up for buyers: how somebody who is about to pay shows that it is they.

- `binding`: what a step-up is bound to, and the bytes that stand for it.
- `records`: a factor of a buyer and a step-up, as they are kept.
- `codes`: codes that are sent, and how typed ones are read.
- `limits`: how long, how often, and who waits.
- `rules`: which methods are offered, what closes a step-up, who must prove what before a factor
  changes.
- `letters`: what a letter with a code says, and the port that hands it over.

Nothing here reads a clock or draws chance; all of it is asked by `kanhe.app.stepping_up`.
"""
