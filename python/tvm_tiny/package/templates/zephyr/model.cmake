if(CONFIG_TVM_TINY_@upper@)
  zephyr_include_directories(models/@name@ runtime)
  zephyr_library_named(@name@)
  zephyr_library_sources(
@sources@
  )
  # What its speed and size were measured with. Without contraction, float layers round alike on every machine.
  zephyr_library_compile_options(@flags@ -ffp-contract=off)
endif()
