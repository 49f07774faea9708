# The model @name@ as a library: link it, include "@name@.h", call @name@_run.
add_library(@name@ STATIC @sources@)
target_include_directories(@name@ PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/runtime)
# What its speed and size were measured with: the kernels need every register, and floats round alike without contraction.
target_compile_options(@name@ PRIVATE @flags@ -std=c99 -Wall -Wextra -Wconversion -Wshadow)

# A sample, and what the model must make of it; your firmware does not need this.
add_library(@name@_example STATIC @name@_example.c)
target_include_directories(@name@_example PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(@name@_example PUBLIC @name@)
