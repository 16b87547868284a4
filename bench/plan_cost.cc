// Measures what a plan costs. Makes a tree of FILES files (hard links to a few), plans it for SHARDS shards,
// writes the journals that the shards' runs would have written, and finishes the plan. Prints one JSON line.
//   plan_cost FILES SHARDS DIRECTORY
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "pipeline/journal/record.h"
#include "pipeline/plan/finish.h"
#include "pipeline/plan/manifest.h"
#include "pipeline/plan/planner.h"
#include "pipeline/runtime/process_usage.h"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

void Need(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

// Puts a thousand names into each directory. A hard link has no inode of its own, so ten million links are
// cheap.
void MakeTree(const fs::path& top, std::uint64_t files) {
  constexpr std::uint64_t kLinks = 50'000;  // ext4 allows 65,000
  fs::create_directories(top / "data");
  fs::path target;
  for (std::uint64_t i = 0; i < files; ++i) {
    const auto directory = top / "data" / fmt::format("{:05}", i / 1000);
    if (i % 1000 == 0) fs::create_directory(directory);
    const auto path = directory / fmt::format("{:03}.dat", i % 1000);
    if (i % kLinks == 0) {
      target = path;
      std::ofstream(path) << std::string(i / kLinks + 1, 'x');
    } else {
      Need(link(target.c_str(), path.c_str()) == 0, "cannot link " + path.string());
    }
  }
}

std::uint64_t WriteJournals(const std::string& plan_dir, const pipeline::JobPlan& plan) {
  std::uint64_t bytes = 0;
  const int shards = static_cast<int>(plan.shards.size());
  const auto directory = pipeline::OwnDir::Open(plan_dir);
  Need(directory.has_value(), "cannot open the plan");
  for (int shard = 0; shard < shards; ++shard) {
    const auto run_dir = pipeline::ShardRunDir(plan_dir, shard);
    fs::create_directories(run_dir);
    std::ofstream journal(run_dir + "/journal.jsonl", std::ios::binary);
    journal << pipeline::RunLine({.session = 1,
                                  .settings = plan.settings,
                                  .job_file = "job.yaml",
                                  .shard = pipeline::ShardTextOf(shard, shards, plan.id)});
    const auto read = pipeline::ReadManifest(*directory, shard, [&](pipeline::Input input) {
      pipeline::ObjectResult result;
      result.file = std::get<std::shared_ptr<const pipeline::InputFile>>(input);
      result.outcome = pipeline::Outcome::kUploaded;
      result.size_bytes = result.file->size_bytes;
      result.mtime_ns = result.file->mtime_ns;
      result.etag = "\"0123456789abcdef0123456789abcdef\"";
      result.sha256 = std::string(64, 'a');
      result.checksum = "AAAAAAAAAAAAAAAAAAAAAA==";
      result.algorithm = s3::ChecksumAlgorithm::kMd5;
      result.attempts = 1;
      result.request_id = "0123456789ABCDEF";
      journal << pipeline::ResultLine(result);
      return true;
    });
    Need(read && *read, "cannot read a manifest");
    journal << pipeline::EndLine({0, true});
    bytes += static_cast<std::uint64_t>(journal.tellp());
  }
  return bytes;
}

int Measure(std::uint64_t files, int shards, const fs::path& top) {
  fs::create_directories(top);
  MakeTree(top, files);
  pipeline::Options options;
  options.source.push_back({.path = (top / "data").string()});
  options.identity.settings = "bench: 1\n";
  s3::Options s3_options;
  s3_options.destination.bucket = "bench";
  s3_options.destination.endpoint = "http://127.0.0.1:9";
  const pipeline::RunCredentials credentials{
      .first = {{"bench", s3::Secret("bench-secret"), s3::Secret()}, "the benchmark"}};
  pipeline::StopControl stop;
  const auto plan_dir = (top / "plan").string();
  auto began = Clock::now();
  const auto made =
      pipeline::MakePlan({plan_dir, shards, "job"}, options, s3_options, credentials, &stop, nullptr);
  const double plan_s = SecondsSince(began);
  Need(made.status == pipeline::kExitOk, made.message);
  const auto plan_peak = pipeline::PeakMemoryBytes();
  std::uint64_t manifest_bytes = 0;
  for (const auto& entry : fs::directory_iterator(top / "plan/manifests"))
    manifest_bytes += entry.file_size();

  const auto journal_bytes = WriteJournals(plan_dir, made.plan);
  const auto directory =
      pipeline::RunDirectory::OpenExisting(plan_dir, pipeline::Trust::kOurs, [](const s3::Error&) {});
  Need(directory.has_value(), "cannot open the plan");
  began = Clock::now();
  const auto report =
      pipeline::Finish(made.plan, options, s3_options, credentials, *directory, false, &stop, nullptr);
  const double finish_s = SecondsSince(began);
  Need(report.status == pipeline::kExitOk && report.uploaded == files, report.message);
  fmt::print(
      "{{\"files\": {}, \"shards\": {}, \"plan_s\": {:.2f}, \"plan_peak_mib\": {:.1f}, \"manifests_mib\": "
      "{:.1f}, "
      "\"imbalance\": {:.4f}, \"journals_mib\": {:.1f}, \"finish_s\": {:.2f}, \"peak_mib\": {:.1f}}}\n",
      files, shards, plan_s, static_cast<double>(plan_peak) / (1 << 20),
      static_cast<double>(manifest_bytes) / (1 << 20), made.plan.bytes_imbalance(),
      static_cast<double>(journal_bytes) / (1 << 20), finish_s,
      static_cast<double>(pipeline::PeakMemoryBytes()) / (1 << 20));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: plan_cost FILES SHARDS DIRECTORY\n");
    return 64;
  }
  try {
    return Measure(std::strtoull(argv[1], nullptr, 10), std::atoi(argv[2]), argv[3]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "plan_cost: {}\n", error.what());
    return 1;
  }
}
