# CPack: `cpack -G DEB` in the build folder makes the .deb. bench/package calls it, and makes the portable bundle, too.
set(S3FLOW_MAINTAINER "s3flow maintainers <maintainers@s3flow.invalid>" CACHE STRING "Name and address in packages")
set(CPACK_PACKAGE_NAME s3flow)
set(CPACK_PACKAGE_VENDOR s3flow)
set(CPACK_PACKAGE_CONTACT "${S3FLOW_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "bulk uploads to S3 and S3-compatible stores")
set(CPACK_PACKAGE_DESCRIPTION "One YAML job file names files and a bucket. A flow graph reads, hashes, signs
and sends the files, and adapts the number of requests in flight to the
store. A journal records the result of each file, so that an interrupted
run is resumed.

s3flow is made for batch jobs and HPC job scripts. It divides a job among
nodes, and proves at the end that no file is missing.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# Only the program, without what belongs to a library (cmake/install.cmake).
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};s3flow;s3flow;/")

set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion, man-db")
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/debian_files.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/debian_repack.cmake)
include(CPack)
