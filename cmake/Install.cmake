# `cmake --install build --prefix DIR`: the compiler, the header of the binary
# interface, and what `find_package(rnnc)` needs.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The compiler finds the LLVM it was built with.
set_target_properties(rnnc PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)

# For programs that work with any library, from its manifest.
add_library(RnncABI INTERFACE)
set_target_properties(RnncABI PROPERTIES EXPORT_NAME abi)
target_include_directories(RnncABI INTERFACE
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/rnnc)
install(TARGETS rnnc RnncABI EXPORT rnncTargets
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES include/rnnc/Runtime/ABI.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rnnc/Runtime)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(EXPORT rnncTargets NAMESPACE rnnc:: DESTINATION ${package})

configure_package_config_file(cmake/package/rnncConfig.cmake.in
  ${CMAKE_BINARY_DIR}/package/rnncConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(
  ${CMAKE_BINARY_DIR}/package/rnncConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_BINARY_DIR}/package/rnncConfig.cmake
  ${CMAKE_BINARY_DIR}/package/rnncConfigVersion.cmake
  cmake/package/RnncAddLibrary.cmake
  DESTINATION ${package})
