# rnnc_add_library(NAME MODEL.rnn [DEPENDS file...] [OPTIONS option...])
#
# A model as a shared library that is compiled when something needs it: link
# NAME, include libNAME.h, whose functions begin with NAME_. DEPENDS are files
# that the model imports or takes weights from, OPTIONS go to `rnnc` (`-O3`,
# `-D;V=96`, `--weights;FILE`). The library is made again when any of them, or
# the compiler, changes. Paths are those of the folder of the CMakeLists.txt.
function(rnnc_add_library name model)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "" "" "DEPENDS;OPTIONS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "rnnc_add_library(${name} ${model}): `${ARG_UNPARSED_ARGUMENTS}` is "
                        "neither one of DEPENDS nor one of OPTIONS")
  endif()
  if(NOT name MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "rnnc_add_library(${name} ${model}): the functions of the library "
                        "begin with its name: letters, digits and _")
  endif()
  get_filename_component(model ${model} ABSOLUTE)
  if(NOT EXISTS ${model})
    message(FATAL_ERROR "rnnc_add_library(${name}): there is no ${model}")
  endif()
  set(depends "")
  foreach(file IN LISTS ARG_DEPENDS)
    get_filename_component(file ${file} ABSOLUTE)
    list(APPEND depends ${file})
  endforeach()

  set(library ${CMAKE_CURRENT_BINARY_DIR}/lib${name}.so)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/lib${name}.h)
  add_custom_command(
    OUTPUT ${library} ${header}
    COMMAND rnnc::rnnc ${model} ${ARG_OPTIONS} --prefix ${name} -o ${library}
    DEPENDS ${model} ${depends} rnnc::rnnc $<TARGET_FILE:rnnc::rnnc>
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    COMMENT "Compiling the model ${name}" VERBATIM)
  add_custom_target(${name}-rnnc DEPENDS ${library} ${header})

  add_library(${name} SHARED IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES
    IMPORTED_LOCATION ${library}
    IMPORTED_SONAME lib${name}.so
    INTERFACE_INCLUDE_DIRECTORIES ${CMAKE_CURRENT_BINARY_DIR})
  add_dependencies(${name} ${name}-rnnc)
endfunction()
