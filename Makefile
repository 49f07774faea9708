# The two commands: `make demo` and `make test`. Each sets up what it needs, once: see .ci/setup.
#
#   make PYTHON=python3.12 demo     with another interpreter

PYTHON ?= python3
BIN := .venv/bin
# A stamp's name changes with whatever decides what is installed, so that a change sets up again.
KEY := $(shell cat pyproject.toml CMakeLists.txt .ci/setup | cksum | cut -d' ' -f1)
DEMO_READY := .venv/ready-demo-$(KEY)
DEV_READY := .venv/ready-dev-$(KEY)
CXX_FILES = $(wildcard src/planner/*.cc src/planner/*.h)
C_FILES = $(filter-out $(CXX_FILES),$(shell find src -name '*.[ch]'))
CPPCHECK := cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,performance,portability --suppress=missingIncludeSystem

# Renews the libraries of src/ where their sources changed.
BUILD := cmake --build build

.PHONY: demo test lint pytest clean
.DEFAULT_GOAL := demo

## Compiles the sample model for Cortex-M4 and runs it on the emulated board over the bundled test images.
demo: $(DEMO_READY)
	$(BUILD)
	$(BIN)/python tutorials/01_digits.py

## Everything that CI checks.
test: lint pytest

lint: $(DEV_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/clang-format --dry-run -Werror $(C_FILES) $(CXX_FILES)
# A linker script's symbols are different objects to C, and the loops of a start-up run from one to the other.
# Register variables that are bound to a name, before inline assembly, are taken for array accesses without a use.
	$(CPPCHECK) --std=c99 --suppress=comparePointers:src/firmware/startup.c \
	  '--suppress=constStatement:src/runtime/tvm_tiny/runtime/dsp*.h' '--suppress=constStatement:src/runtime/tvm_tiny/runtime/mve*.h' $(C_FILES)
	$(CPPCHECK) --language=c++ --std=c++17 '-DTVM_FFI_STATIC_INIT_BLOCK()=static void Register()' $(CXX_FILES)

pytest: $(DEV_READY)
	$(BUILD)
	$(BIN)/python -m pytest -n 2 --dist loadfile --require-models

$(DEMO_READY):
	PYTHON=$(PYTHON) .ci/setup demo
	touch $@

$(DEV_READY):
	PYTHON=$(PYTHON) .ci/setup dev
	touch $@ $(DEMO_READY)

clean:
	rm -rf build dist .venv
