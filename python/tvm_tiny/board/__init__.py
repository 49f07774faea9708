"""Boards: what a compiled model is built for, loaded on, run and measured on."""

from tvm_tiny.board.catalogue import get_board, list_boards, open_board
from tvm_tiny.board.info import BoardInfo, MemoryRegion, parse_board

__all__ = ["BoardInfo", "MemoryRegion", "get_board", "list_boards", "open_board", "parse_board"]
