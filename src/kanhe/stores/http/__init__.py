"""What is asked of others over HTTP: witnesses."""
