"""What came in: the registry of event types, and the reader that accepts or refuses.

- `declarations`  what a field and an event type are
- `vocabulary`    the fields of the built-in types
- `catalogue`     the built-in types (`shopping`, `payments`, `delivery`, `oversight`)
- `registry`      types and fields made into classes; a shop's own are added here
- `reader`        bytes to events, fast
- `recogniser`    most events of a group at once, by a kernel (`recognising`)
- `group`, `cells` the events of a group as columns
- `refusals`      what is said when bytes are not accepted, field by field
- `cloudevents`   the CloudEvents 1.0 envelope
- `custom`        a shop's own types, read from its policy pack
- `reference`     the documentation of all of it, written from the registry
"""
