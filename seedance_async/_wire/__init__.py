"""How it is done: clock, protocol, retry, limits and transport. Nothing here is imported by users."""
