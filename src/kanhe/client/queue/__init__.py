"""Where events wait until Kanhe has them: in a file that survives, or in memory."""

from kanhe.client.queue.file import FileQueue
from kanhe.client.queue.memory import MemoryQueue
from kanhe.client.queue.ports import Queue, QueueBroken, RefusedEvent, Waiting

__all__ = ["FileQueue", "MemoryQueue", "Queue", "QueueBroken", "RefusedEvent", "Waiting"]
