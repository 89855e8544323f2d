"""What leaves for the outside: how it is signed, where it may go, and when it is tried again."""
