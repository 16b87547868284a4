#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "pipeline/cli/common.h"
#include "pipeline/cli/signals.h"
#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/line_reader.h"
#include "pipeline/journal/record.h"
#include "pipeline/report/console.h"
#include "pipeline/source/open_file.h"
#include "s3/endpoint/server.h"
#include "s3/hash/hash.h"

namespace cli {
namespace {

using Json = nlohmann::json;

std::string Bytes(const Json& line, const std::string& name) {
  if (line.contains(name)) return line.at(name);
  return s3::Base64Decode(line.at(name + "_base64").get<std::string>()).value();
}

std::string Sha256OfObject(const s3::endpoint::ObjectData& data, std::uint64_t size) {
  constexpr std::size_t kChunkBytes = 1 << 20;
  s3::Digest hash(s3::Digest::Kind::kSha256);
  for (std::uint64_t offset = 0; offset < size;) {
    const auto bytes = data.Read(offset, kChunkBytes);
    if (bytes.empty()) break;
    hash.Update(bytes);
    offset += bytes.size();
  }
  return s3::HexEncode(hash.Finish());
}

// Nothing when it cannot be read, or has another size. Opened as the source opens it: what has taken its
// place may be a FIFO.
std::optional<std::string> Sha256OfFile(const std::string& path, std::uint64_t size) {
  pipeline::InputFile named{.path = path, .key = path, .size_bytes = size, .follow_symlink = true};
  const auto file = pipeline::OpenFile::Open(named);
  if (!file) return std::nullopt;
  s3::Digest hash(s3::Digest::Kind::kSha256);
  std::string chunk(1 << 20, '\0');
  for (std::uint64_t offset = 0; offset < size; offset += chunk.size()) {
    chunk.resize(std::min<std::uint64_t>(chunk.size(), size - offset));
    if (!file->Read(offset, chunk)) return std::nullopt;
    hash.Update(chunk);
  }
  return s3::HexEncode(hash.Finish());
}

// What is wrong with one uploaded object, read back from the store; empty when nothing is.
std::string Mismatch(const s3::endpoint::Store& store, const std::string& bucket, const Json& line) {
  const auto info = store.Head(bucket, Bytes(line, "key"));
  const auto data = store.Get(bucket, Bytes(line, "key"));
  if (!info || !data) return "is not in the store";
  const auto size = line.at("size").get<std::uint64_t>();
  if (info->size_bytes != size) return "has another size in the store";
  const auto stored = Sha256OfObject(*data, info->size_bytes);
  // What went as parts was never hashed as a whole.
  if (line.contains("sha256") && stored != line.at("sha256").get<std::string>()) {
    return "has other bytes in the store than were sent";
  }
  if (line.contains("stream")) return "";  // nothing to compare with any more
  if (stored != Sha256OfFile(Bytes(line, "path"), size))
    return "differs from its file, which may have changed since";
  return "";
}

// Every line of the journal that says "uploaded" against the store. The store may hold more: an
// upload whose answer was lost is there although its input failed; nothing else may be.
bool Verify(const s3::endpoint::Store& store, const std::string& bucket, const std::string& run_dir) {
  auto journal =
      pipeline::OwnDir::Open(run_dir, pipeline::Trust::kOthers).and_then([](const auto& directory) {
        return directory.Read(pipeline::kJournalName);
      });
  if (!journal) return PrintError(journal.error().message), false;
  std::size_t equal = 0, wrong = 0, unsettled = 0;
  pipeline::LineReader lines(std::move(*journal), run_dir + "/" + pipeline::kJournalName);
  while (const auto text = lines.Next()) {
    const auto line = Json::parse(*text);
    if (line.at("record") != "result") continue;
    if (line.at("outcome") != "uploaded") {
      unsettled += line.at("attempts").get<int>() > 0 ? 1 : 0;
      continue;
    }
    const auto mismatch = Mismatch(store, bucket, line);
    ++(mismatch.empty() ? equal : wrong);
    if (!mismatch.empty())
      PrintError(fmt::format("{}: {}", pipeline::Printable(Bytes(line, "key")), mismatch));
  }
  if (lines.failure()) return PrintError(lines.failure()->message), false;
  const auto stored = store.CountObjects(bucket);
  const bool explained = stored <= equal + wrong + unsettled;
  if (!explained)
    PrintError(fmt::format("the store holds {} objects that nobody uploaded", stored - equal - wrong));
  Say(fmt::format("read back: {} objects equal, {} not", equal, wrong));
  return wrong == 0 && explained;
}

// Gone again at the end, whatever happens in between.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::error_code problem;
    path_ = (std::filesystem::temp_directory_path(problem) / "s3flow-rehearsal-XXXXXX").string();
    if (problem) throw std::system_error(problem, "TMPDIR, where the embedded store goes");
    if (mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

pipeline::ExitStatus Rehearse(const JobArguments& arguments, const EndpointArguments& endpoint) {
  auto loaded = LoadJob(arguments);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  auto& job = std::get<config::Job>(loaded);
  PrintNotes(job);
  auto& destination = job.s3.destination;
  const auto trace = OpenTrace(job);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&trace)) return *status;

  const TemporaryDirectory directory;
  s3::endpoint::ServerOptions options;
  options.region = destination.region;
  options.emulated_profile = &s3::ProfileOf(destination);
  options.storage = s3::endpoint::Storage::kDirectory;
  options.directory = directory.path();
  options.buckets = {destination.bucket};
  if (!ApplyEndpointArguments(endpoint, &options)) return pipeline::kExitUsage;
  pipeline::StopControl stop;
  const SignalThread signals(&stop);
  s3::endpoint::Server server(options);
  // What the job means is decided by its own store, which the endpoint imitates.
  destination.profile = options.emulated_profile->name;
  destination.endpoint = server.endpoint();
  destination.endpoints.clear();
  destination.dualstack = destination.fips = destination.accelerate = false;
  destination.addressing = s3::Addressing::kPath;
  job.s3.transport.proxy = {.from_environment = false};
  job.pipeline.identity.kind = pipeline::RunKind::kRehearsal;
  Say(fmt::format("rehearsing against {}: nothing leaves this machine", server.endpoint()));
  const auto run = pipeline::Run(job.pipeline, job.s3, {{server.credentials(), "the endpoint"}}, &stop,
                                 std::get<0>(trace).get());
  PrintRunResult(run, stop, job.pipeline.identity.kind);
  if (run.summary.found == 0) return run.status;
  const auto stats = server.stats();
  const auto most = [&stats](const char* operation) {
    const auto found = stats.max_in_flight.find(operation);
    return found == stats.max_in_flight.end() ? 0 : found->second;
  };
  Say(fmt::format("endpoint: at most {} requests in flight, {} faults injected",
                  std::max(most("PutObject"), most("UploadPart")), stats.faults_injected));
  const bool verified = Verify(server.store(), destination.bucket, run.run_dir);
  const auto orphans = server.CountUploads(destination.bucket);
  if (orphans > 0) PrintError(fmt::format("{} multipart uploads are left in the store", orphans));
  return verified ? run.status : pipeline::kExitBroken;
}

}  // namespace cli
