"""`python -m freejac` is `freejac`."""

from freejac.cli import main

if __name__ == "__main__":
    main()
