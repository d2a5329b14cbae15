"""`python -m amls`: the command line."""

from amls.command import main

if __name__ == "__main__":
    main()
