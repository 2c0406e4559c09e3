# How every file of the project is compiled. Which sanitizers and which optimisation: CMakePresets.json.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(TUTTI_WERROR "Treat warnings as errors" ON)
option(TUTTI_PCH "Precompile the standard library's and Boost.Test's headers" ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # A precompiled header changes its time stamp with each build directory; ccache is told to look past it.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# Carried by every library of the project, and so by all that links one.
add_library(tutti_compile_options INTERFACE)
target_include_directories(tutti_compile_options INTERFACE
  "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/generated")
target_compile_options(tutti_compile_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  $<$<BOOL:${TUTTI_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tutti_compile_options INTERFACE
    # GCC 12 sees overlapping and too long copies in plain std::string concatenation (GCC bug 105651).
    -Wno-restrict
    -Wno-array-bounds
    -Wno-stringop-overflow
    $<$<CONFIG:Release>:-Wno-stringop-overread>
    # GCC 12 with sanitizers sees uninitialised variables in std::optional and std::variant.
    -Wno-maybe-uninitialized
    # Lets ccache see through a precompiled header.
    -fpch-preprocess)
endif()

# One precompiled header for all libraries. It only saves time: each file still names what it includes, and
# clang-tidy reads the sources without it.
if(TUTTI_PCH)
  file(WRITE "${CMAKE_BINARY_DIR}/generated/pch.cpp" "")
  add_library(tutti_pch OBJECT "${CMAKE_BINARY_DIR}/generated/pch.cpp")
  target_link_libraries(tutti_pch PUBLIC tutti_compile_options)
  target_precompile_headers(tutti_pch PRIVATE
    <algorithm> <array> <chrono> <compare> <concepts> <cstddef> <cstdint> <cstring> <deque> <filesystem>
    <functional> <map> <memory> <optional> <set> <span> <string> <string_view> <tuple> <type_traits>
    <unordered_map> <utility> <variant> <vector>)
endif()

# Gives a target the precompiled header of another one.
function(tutti_reuse_pch target from)
  if(TUTTI_PCH)
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()
