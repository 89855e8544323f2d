"""Pictures as they were drawn: vectors need no smaller copies."""

from oscar.core.thumbnails import AbstractThumbnailer


class AsDrawn(AbstractThumbnailer):
    """Shows the original in every size."""

    def generate_thumbnail(self, source, **opts):
        """The picture itself."""
        return source

    def delete_thumbnails(self, source):
        """There are none."""
