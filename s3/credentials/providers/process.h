// credential_process: a program whose output is credentials.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "s3/credentials/providers/context.h"

namespace s3 {

// The words of a command line, with the quotes and backslashes of a POSIX shell and nothing else of it;
// nothing when a quote does not end.
std::optional<std::vector<std::string>> SplitCommand(std::string_view command);

// Runs it without a shell. What it says on stderr goes nowhere, since it may be secrets; it does not
// inherit the secrets that this process got through its environment. Ended after `timeout`.
Result<Credentials> CredentialsFromProcess(std::string_view command, const ProviderContext& context,
                                           std::chrono::milliseconds timeout = std::chrono::minutes(1));

}  // namespace s3
