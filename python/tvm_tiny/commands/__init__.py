"""The verbs of the ``tvm-tiny`` command: one file each, with its options, its help and what it prints."""
