// Classifies and describes libcurl's errors, for both transports.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <string>
#include <string_view>

#include "s3/base/result.h"

namespace s3 {

// Returns true when `detail`, OpenSSL's message, says that the server does not use TLS, supports no TLS
// version that s3flow supports, or refuses the client certificate.
bool IsProtocolMismatch(CURLcode code, std::string_view detail);

ErrorKind KindOf(CURLcode code);

std::string ErrnoText(int error);

// Returns libcurl's message for the last failure of a handle, from `error_text`, the handle's error buffer.
// If the buffer is empty, returns libcurl's general message for `code`.
std::string CurlProblem(CURLcode code, const char* error_text);

// Says why libcurl could not connect. `connect_timeout`: the time limit of this handle, for the message.
Error ConnectError(CURL* easy, CURLcode code, const char* error_text,
                   std::chrono::milliseconds connect_timeout);

// True when a connection failed because this process or system has no descriptor left (EMFILE, ENFILE): the
// server is not at fault. `open_errno`: the errno of socket(2); 0 if socket(2) succeeded.
bool LacksDescriptor(int open_errno);

// Describes why a body's file yields no bytes at `offset`. `read_errno`: 0 at the end of the file.
Error FileError(int read_errno, std::uint64_t offset);

}  // namespace s3
