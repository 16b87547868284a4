# Runs in CPack after the installation, before the .deb is made: turns what `cmake --install` copied into what Debian's
# policy asks for (https://www.debian.org/doc/debian-policy/ch-docs.html).
if(NOT CPACK_GENERATOR STREQUAL DEB)
  return()
endif()
set(usr ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr)
set(doc ${usr}/share/doc/s3flow)

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # of SOURCE_DATE_EPOCH, if that is set
file(WRITE ${doc}/changelog.Debian
"s3flow (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Release ${CPACK_PACKAGE_VERSION}; changelog.gz says what is new.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
file(WRITE ${doc}/copyright
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: s3flow

Files: *
Copyright: 2026 The s3flow authors
License: Apache-2.0
 On Debian systems, the text of the Apache License 2.0 is in the file
 /usr/share/common-licenses/Apache-2.0.
")
file(REMOVE ${doc}/LICENSE)  # Debian has the text, see above
file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)

# This package is not made for Debian's archive, so no bug of Debian asks for it.
file(WRITE ${usr}/share/lintian/overrides/s3flow "s3flow: initial-upload-closes-no-bugs\n")

file(MAKE_DIRECTORY ${usr}/share/zsh)
file(RENAME ${usr}/share/zsh/site-functions ${usr}/share/zsh/vendor-completions)

file(GLOB pages ${usr}/share/man/man*/*)
execute_process(COMMAND gzip -9 -n ${pages} ${doc}/changelog ${doc}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND chmod -R u=rwX,go=rX ${CPACK_TEMPORARY_INSTALL_DIRECTORY} COMMAND_ERROR_IS_FATAL ANY)
