import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.version import __version__

from .compilers import CLANG, CPP_COMPILERS, HOST_GCC, Compiler, name_of
from .harness import write
from .programs import every_kind, generated


def macros(text: str) -> dict[str, str]:
    return dict(re.findall(r"^#define (\w+) (.+)$", text, re.M))


def test_macros_say_what_the_module_says() -> None:
    program = every_kind()
    module = generated(program)
    found = macros(module.files["every.h"])
    assert found.pop("EVERY_ARENA_SIZE") == f"{module.arena_size}u"
    assert found.pop("EVERY_ARENA_ALIGNMENT") == "16u"
    assert found.pop("EVERY_TVM_TINY_VERSION") == f'"{__version__}"'
    assert re.fullmatch('"[0-9a-f]{16}"', found.pop("EVERY_CONTENT_HASH"))
    assert found.pop("EVERY_WEIGHTS_SIZE") == f"{4 * 18 + 4 * 4 + 5}u"
    for spec, member in zip((*program.inputs, *program.outputs), (*module.input_members, *module.output_members), strict=True):
        stem = f"EVERY_{member.upper()}"
        assert found.pop(f"{stem}_SIZE") == f"{spec.nbytes}u"
        assert found.pop(f"{stem}_ELEMENTS") == f"{spec.size}u"
        offset = int(found.pop(f"{stem}_OFFSET")[:-1])
        assert offset % np.dtype(spec.dtype).itemsize == 0
        assert offset + spec.nbytes <= module.arena_size
        if spec.scale is not None:
            assert np.float32(found.pop(f"{stem}_SCALE")[:-1]) == np.float32(spec.scale)
            assert int(found.pop(f"{stem}_ZERO_POINT").strip("()")) == spec.zero_point
    assert not found


def test_members_in_the_order_of_the_module() -> None:
    module = generated(every_kind())
    text = module.files["every.h"]
    for kind, names in (("inputs", module.input_members), ("outputs", module.output_members)):
        struct = re.search(rf"struct every_{kind} {{\n(.*?)}};", text, re.S)
        assert struct
        assert tuple(re.findall(r"\*(\w+);", struct[1])) == names
    assert module.input_members == ("serving_default_x_0", "int_", "mask")
    assert module.output_members == ("inputs", "serving_default_x_0_2", "output_2", "m_7")


@pytest.mark.parametrize("compiler", CPP_COMPILERS, ids=name_of)
def test_headers_are_cpp(compiler: Compiler, tmp_path: Path) -> None:
    write(generated(every_kind()), tmp_path)
    user = tmp_path / "user.cc"
    user.write_text(
        '#include "every.h"\n#include "every_weights.h"\n#include "tvmgen_every.h"\n#include "every.h"\n'
        'static_assert(EVERY_SERVING_DEFAULT_X_0_SIZE == 30, "a constant expression");\n'
        "bool works(void *arena);\n"
        "bool works(void *arena) { return every_run(arena, nullptr, nullptr) == EVERY_OK && every_conv2d_0_weight[0] != 0; }\n"
    )
    compiler.check([user], [tmp_path])
    compiler.check([user], [tmp_path], "-DTVM_TINY_WORKSPACE_POOLS")
    compiler.check([user], [tmp_path], "-DTVM_TINY_WORKSPACE_IO")


def test_cpp_program_links_with_c_objects(tmp_path: Path) -> None:
    module = generated(every_kind())
    write(module, tmp_path)
    (tmp_path / "main.cc").write_text(
        '#include <cstdio>\n#include "every.h"\n#include "tvmgen_every.h"\n'
        "alignas(EVERY_ARENA_ALIGNMENT) static unsigned char arena[EVERY_ARENA_SIZE];\n"
        'int main() { std::printf("%d\\n", static_cast<int>(every_run(arena, nullptr, nullptr))); }\n'
    )
    for source in module.sources:
        HOST_GCC.run(f"-I{tmp_path}", "-c", tmp_path / source, "-o", tmp_path / f"{source}.o")
    objects = [tmp_path / f"{source}.o" for source in module.sources]
    Compiler("g++", "g++", ("-std=c++11",)).run(f"-I{tmp_path}", tmp_path / "main.cc", *objects, "-o", tmp_path / "main")
    assert subprocess.run([tmp_path / "main"], capture_output=True, text=True).stdout == "0\n"


def test_sizes_can_be_used_by_the_preprocessor(tmp_path: Path) -> None:
    write(generated(every_kind()), tmp_path)
    user = tmp_path / "user.c"
    user.write_text(
        '#include "every.h"\n#if EVERY_ARENA_SIZE > 1000000 || EVERY_SERVING_DEFAULT_X_0_ZERO_POINT != -3\n#error "wrong"\n#endif\n'
        "extern int something;\n"
    )
    CLANG.check([user], [tmp_path])
