"""The HTTP interface.

- `application`: which path leads where, and the boundary that turns every error into a problem.
- `access`: who is calling, what they may do, how fast.
- `single`, `batch`: one event, or a stream of lines, judged and answered once durable.
- `grouping`: many waiting requests, judged together, one durable write.
- `connection`: a shorter way for events that arrive whole. `whole`: what their routes do with them.
  `exchange`: such a request and its answer. `heads`: those that need not be parsed again.
- `intake`: what every way in for events shares. `intake_limits`: bodies within their size and time.
- `log`: receipts, and the published files of the log.
- `lists`, `openapi`, `counters`: the list entries, the description of it all, the metrics.
- `server`: the process around it: sockets, signals, time limits, snapshots.
"""
