#include "s3/credentials/providers/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "s3/base/child_process.h"
#include "s3/base/unique_fd.h"
#include "s3/credentials/providers/documents.h"

namespace s3 {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxOutputBytes = 64 << 10;

constexpr std::string_view kSecretVariables[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                                 "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
                                                 "AWS_CONTAINER_AUTHORIZATION_TOKEN"};

bool IsSecret(std::string_view entry, const std::vector<Secret>& hidden) {
  const auto name = entry.substr(0, entry.find('='));
  const auto value = entry.substr(std::min(name.size() + 1, entry.size()));
  const bool by_name =
      std::find(std::begin(kSecretVariables), std::end(kSecretVariables), name) != std::end(kSecretVariables);
  return by_name || (!value.empty() && std::any_of(hidden.begin(), hidden.end(), [&](const Secret& secret) {
           return secret.Reveal() == value;
         }));
}

// Appends all output to `*output`. Returns what went wrong; empty if nothing did.
std::string ReadToEnd(int fd, Clock::time_point deadline, std::stop_token stop, std::string* output) {
  const UniqueFd stopped(eventfd(0, EFD_CLOEXEC));
  const std::stop_callback on_stop(stop, [&] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(stopped.get(), &one, sizeof one);
  });
  char chunk[4096];
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return "did not finish within the time limit";
    pollfd fds[] = {{fd, POLLIN, 0}, {stopped.get(), POLLIN, 0}};
    if (poll(fds, 2, static_cast<int>(left)) < 0 && errno != EINTR) return std::strerror(errno);
    if (stop.stop_requested()) return "was stopped";
    if (fds[0].revents == 0) continue;
    const auto bytes = read(fd, chunk, sizeof chunk);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) break;
    output->append(chunk, static_cast<std::size_t>(bytes));
    if (output->size() > kMaxOutputBytes) return "wrote more than 64 KiB";
  }
  explicit_bzero(chunk, sizeof chunk);
  return "";
}

Result<Credentials> ReadOutput(std::string_view output) {
  const auto json = nlohmann::json::parse(output, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Fail(ErrorKind::kBadCredentials, "did not write a JSON object");
  const auto version = json.find("Version");
  if (version == json.end() || !version->is_number_integer() || version->get<std::int64_t>() != 1) {
    return Fail(ErrorKind::kBadCredentials, "did not write \"Version\": 1");
  }
  auto credentials = CredentialsFromJson(output, "SessionToken");
  if (!credentials) credentials.error().message = "wrote a document that " + credentials.error().message;
  return credentials;
}

}  // namespace

std::optional<std::vector<std::string>> SplitCommand(std::string_view command) {
  std::vector<std::string> words;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    const bool escapes = c == '\\' && quote != '\'' && i + 1 < command.size();
    if (quote == 0 && (c == ' ' || c == '\t')) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    if (escapes && (quote == 0 || command[i + 1] == '"' || command[i + 1] == '\\')) {
      words.back() += command[++i];
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return std::nullopt;
  return words;
}

Result<Credentials> CredentialsFromProcess(std::string_view command, const ProviderContext& context,
                                           std::chrono::milliseconds timeout) {
  const auto words = SplitCommand(command);
  if (!words || words->empty() || words->front().empty()) {
    return Fail(ErrorKind::kBadCredentials, "credential_process is empty or has an open quote: correct it");
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return Fail(ErrorKind::kBadCredentials, fmt::format("credential_process: {}", std::strerror(errno)));
  }
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  auto environment =
      EnvironmentList([&](std::string_view entry) { return !IsSecret(entry, context.hidden); });
  const auto child = StartChild({.words = *words, .environment = std::move(environment), .out = out.get()});
  if (!child) return Fail(ErrorKind::kBadCredentials, child.error().message);
  out.Close();

  const auto deadline = Clock::now() + timeout;
  std::string output;
  auto problem = ReadToEnd(in.get(), deadline, context.stop, &output);
  // The program may still run after the end of its output.
  const auto exit = AwaitChild(*child, {.deadline = problem.empty() ? deadline : Clock::time_point::min()});
  if (problem.empty()) problem = exit;
  Result<Credentials> credentials = Fail(ErrorKind::kBadCredentials, problem);
  if (problem.empty()) credentials = ReadOutput(output);
  explicit_bzero(output.data(), output.size());
  // Shows only the program's name: its arguments may be secrets.
  if (!credentials) {
    credentials.error().message =
        fmt::format("credential_process {} {}", words->front(), credentials.error().message);
  }
  return credentials;
}

}  // namespace s3
