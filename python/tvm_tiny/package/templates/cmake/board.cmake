# Firmware that runs each model on a sample and prints PASS:
#
#   cmake -S . -B build && cmake --build build
#
# The cross compiler is arm-none-eabi-gcc; with -DTVM_TINY_COMPILER=clang it is clang, and gcc links.
cmake_minimum_required(VERSION 3.20)

set(TVM_TINY_CORE @core@ CACHE STRING "The core that the firmware is for")
if(NOT DEFINED CMAKE_TOOLCHAIN_FILE)
  set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/cmake/arm-none-eabi.cmake)
endif()
project(@project@_firmware LANGUAGES C)

@subdirectories@

add_executable(firmware main.c @support@)
set_target_properties(firmware PROPERTIES SUFFIX .elf)
target_include_directories(firmware PRIVATE firmware)
target_compile_options(firmware PRIVATE -std=c99 -Os -Wall -Wextra)
foreach(_model @libraries@)
  target_link_libraries(firmware PRIVATE ${_model}_example)
endforeach()
target_link_libraries(firmware PRIVATE m)
target_link_options(firmware PRIVATE -nostartfiles -T ${CMAKE_CURRENT_SOURCE_DIR}/firmware/link.ld
                    -Wl,-Map=firmware.map -Wl,--print-memory-usage)
set_target_properties(firmware PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/firmware/link.ld)

# The emulated board, where there is one.
set(TVM_TINY_EMULATOR @emulator@)
if(TVM_TINY_EMULATOR)
  add_custom_target(run COMMAND ${TVM_TINY_EMULATOR} $<TARGET_FILE:firmware> DEPENDS firmware USES_TERMINAL VERBATIM)
  enable_testing()
  add_test(NAME sample COMMAND ${TVM_TINY_EMULATOR} $<TARGET_FILE:firmware>)
  set_tests_properties(sample PROPERTIES PASS_REGULAR_EXPRESSION "^PASS|\nPASS" FAIL_REGULAR_EXPRESSION "FAIL" TIMEOUT 300)
endif()
