# The native engine as a part of an image, for ports that are built with cmake.
#
# COUNTERSIGN_ARITHMETIC: the object file with all code but module.c. `countersign build` makes it
# with the flags and the generated assembly of `countersign native`.

add_library(usermod_countersign_native INTERFACE)
target_sources(usermod_countersign_native INTERFACE ${CMAKE_CURRENT_LIST_DIR}/builtin.c)
target_include_directories(usermod_countersign_native INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(usermod INTERFACE usermod_countersign_native ${COUNTERSIGN_ARITHMETIC})
