#!/usr/bin/env python
"""Django's command line for AMLS."""

from amls.command import main

if __name__ == "__main__":
    main()
