# Finds the headers and the library of the apache-tvm-ffi package that belongs to the Python interpreter in use.
#
#   TvmFfi_FOUND     true if it is there
#   TvmFfi_VERSION   its version
#   TvmFfi::TvmFfi   what a library that registers global functions links against
#
# The library is found at run time because the process has loaded it already (`import tvm_ffi`): no run path is written.

find_package(Python3 COMPONENTS Interpreter REQUIRED)

execute_process(
  COMMAND ${Python3_EXECUTABLE} -c
          "import importlib.metadata, tvm_ffi.libinfo as info; print(importlib.metadata.version('apache-tvm-ffi'), info.find_include_path(), info.find_dlpack_include_path(), info.find_libtvm_ffi(), sep=';')"
  OUTPUT_VARIABLE _tvm_ffi OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_VARIABLE _tvm_ffi_error RESULT_VARIABLE _tvm_ffi_result)

if(_tvm_ffi_result EQUAL 0)
  list(GET _tvm_ffi 0 TvmFfi_VERSION)
  list(GET _tvm_ffi 1 TvmFfi_INCLUDE_DIR)
  list(GET _tvm_ffi 2 TvmFfi_DLPACK_INCLUDE_DIR)
  list(GET _tvm_ffi 3 TvmFfi_LIBRARY)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  TvmFfi
  REQUIRED_VARS TvmFfi_LIBRARY TvmFfi_INCLUDE_DIR TvmFfi_DLPACK_INCLUDE_DIR
  VERSION_VAR TvmFfi_VERSION
  REASON_FAILURE_MESSAGE "${Python3_EXECUTABLE} cannot import tvm_ffi: pip install apache-tvm-ffi==0.1.14.post1\n${_tvm_ffi_error}")

if(TvmFfi_FOUND AND NOT TARGET TvmFfi::TvmFfi)
  add_library(TvmFfi::TvmFfi SHARED IMPORTED)
  set_target_properties(TvmFfi::TvmFfi PROPERTIES IMPORTED_LOCATION "${TvmFfi_LIBRARY}")
  target_compile_features(TvmFfi::TvmFfi INTERFACE cxx_std_17)
  target_include_directories(TvmFfi::TvmFfi SYSTEM INTERFACE "${TvmFfi_INCLUDE_DIR}" "${TvmFfi_DLPACK_INCLUDE_DIR}")
endif()
