# tvm_tiny_add_model(<name> MODEL <file> TARGET <core> [OPTIMIZE speed|size|ram] [ROUNDING tflite-micro|litert] [OPTIONS <option>...])
#
# A static library <name> with the C of a model, which is compiled at build time, and again whenever the model's file changes.
# <name> is the prefix of its symbols and headers too: lower-case letters, digits and "_". OPTIONS are handed to `tvm-tiny compile`
# as they are.
function(tvm_tiny_add_model name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MODEL;TARGET;OPTIMIZE;ROUNDING" "OPTIONS")
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "tvm_tiny_add_model(${name}): what is \"${arg_UNPARSED_ARGUMENTS}${arg_KEYWORDS_MISSING_VALUES}\"? Expected "
                        "MODEL, TARGET, OPTIMIZE and ROUNDING with a value each, and OPTIONS")
  endif()
  foreach(required MODEL TARGET)
    if(NOT arg_${required})
      message(FATAL_ERROR "tvm_tiny_add_model(${name}): ${required} is missing; tvm_tiny_add_model(kws MODEL kws.tflite TARGET cortex-m4)")
    endif()
  endforeach()
  if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "tvm_tiny_add_model(${name}): a model's name has lower-case letters, digits and \"_\" only")
  endif()
  get_filename_component(model ${arg_MODEL} ABSOLUTE)
  if(NOT EXISTS ${model})
    message(FATAL_ERROR "tvm_tiny_add_model(${name}): there is no file ${model}")
  endif()

  set(options ${arg_OPTIONS})
  if(arg_OPTIMIZE)
    list(APPEND options --optimize ${arg_OPTIMIZE})
  endif()
  if(arg_ROUNDING)
    list(APPEND options --rounding ${arg_ROUNDING})
  endif()

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}.model)
  set(sources ${folder}/${name}.c ${folder}/${name}_weights.c ${folder}/tvmgen_${name}.c)
  set(headers ${folder}/${name}.h ${folder}/tvmgen_${name}.h)
  add_custom_command(
    OUTPUT ${sources} ${headers} ${folder}/report.json
    COMMAND ${TVM_TINY_COMMAND} compile ${model} --target ${arg_TARGET} --name ${name} --output ${folder} ${options}
    DEPENDS ${model}
    COMMENT "Compiling the model ${name} for ${arg_TARGET}"
    VERBATIM)
  add_library(${name} STATIC ${sources} ${headers})
  # Whoever includes the headers waits until they are there.
  add_custom_target(${name}_headers DEPENDS ${headers})
  add_dependencies(${name} ${name}_headers)
  target_include_directories(${name} PUBLIC ${folder})
  if(arg_OPTIMIZE STREQUAL "size")
    set(level -Os)
  else()
    set(level -O2)
  endif()
  # What speed and size were measured with: the kernels need every register, and floats round alike without contraction.
  target_compile_options(${name} PRIVATE ${level} -fomit-frame-pointer -ffp-contract=off)
endfunction()
