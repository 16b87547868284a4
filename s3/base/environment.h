// The environment variables of a process, as a value that tests can replace; the name of the machine.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace s3 {

// Returns the value of a variable; nothing when the variable is unset or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// Returns an Environment that reads this process's variables at each call. Any thread may call it while no
// thread changes the variables.
Environment ProcessEnvironment();

// Returns the name of this machine; empty if the system does not tell it.
std::string HostName();

}  // namespace s3
