"""The process that serves one board: ``python -m tvm_tiny.farm.worker``, which :mod:`tvm_tiny.farm.serve` starts and watches.

It reads what to serve as one line of JSON from standard input, tells its parent lines of JSON on standard output, and ends when
standard input does: when its parent has gone.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from typing import Any

from tvm_tiny.board.catalogue import open_board
from tvm_tiny.farm.service import note, register
from tvm_tiny.farm.tracker import key_of
from tvm_tiny.farm.wire import info_of, versions

PORTS = 200
"""How many ports are tried, from the first one on."""


def main() -> None:
    """Serve until the parent goes or TVM's server ends, which it does if it loses the tracker for a minute."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to handle
    order = json.loads(_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.excepthook = _tell
    # Sessions are forked: what is registered here is there, too.
    multiprocessing.set_start_method("fork", force=True)
    from tvm.rpc.server import PopenRPCServerState

    info = info_of(order["board"])
    open_board(info)  # imports once what each session needs
    versions()
    register(info)
    try:
        # What tvm.rpc.Server starts in a process of its own; this is that process.
        state = PopenRPCServerState(
            order["host"],
            order["port"],
            order["port"] + PORTS,
            tracker_addr=(order["tracker"][0], order["tracker"][1]),
            key=key_of(order["name"]),
            custom_addr=order["address"],
            silent=True,
        )
    except (OSError, ValueError) as error:
        _say({"failed": f"no port can be had on {order['host']} from {order['port']} on: {error}"})
        return
    _say({"port": state.port})
    state.thread.join()
    os._exit(1)


def _line() -> bytes:
    # Not through sys.stdin: a session's process, which closes that first, would find it locked by the thread below.
    found = b""
    while not found.endswith(b"\n"):
        piece = os.read(0, 1 << 16)
        if not piece:
            os._exit(0)
        found += piece
    return found


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


def _tell(arguments: Any) -> None:
    note(f"the server ended: {arguments.exc_type.__name__}: {arguments.exc_value}")


def _say(value: dict[str, Any]) -> None:
    os.write(1, (json.dumps(value) + "\n").encode())


if __name__ == "__main__":
    main()
