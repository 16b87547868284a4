// The direct transport: libcurl connects, and our own HTTP/1.1 exchanges go over its sockets.
#pragma once

#include <memory>

#include "s3/transport/engine.h"

namespace s3 {

// Starts the loop's thread. Throws std::system_error when the process has no descriptor or thread left.
std::unique_ptr<Engine> MakeDirectLoop(const EngineSettings& settings);

}  // namespace s3
