"""Oscar's search under its own label."""

from oscar.apps.search import apps


class SearchConfig(apps.SearchConfig):
    """Oscar looks for `views` here first."""

    name = "shop.search"
