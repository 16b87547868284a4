# Installs the library for other programs: find_package(s3flow) gives s3flow::pipeline, which has the public headers, and
# s3flow::s3, which it needs. pipeline/EMBEDDING.md says how to use them.
#   cmake --install BUILD --component library --prefix DIR
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/s3flow)
set_target_properties(s3 PROPERTIES OUTPUT_NAME s3flow_s3)
set_target_properties(pipeline PROPERTIES OUTPUT_NAME s3flow_pipeline)
target_include_directories(pipeline INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(pipeline INTERFACE cxx_std_20)
target_link_libraries(pipeline INTERFACE $<INSTALL_INTERFACE:tl::expected>)

install(TARGETS s3 pipeline EXPORT s3flow-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/pipeline/node/s3flow DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library
  FILES_MATCHING PATTERN "*.h")
install(EXPORT s3flow-targets NAMESPACE s3flow:: DESTINATION ${package_dir} COMPONENT library)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/s3flow-config.cmake.in ${CMAKE_BINARY_DIR}/s3flow-config.cmake
  INSTALL_DESTINATION ${package_dir})
# The public headers are compatible within a minor version.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/s3flow-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/s3flow-config.cmake ${CMAKE_BINARY_DIR}/s3flow-config-version.cmake
  DESTINATION ${package_dir} COMPONENT library)
