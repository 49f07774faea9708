"""``python -m tvm_tiny`` is the ``tvm-tiny`` command."""

import sys

from tvm_tiny.cli import main

sys.exit(main())
