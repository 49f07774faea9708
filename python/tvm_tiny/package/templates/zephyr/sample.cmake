cmake_minimum_required(VERSION 3.20)
# This folder's module, without a west manifest that lists it.
list(APPEND ZEPHYR_EXTRA_MODULES ${CMAKE_CURRENT_SOURCE_DIR}/../..)
find_package(Zephyr REQUIRED HINTS $ENV{ZEPHYR_BASE})
project(@name@_sample LANGUAGES C)
target_sources(app PRIVATE src/main.c src/@name@_example.c)
