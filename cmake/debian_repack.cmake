# Runs in CPack after the .deb is made. CPack's archive contains the time of the build; dpkg-deb's does not. So dpkg-deb
# packs the same files again, and two builds of one commit have the same bytes.
if(NOT CPACK_GENERATOR STREQUAL DEB)
  return()
endif()
set(epoch $ENV{SOURCE_DATE_EPOCH})
if(epoch STREQUAL "")
  string(TIMESTAMP epoch "%s" UTC)
endif()
foreach(package ${CPACK_PACKAGE_FILES})
  set(tree ${package}.tree)
  file(REMOVE_RECURSE ${tree})
  execute_process(COMMAND dpkg-deb -R ${package} ${tree} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND find ${tree} -exec touch -h -d @${epoch} {} + COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=${epoch}
    dpkg-deb --root-owner-group -Zxz --threads-max=1 --build ${tree} ${package}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE_RECURSE ${tree})
endforeach()
