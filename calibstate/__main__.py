"""``python -m calibstate``."""

import os
import sys

# Python looks for modules in the working directory first, which may be the
# checkout of a pull request.  What was asked for by PYTHONPATH stays.
if not sys.flags.safe_path and sys.path[:1] in ([""], [os.getcwd()]):  # noqa: PTH109
    del sys.path[0]

from .cli.main import main

if __name__ == "__main__":
    main()
