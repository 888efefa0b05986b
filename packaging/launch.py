"""Where the frozen lab begins; PyInstaller wants a file, not a module."""

import sys

from prayog.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
