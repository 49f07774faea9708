idf_component_register(SRCS "main.c" "@name@_example.c" INCLUDE_DIRS ".")
