"""Bridges to other tools, each of which is loaded only where it is used."""
