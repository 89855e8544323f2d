"""Every port, per technology."""
