# find_package(tvm_tiny) for projects that compile models as part of their own build:
#
#   find_package(tvm_tiny REQUIRED)                       # cmake -Dtvm_tiny_DIR=$(tvm-tiny --cmake-dir) ...
#   tvm_tiny_add_model(kws MODEL kws.tflite TARGET cortex-m4)
#   target_link_libraries(firmware PRIVATE kws)           # #include "kws.h"
#
# TVM_TINY_COMMAND  the command tvm-tiny; found on PATH and beside this package's Python by default. A list is allowed:
#                   "python3;-m;tvm_tiny".

if(NOT TVM_TINY_COMMAND)
  find_program(TVM_TINY_COMMAND tvm-tiny HINTS ${CMAKE_CURRENT_LIST_DIR}/../../../../../../bin $ENV{VIRTUAL_ENV}/bin)
endif()
if(NOT TVM_TINY_COMMAND)
  set(tvm_tiny_FOUND FALSE)
  set(tvm_tiny_NOT_FOUND_MESSAGE
      "the command tvm-tiny is not on PATH: install it (pip install tvm-tiny), or pass -DTVM_TINY_COMMAND=/path/to/tvm-tiny")
  return()
endif()

include(${CMAKE_CURRENT_LIST_DIR}/TvmTinyAddModel.cmake)
set(tvm_tiny_FOUND TRUE)
