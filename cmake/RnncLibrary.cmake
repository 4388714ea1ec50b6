# One library a folder. Every library that uses MLIR goes through
# rnnc_mlir_library, so that libMLIR.so is linked once and the MLIR headers are
# precompiled once.

# The shared precompiled header: its owner compiles nothing else.
if(RNNC_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/rnnc_pch.cpp "")
  add_library(rnnc_pch OBJECT ${CMAKE_BINARY_DIR}/rnnc_pch.cpp)
  target_compile_options(rnnc_pch PRIVATE -fno-exceptions)
  target_precompile_headers(rnnc_pch PRIVATE
    <mlir/IR/BuiltinOps.h> <mlir/IR/PatternMatch.h> <mlir/IR/OpImplementation.h>
    <mlir/Bytecode/BytecodeOpInterface.h> <mlir/Pass/Pass.h>
    <mlir/Dialect/Arith/IR/Arith.h> <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/Math/IR/Math.h> <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Tensor/IR/Tensor.h> <mlir/Dialect/MemRef/IR/MemRef.h>
    <mlir/Transforms/GreedyPatternRewriteDriver.h>
    <llvm/ADT/TypeSwitch.h> <llvm/ADT/StringSwitch.h> <string> <vector> <map>)
  # The compiled header holds the folder's name, so ccache would never hit in
  # another checkout. build.sh has it look at what the header is made of instead.
  file(READ ${CMAKE_CURRENT_LIST_FILE} pch_recipe)
  string(SHA256 pch_sum "${pch_recipe}${CMAKE_CXX_COMPILER}${CMAKE_CXX_COMPILER_VERSION}\
${CMAKE_CXX_FLAGS}${CMAKE_BUILD_TYPE}${RNNC_SANITIZE}${MLIR_VERSION}${LLVM_PACKAGE_VERSION}")
  file(WRITE ${CMAKE_BINARY_DIR}/CMakeFiles/rnnc_pch.dir/cmake_pch.hxx.pch.sum "${pch_sum}")
endif()

# rnnc_mlir_library(NAME src... [DEPENDS tablegen-targets...] [LINK libs...])
function(rnnc_mlir_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  if(RNNC_PCH)
    # Not REUSE_FROM, which names the header by its full path: a command that
    # is the same in every checkout lets ccache hit. Ninja runs in the build folder.
    target_compile_options(${name} PRIVATE
      "SHELL:-include-pch CMakeFiles/rnnc_pch.dir/cmake_pch.hxx.pch")
    set_source_files_properties(${ARG_UNPARSED_ARGUMENTS} PROPERTIES
      OBJECT_DEPENDS ${CMAKE_BINARY_DIR}/CMakeFiles/rnnc_pch.dir/cmake_pch.hxx.pch)
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
endfunction()

# rnnc_library(NAME src... [LINK libs...]): plain C++, without MLIR.
function(rnnc_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# rnnc_dialect(DIR file prefix target): tables of one dialect from file.td.
function(rnnc_dialect td dialect target)
  set(LLVM_TARGET_DEFINITIONS ${td}.td)
  mlir_tablegen(${td}.h.inc -gen-op-decls)
  mlir_tablegen(${td}.cpp.inc -gen-op-defs)
  mlir_tablegen(${td}Types.h.inc -gen-typedef-decls -typedefs-dialect=${dialect})
  mlir_tablegen(${td}Types.cpp.inc -gen-typedef-defs -typedefs-dialect=${dialect})
  mlir_tablegen(${td}Attrs.h.inc -gen-attrdef-decls -attrdefs-dialect=${dialect})
  mlir_tablegen(${td}Attrs.cpp.inc -gen-attrdef-defs -attrdefs-dialect=${dialect})
  mlir_tablegen(${td}Enums.h.inc -gen-enum-decls)
  mlir_tablegen(${td}Enums.cpp.inc -gen-enum-defs)
  mlir_tablegen(${td}Dialect.h.inc -gen-dialect-decls -dialect=${dialect})
  mlir_tablegen(${td}Dialect.cpp.inc -gen-dialect-defs -dialect=${dialect})
  add_public_tablegen_target(${target})
endfunction()

# rnnc_passes(name target): declarations of the passes in Passes.td.
function(rnnc_passes name target)
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name ${name})
  add_public_tablegen_target(${target})
endfunction()
