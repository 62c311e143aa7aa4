"""`python -m mien` is the command `mien` (which `accelerate launch -m mien` needs)."""

from mien.cli import main

if __name__ == "__main__":
    main()
