idf_component_register(
  SRCS
@sources@
  INCLUDE_DIRS @folders@ "runtime"
)
# What its speed and size were measured with: the kernels need every register, and floats round alike without contraction.
target_compile_options(${COMPONENT_LIB} PRIVATE @flags@)
