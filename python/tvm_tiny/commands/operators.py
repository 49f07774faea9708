"""placeholder"""

from tvm_tiny.commands.verb import Verb

VERB = Verb("operators", "x", ("x",), lambda _p: None, lambda _o: None)
