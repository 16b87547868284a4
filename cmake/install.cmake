# What `cmake --install` copies, and where. Everything without a COMPONENT of its own belongs to the program ("s3flow"),
# which is also what the packages contain. The library for other programs is the component "library" (library.cmake).
include(GNUInstallDirs)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME s3flow)

install(TARGETS s3flow RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# One folder, so that the links between these pages still lead to a file.
install(FILES CHANGELOG.md LICENSE config/AWS.md config/REFERENCE.md config/TROUBLESHOOTING.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY config/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples USE_SOURCE_PERMISSIONS)

# The program itself writes its manual and its completion, from the tables that it runs with. The folder is emptied before,
# so that no page of a command that was removed is installed.
set(documents ${CMAKE_BINARY_DIR}/documents)
add_custom_command(OUTPUT ${documents}/stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${documents}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${documents}/completion
  COMMAND s3flow manual ${documents}/man --date ${S3FLOW_DATE}
  COMMAND s3flow completion bash > ${documents}/completion/s3flow
  COMMAND s3flow completion zsh > ${documents}/completion/_s3flow
  COMMAND s3flow completion fish > ${documents}/completion/s3flow.fish
  COMMAND ${CMAKE_COMMAND} -E touch ${documents}/stamp
  DEPENDS s3flow
  COMMENT "Writing the manual and the completion"
  VERBATIM)
add_custom_target(s3flow_documents ALL DEPENDS ${documents}/stamp)
set(S3FLOW_ZSH_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "Where zsh finds completion functions")
install(DIRECTORY ${documents}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${documents}/completion/s3flow DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${documents}/completion/_s3flow DESTINATION ${S3FLOW_ZSH_DIR})
install(FILES ${documents}/completion/s3flow.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
