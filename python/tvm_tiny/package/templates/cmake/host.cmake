# A program that runs each model on a sample and prints PASS:
#
#   cmake -S . -B build && cmake --build build && build/example
cmake_minimum_required(VERSION 3.20)
project(@project@_example LANGUAGES C)

@subdirectories@

add_executable(example main.c host/console.c)
target_include_directories(example PRIVATE host)
foreach(_model @libraries@)
  target_link_libraries(example PRIVATE ${_model}_example)
endforeach()
find_library(TVM_TINY_LIBM m)
if(TVM_TINY_LIBM)
  target_link_libraries(example PRIVATE ${TVM_TINY_LIBM})
endif()

enable_testing()
add_test(NAME sample COMMAND example)
