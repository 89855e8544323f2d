"""Judge: what is this event?"""
