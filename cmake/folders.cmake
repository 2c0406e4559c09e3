# The house has one library a folder. Sources are found, so that adding a file needs no change of the build:
#
#   <folder>/**/*.cpp               library tutti_<folder>
#   <folder>/programs/<name>.cpp    program <name>, linked with tutti_<folder>
#   <folder>/programs/<name>/*.cpp  further sources of that program

# tutti_folder(<folder> LINK <libraries>...) declares the library of the current folder.
function(tutti_folder folder)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/programs/")
  set(library tutti_${folder})
  if(sources)
    add_library(${library} STATIC ${sources})
    target_link_libraries(${library} PUBLIC tutti_compile_options ${arg_LINK})
    tutti_reuse_pch(${library} tutti_pch)
  else()
    add_library(${library} INTERFACE)
    target_link_libraries(${library} INTERFACE tutti_compile_options ${arg_LINK})
  endif()
endfunction()

# tutti_programs(<folder>) declares the programs of the current folder, if it has any.
function(tutti_programs folder)
  file(GLOB mains CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/programs/*.cpp")
  foreach(main IN LISTS mains)
    get_filename_component(name "${main}" NAME_WE)
    file(GLOB parts CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/programs/${name}/*.cpp")
    add_executable(${name} "${main}" ${parts})
    target_link_libraries(${name} PRIVATE tutti_${folder})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${TUTTI_BIN_DIR}")
    tutti_reuse_pch(${name} tutti_pch)
    add_dependencies(programs ${name})
  endforeach()
endfunction()
