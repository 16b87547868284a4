// The libcurl transport: libcurl carries whole exchanges, by its multi interface on epoll.
#pragma once

#include <memory>

#include "s3/transport/engine.h"

namespace s3 {

// Starts the loop's thread. Throws std::system_error when the process has no descriptor or thread left.
std::unique_ptr<Engine> MakeCurlLoop(const EngineSettings& settings);

}  // namespace s3
