# One library a folder. Every library that uses MLIR goes through
# rnnc_mlir_library, so that libMLIR.so is linked once and the MLIR headers are
# precompiled once.

# rnnc_pch(NAME HEADERS headers... [OPTIONS options...] [OWN files... TABLES targets...]):
# a precompiled header that targets share; its owner compiles nothing else. `OWN`
# are the files of ours that it is made of, `TABLES` what TableGen makes of them.
function(rnnc_pch name)
  cmake_parse_arguments(ARG "" "" "HEADERS;OPTIONS;OWN;TABLES" ${ARGN})
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cpp)
  target_compile_options(${name} PRIVATE ${ARG_OPTIONS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
  if(ARG_TABLES)
    add_dependencies(${name} ${ARG_TABLES})
  endif()
  # The compiled header holds the folder's name, so ccache would never hit in
  # another checkout. build.sh has it look at what the header is made of instead.
  string(SHA256 pch_sum "${ARG_HEADERS}${ARG_OPTIONS}${CMAKE_CXX_COMPILER}\
${CMAKE_CXX_COMPILER_VERSION}${CMAKE_CXX_FLAGS}${CMAKE_BUILD_TYPE}${RNNC_SANITIZE}\
${MLIR_VERSION}${LLVM_PACKAGE_VERSION}")
  set(file ${CMAKE_BINARY_DIR}/CMakeFiles/${name}.dir/cmake_pch.hxx.pch.sum)
  # Whoever uses a header is compiled at its level.
  set(level ${ARG_OPTIONS})
  list(FILTER level INCLUDE REGEX "^-O")
  set(RNNC_PCH_LEVEL_${name} ${level} PARENT_SCOPE)
  set(RNNC_PCH_FILES_${name} ${CMAKE_BINARY_DIR}/CMakeFiles/${name}.dir/cmake_pch.hxx.pch ${file}
    PARENT_SCOPE)
  if(NOT ARG_OWN)
    file(WRITE ${file} "${pch_sum}")
    return()
  endif()
  add_custom_command(OUTPUT ${file}
    COMMAND ${CMAKE_COMMAND} -D OUT=${file} -D SUM=${pch_sum} "-DFILES=${ARG_OWN}"
      -P ${CMAKE_SOURCE_DIR}/cmake/SumOfFiles.cmake
    DEPENDS ${ARG_OWN} ${CMAKE_SOURCE_DIR}/cmake/SumOfFiles.cmake
    COMMENT "Summing up what ${name} is made of" VERBATIM)
  add_custom_target(${name}_sum DEPENDS ${file})
endfunction()

if(RNNC_PCH)
  # What is made of the headers of MLIR, and our dialects: their classes took a
  # second of every file.
  file(GLOB_RECURSE dialects CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/include/rnnc/Dialect/*.h ${CMAKE_SOURCE_DIR}/include/rnnc/Dialect/*.td)
  list(FILTER dialects EXCLUDE REGEX /Transforms/)
  rnnc_pch(rnnc_pch OPTIONS -fno-exceptions OWN ${dialects}
    TABLES RnncInterfaceIncGen RnncRNNIncGen RnncScanIncGen RnncGradIncGen RnncKernelIncGen
    HEADERS
    <mlir/IR/BuiltinOps.h> <mlir/IR/PatternMatch.h> <mlir/IR/OpImplementation.h>
    <mlir/Bytecode/BytecodeOpInterface.h> <mlir/Pass/Pass.h>
    <mlir/Dialect/Arith/IR/Arith.h> <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/Math/IR/Math.h> <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Tensor/IR/Tensor.h> <mlir/Dialect/MemRef/IR/MemRef.h>
    <mlir/Dialect/GPU/IR/GPUDialect.h> <mlir/Dialect/Linalg/IR/Linalg.h>
    <mlir/Dialect/LLVMIR/LLVMDialect.h> <mlir/Dialect/LLVMIR/NVVMDialect.h>
    <mlir/Dialect/Vector/IR/VectorOps.h>
    <mlir/IR/DialectImplementation.h> <mlir/IR/Remarks.h>
    <mlir/Pass/PassManager.h> <mlir/Parser/Parser.h>
    <mlir/Transforms/GreedyPatternRewriteDriver.h>
    <mlir/Transforms/RegionUtils.h>
    <llvm/ADT/TypeSwitch.h> <llvm/ADT/StringSwitch.h> <llvm/IR/Module.h>
    <string> <vector> <map>
    <rnnc/Dialect/Interface/Interface.h> <rnnc/Dialect/RNN/RNN.h>
    <rnnc/Dialect/Scan/Scan.h> <rnnc/Dialect/Grad/Grad.h> <rnnc/Dialect/Kernel/Kernel.h>)
  # CLI11's constants are made anew in every file, for a second each: only where
  # verbs are. Verbs and tests run once what others do in loops: their files are
  # half as long in the compiler when it does not optimise them.
  rnnc_pch(rnnc_verb_pch OPTIONS -O0 HEADERS
    <CLI/CLI.hpp> <nlohmann/json.hpp> <fmt/format.h> <string> <vector> <map>)
  rnnc_pch(rnnc_tool_pch HEADERS
    <nlohmann/json.hpp> <fmt/format.h> <string> <vector> <map>)
  # As find_package(GTest) defines it for whoever uses it.
  rnnc_pch(rnnc_test_pch OPTIONS -O0 -DGTEST_HAS_PTHREAD=1 HEADERS
    <gtest/gtest.h> <nlohmann/json.hpp> <fmt/format.h> <string> <vector> <map>)
  rnnc_pch(rnnc_plain_pch HEADERS
    <fmt/format.h> <algorithm> <functional> <optional> <string> <unordered_map>
    <vector> <map>)
endif()

# rnnc_use_pch(TARGET PCH): all sources of the target include it first.
function(rnnc_use_pch target pch)
  if(NOT RNNC_PCH)
    return()
  endif()
  # As the header was, also for executables: -fPIC and not -fPIE.
  # Not REUSE_FROM, which names the header by its full path: a command that
  # is the same in every checkout lets ccache hit. Ninja runs in the build folder.
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:SHELL:${RNNC_PCH_LEVEL_${pch}} -fPIC -include-pch CMakeFiles/${pch}.dir/cmake_pch.hxx.pch>")
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  get_target_property(dir ${target} SOURCE_DIR)
  set_source_files_properties(${sources} DIRECTORY ${dir} PROPERTIES
    OBJECT_DEPENDS "${RNNC_PCH_FILES_${pch}}")
endfunction()

# An executable that uses MLIR, as rnnc_mlir_library.
function(rnnc_use_mlir target)
  target_compile_options(${target} PRIVATE -fno-exceptions)
  rnnc_use_pch(${target} rnnc_pch)
endfunction()

# rnnc_mlir_library(NAME src... [DEPENDS tablegen-targets...] [LINK libs...])
function(rnnc_mlir_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  rnnc_use_mlir(${name})
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
