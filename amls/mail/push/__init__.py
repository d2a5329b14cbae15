"""Notices on a person's devices (Web Push): what a mail of some kinds has told is said there too, once."""
