"""From handwritten digits to C on a microcontroller: train, quantise, compile, run, look.

    python tutorials/01_digits.py            with the model that comes with the package
    python tutorials/01_digits.py --train    train and quantise it first, half a minute

The microcontroller is an Arm board with a Cortex-M4 that QEMU emulates, so nothing but this machine is needed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

import tvm_tiny
from tvm_tiny.compiled import CompiledModel, Run
from tvm_tiny.errors import MismatchError, TinyError
from tvm_tiny.report.confusion import confusion_matrix, plot_confusion
from tvm_tiny.report.table import fields_text
from tvm_tiny.report.text import layers_text, memory_text
from tvm_tiny.testing.digits import digits_model_path, digits_test_set
from tvm_tiny.testing.reference import reference_for

BOARD, TARGET = "mps2-an386", "cortex-m4"
LEAST_ACCURACY = 0.97
CHAPTERS = ("Train", "Quantise", "Compile", "Run", "Look")


def main() -> None:
    options = command_line()
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = digits_test_set()

    path = bundled_model() if options.train is None else trained_model(folder, options.train)
    model = tvm_tiny.load(path)
    compiled = compiled_model(model, folder / "c")
    run = run_on_board(compiled, images)
    expected = reference_probabilities(model, images)
    look(run, expected, labels, folder)


# ---- 1 and 2: a float network, and the same network in int8 ----------------------------------------------------------


def bundled_model() -> Path:
    """The model in the package, which ``--train`` makes again."""
    path = digits_model_path()
    chapter("Train")
    say("Taken from the package: a CNN of 4 convolutions, trained on 1,347 of scikit-learn's 1,797 digits. --train does it anew.")
    chapter("Quantise")
    say(f"Taken from the package: int8 in ONNX's QDQ format, {path.stat().st_size:,} bytes.")
    return path


def trained_model(folder: Path, epochs: int) -> Path:
    """Train on the digits that are not held out, then round weights and activations to int8."""
    from tvm_tiny.testing.digits.export import CALIBRATION_IMAGES, to_int8, to_onnx
    from tvm_tiny.testing.digits.train import forward, load_digits, train

    digits = load_digits()
    chapter("Train")
    say(f"A CNN of 4 convolutions on {len(digits.train_images):,} images of 8 x 8 pixels, {epochs} epochs of Adam in NumPy.")
    layers = train(digits, epochs=epochs, progress=lambda epoch, loss: tell_epoch(epoch + 1, epochs, loss))
    right = np.mean(forward(layers, digits.test_images).argmax(1) == digits.test_labels)
    say(f"Right, in float32, on the {len(digits.test_images)} held-out images: {right:.1%}.")

    chapter("Quantise")
    path = folder / "digits.onnx"
    path.write_bytes(to_int8(to_onnx(layers), digits.train_images))
    say(f"Scales from {CALIBRATION_IMAGES} training images, one per channel of the weights: {path}, {path.stat().st_size:,} bytes.")
    return path


def tell_epoch(epoch: int, epochs: int, loss: float) -> None:
    if epoch % 10 == 0 or epoch == epochs:
        say(f"epoch {epoch:2d} of {epochs}, loss {loss:.3f}")


# ---- 3: the network becomes C ----------------------------------------------------------------------------------------


def compiled_model(model: tvm_tiny.Model, folder: Path) -> CompiledModel:
    """One C function for each layer, the weights, a header, and a plan of the memory."""
    chapter("Compile")
    compiled = tvm_tiny.compile(model, target=TARGET)
    compiled.save(folder)
    lines = sum(text.count("\n") for name, text in compiled.module.files.items() if "/" not in name)
    say(f"For {TARGET}, {len(compiled.module.layers)} layers in {lines:,} lines of C99. Start reading at {folder / model.name}.h.")
    return compiled


# ---- 4: the C runs ---------------------------------------------------------------------------------------------------


def run_on_board(compiled: CompiledModel, images: np.ndarray) -> Run:
    """Build a firmware, start the board once, and classify every image on it."""
    chapter("Run")
    say(f"{len(images)} images, one by one, on the emulated board {BOARD} ...")
    (image_input,) = compiled.inputs
    run = compiled.run([{image_input.name: image.reshape(image_input.shape)} for image in images], board=BOARD)
    print(layers_text(run.report))
    print()
    print(memory_text(run.report))
    return run


# ---- 5: is it right, and what does it get wrong? ---------------------------------------------------------------------


def reference_probabilities(model: tvm_tiny.Model, images: np.ndarray) -> np.ndarray:
    """What ONNX Runtime makes of the same model on this machine; it shares no code with the C."""
    reference, (image_input,), (output,) = reference_for(model), model.inputs, model.outputs
    return np.stack([reference.run({image_input.name: image.reshape(image_input.shape)})[output.name].ravel() for image in images])


def look(run: Run, expected: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    """Compare with ONNX Runtime and with the truth, and draw the confusion matrix."""
    chapter("Look")
    report = folder / "report.json"
    report.write_text(json.dumps(run.report, indent=2) + "\n")
    (name,) = run.outputs[0]
    probabilities = np.stack([output[name].ravel() for output in run.outputs])
    predictions = probabilities.argmax(1)

    matrix = confusion_matrix(labels, predictions, classes=10)
    picture = plot_confusion(matrix, folder / "confusion.png", title=f"Handwritten digits, int8, on {BOARD} ({TARGET})")
    accuracy = check(predictions, expected.argmax(1), labels)

    same = np.mean(probabilities == expected)
    print(
        fields_text(
            [
                ("accuracy", f"{accuracy:.1%}", f"{np.trace(matrix)} of {len(labels)} held-out images"),
                (
                    "agreement",
                    f"{1:.1%}",
                    f"of the predictions with ONNX Runtime; of the probabilities {same:.2%}",
                ),
                ("C", str(folder / "c"), ""),
                ("report", str(report), ""),
                ("picture", str(picture), ""),
            ]
        )
    )


def check(predictions: np.ndarray, expected: np.ndarray, labels: np.ndarray) -> float:
    """The accuracy; an error where a prediction is not ONNX Runtime's, or too few of them are right."""
    differing = np.flatnonzero(predictions != expected)
    if differing.size:
        first = differing[0]
        raise MismatchError(
            f"{differing.size} of {len(labels)} predictions differ from ONNX Runtime's: the first is that of image {first}, "
            f"{predictions[first]} on {BOARD}, {expected[first]} in ONNX Runtime"
        )
    accuracy = float(np.mean(predictions == labels))
    if accuracy < LEAST_ACCURACY:
        raise MismatchError(f"{accuracy:.1%} of the predictions are right: expected at least {LEAST_ACCURACY:.0%}")
    return accuracy


# ---- telling the story -----------------------------------------------------------------------------------------------


def chapter(title: str) -> None:
    print(f"\n{CHAPTERS.index(title) + 1}. {title}", flush=True)


def say(line: str) -> None:
    print(f"  {line}", flush=True)


def command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="From handwritten digits to C on an emulated Cortex-M4.")
    parser.add_argument(
        "--train",
        metavar="EPOCHS",
        type=int,
        nargs="?",
        const=60,
        help="train (60 epochs where no number is given) and quantise anew, instead of taking the bundled model",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("build/demo"), help="folder of all that is written (default: build/demo)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except (TinyError, OSError) as error:
        sys.exit(f"error: {error}")
