# Toolchain file for bare-metal Cortex-M with arm-none-eabi-gcc, for tvm_tiny's firmware and for projects of your own:
#
#   cmake -S . -B build -DCMAKE_TOOLCHAIN_FILE=arm-none-eabi.cmake -DTVM_TINY_CORE=cortex-m4
#
# TVM_TINY_CORE          a target of tvm_tiny: cortex-m0, cortex-m0plus, cortex-m3, cortex-m4, cortex-m7, cortex-m33, cortex-m55,
#                        cortex-m85. Required.
# TVM_TINY_CROSS_PREFIX  what stands before "gcc", with a path if it is not on PATH; default "arm-none-eabi-".
# TVM_TINY_COMPILER      "gcc" (default), or "clang": then clang compiles C, with the headers of gcc's C library, and gcc links.

# CMake reads this file again for each of its test compilations: these variables must reach those too.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TVM_TINY_CORE TVM_TINY_CROSS_PREFIX TVM_TINY_COMPILER)

# The same flags as in tvm_tiny/target/cortex_m.py.
set(_flags_cortex-m0 -mcpu=cortex-m0 -mthumb -mfloat-abi=soft)
set(_flags_cortex-m0plus -mcpu=cortex-m0plus -mthumb -mfloat-abi=soft)
set(_flags_cortex-m3 -mcpu=cortex-m3 -mthumb -mfloat-abi=soft)
set(_flags_cortex-m4 -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16)
set(_flags_cortex-m7 -mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-d16)
set(_flags_cortex-m33 -mcpu=cortex-m33 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16)
set(_flags_cortex-m55 -mcpu=cortex-m55 -mthumb -mfloat-abi=hard)
set(_flags_cortex-m85 -march=armv8.1-m.main+mve.fp+fp.dp -mthumb -mfloat-abi=hard)

if(NOT DEFINED _flags_${TVM_TINY_CORE})
  message(FATAL_ERROR "TVM_TINY_CORE is \"${TVM_TINY_CORE}\": expected one of cortex-m0, cortex-m0plus, cortex-m3, cortex-m4, "
                      "cortex-m7, cortex-m33, cortex-m55, cortex-m85 (pass -DTVM_TINY_CORE=cortex-m4)")
endif()

if(NOT DEFINED TVM_TINY_CROSS_PREFIX)
  set(TVM_TINY_CROSS_PREFIX arm-none-eabi-)
endif()

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER ${TVM_TINY_CROSS_PREFIX}gcc)
set(CMAKE_CXX_COMPILER ${TVM_TINY_CROSS_PREFIX}g++)
set(CMAKE_ASM_COMPILER ${TVM_TINY_CROSS_PREFIX}gcc)

if(TVM_TINY_COMPILER STREQUAL "clang")
  set(CMAKE_C_COMPILER clang)
  set(CMAKE_C_COMPILER_TARGET arm-none-eabi)
  set(CMAKE_AR ${TVM_TINY_CROSS_PREFIX}ar)
  set(CMAKE_RANLIB ${TVM_TINY_CROSS_PREFIX}ranlib)
  # The folder of stdint.h, string.h and math.h lies beside that of the library.
  execute_process(COMMAND ${TVM_TINY_CROSS_PREFIX}gcc -print-file-name=libc.a OUTPUT_VARIABLE _libc OUTPUT_STRIP_TRAILING_WHITESPACE)
  get_filename_component(_libc ${_libc} REALPATH)
  get_filename_component(_libc ${_libc} DIRECTORY)
  set(CMAKE_C_STANDARD_INCLUDE_DIRECTORIES ${_libc}/../include)
  set(CMAKE_C_LINK_EXECUTABLE
      "${TVM_TINY_CROSS_PREFIX}gcc <CMAKE_C_LINK_FLAGS> <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")
elseif(DEFINED TVM_TINY_COMPILER AND NOT TVM_TINY_COMPILER STREQUAL "gcc")
  message(FATAL_ERROR "TVM_TINY_COMPILER is \"${TVM_TINY_COMPILER}\": expected gcc or clang")
endif()

list(JOIN _flags_${TVM_TINY_CORE} " " _flags)
# One section for each function and object, so that the linker drops what is not called.
foreach(_language C CXX)
  set(CMAKE_${_language}_FLAGS_INIT "${_flags} -ffunction-sections -fdata-sections")
endforeach()
set(CMAKE_ASM_FLAGS_INIT "${_flags}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "${_flags} -Wl,--gc-sections")

# A bare-metal program does not link without a linker script, so the compiler is tried on a library.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
