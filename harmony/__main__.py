"""``python -m harmony``: the same as the command ``harmony``."""

import sys

from harmony.cli import main

if __name__ == "__main__":
    sys.exit(main())
