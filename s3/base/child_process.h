// Runs another program without a shell: starts it in a process group of its own, and waits for its end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "s3/base/result.h"

namespace s3 {

struct ChildProgram {
  std::vector<std::string> words;        // the program, which is looked up in PATH, and its arguments
  std::vector<std::string> environment;  // "NAME=VALUE"
  // Descriptors of this process that become the program's stdout and stderr. -1: /dev/null. Not owned.
  int out = -1, err = -1;
};

// Returns the entries of this process's environment for which `keep` returns true. Copies no other entry. Do
// not call it while a thread changes the environment.
std::vector<std::string> EnvironmentList(const std::function<bool(std::string_view entry)>& keep);

// Starts the program. Its stdin is /dev/null, no signal is blocked or ignored in it, and it inherits no other
// descriptors. Call AwaitChild() exactly once for the returned process. Fails with kLocal if the program
// cannot be started. Precondition: `words` is not empty.
Result<pid_t> StartChild(const ChildProgram& program);

struct ChildLimits {
  std::chrono::steady_clock::time_point deadline;
  // How long the program may take to end after SIGTERM. Zero: it gets SIGKILL at once.
  std::chrono::milliseconds grace{0};
  std::stop_token stop{};  // a stop request has the effect of the deadline
};

// Waits until the program has ended. At the deadline, sends SIGTERM to its process group, and SIGKILL after
// `grace`. If the deadline has already passed at the call, sends these signals even if the program has ended,
// because its own children may still run. Returns what went wrong ("ended with exit status 3"); empty for
// exit status 0.
std::string AwaitChild(pid_t child, const ChildLimits& limits);

}  // namespace s3
