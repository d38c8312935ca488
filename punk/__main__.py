"""Makes `python -m punk` the `punk` command."""

import sys

from punk.cli import main

sys.exit(main())
