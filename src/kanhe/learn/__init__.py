"""What is learned away from the path of an event: labels, training sets.

- `labels`: what is known about one event, and about all of them.
- `dataset`: training sets.
- `judged`: a past decided under a pack, as columns; `truth`: what is held to be true of it.
- `backtest`: what a pack would have caught, missed and refused, in events and in money.
- `intervals`: how sure a figure is.

Nothing here runs in the process that judges. Files come in and go out through ports.
"""
