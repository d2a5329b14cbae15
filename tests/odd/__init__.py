"""Odd input for every address, parameter, field, header and cookie of the site, and what must not come of it."""
