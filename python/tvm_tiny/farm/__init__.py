"""A farm: boards on several machines, shared through TVM's RPC tracker and servers.

Whoever has boards serves them (:func:`serve`). Whoever needs some takes them by name (:func:`boards_of`), each for one measurement.
"""

from tvm_tiny.farm.remote import RemoteBoard, boards_of, remote_board
from tvm_tiny.farm.serve import serve
from tvm_tiny.farm.tracker import Address, shared_boards

__all__ = ["Address", "RemoteBoard", "boards_of", "remote_board", "serve", "shared_boards"]
