# What `cmake --install` copies, and where. Everything without a COMPONENT of its own belongs to the program ("s3flow"),
# which is also what the packages contain. A library's headers and archives belong to the component "development".
include(GNUInstallDirs)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME s3flow)

install(TARGETS s3flow RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# One folder, so that the links between these pages still lead to a file.
install(FILES CHANGELOG.md LICENSE config/AWS.md config/REFERENCE.md config/TROUBLESHOOTING.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY config/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples USE_SOURCE_PERMISSIONS)
