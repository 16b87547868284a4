// Credentials from credential_process: a program that prints them.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "s3/credentials/providers/context.h"

namespace s3 {

// Splits a command line into words. Quotes and backslashes work as in a POSIX shell; nothing else is special.
// Returns nothing if a quote is not closed.
std::optional<std::vector<std::string>> SplitCommand(std::string_view command);

// Runs the command without a shell and parses its output. Its stderr is discarded, because it may contain
// secrets. The program does not inherit the secrets in this process's environment, and is killed after
// `timeout`.
Result<Credentials> CredentialsFromProcess(std::string_view command, const ProviderContext& context,
                                           std::chrono::milliseconds timeout = std::chrono::minutes(1));

}  // namespace s3
