"""Makes the sample model and its test images again: ``python -m tvm_tiny.testing.digits --output FOLDER``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from tvm_tiny.testing.digits.export import to_int8, to_onnx
from tvm_tiny.testing.digits.train import EPOCHS, load_digits, train


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tvm_tiny.testing.digits", description="Trains and quantises the digits model.")
    parser.add_argument("--output", type=Path, required=True, help="folder for digits.onnx and digits_test.npz")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    digits = load_digits()
    layers = train(digits, epochs=arguments.epochs, seed=arguments.seed, progress=_report)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "digits.onnx").write_bytes(to_int8(to_onnx(layers), digits.train_images))
    np.savez_compressed(arguments.output / "digits_test.npz", images=digits.test_images, labels=digits.test_labels)


def _report(epoch: int, loss: float) -> None:
    sys.stderr.write(f"\repoch {epoch + 1:3d}  loss {loss:.3f}")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
