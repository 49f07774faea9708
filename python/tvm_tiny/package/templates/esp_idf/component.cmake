idf_component_register(
  SRCS
@sources@
  INCLUDE_DIRS @folders@ "runtime"
)
# What its speed and size were measured with. Without contraction, float layers round alike on every machine.
target_compile_options(${COMPONENT_LIB} PRIVATE @flags@ -ffp-contract=off)
