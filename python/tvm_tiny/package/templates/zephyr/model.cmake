if(CONFIG_TVM_TINY_@upper@)
  zephyr_include_directories(models/@name@ runtime)
  zephyr_library_named(@name@)
  zephyr_library_sources(
@sources@
  )
  # What its speed and size were measured with: the kernels need every register, and floats round alike without contraction.
  zephyr_library_compile_options(@flags@)
endif()
