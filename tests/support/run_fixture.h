// Makes whole runs in one process, with files, graph, event loop and the embedded endpoint.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "pipeline/journal/checksummed_line.h"
#include "pipeline/journal/record.h"
#include "pipeline/run/run.h"
#include "s3/hash/hash.h"
#include "tests/support/support.h"

namespace test {

class RunFixture : public testing::Test {
 protected:
  RunFixture() {
    server_options_.buckets = {"bucket"};
    options_.upload.concurrency = 16;
    options_.upload.threads = 2;
    options_.report.progress = pipeline::ProgressStyle::kNone;
    options_.report.run_dir = directory_ / "run";
    pipeline::SourceRoot root;
    root.path = directory_ / "data";
    options_.source.push_back(root);
    mkdir(root.path.c_str(), 0700);
  }

  // Uses parts of a thousand bytes, so that small files become multipart uploads.
  void UseSmallParts() {
    server_options_.min_part_bytes = 1000;
    options_.upload.store_limits.min_part_bytes = 1000;
    options_.upload.plan.part_bytes = 1000;
    options_.upload.plan.multipart_threshold_bytes = 2000;
  }

  // A later server gets the port of the first one, because a server on another port is another store.
  void StartServer() {
    if (server_) server_options_.port = server_->port();
    server_.emplace(server_options_);
  }
  pipeline::RunResult Run() {
    StartServer();
    return RunAgainst(OptionsFor(*server_));
  }
  // `stop`: for a second session; null: stop_.
  pipeline::RunResult RunAgainst(s3::Options s3_options, pipeline::StopControl* stop = nullptr) {
    s3_options.integrity = integrity_;
    return pipeline::Run(options_, s3_options, {{server_->credentials(), "the test"}}, stop ? stop : &stop_);
  }
  void WriteFiles(int count) {
    for (int i = 0; i < count; ++i)
      directory_.Write("data/f" + std::to_string(i), "content " + std::to_string(i));
  }
  void Fail(s3::endpoint::FaultRule rule) { server_options_.faults.push_back(std::move(rule)); }

  std::string Stored(const std::string& key) {
    const auto info = server_->store().Head("bucket", key);
    const auto data = server_->store().Get("bucket", key);
    return info && data ? data->Read(0, info->size_bytes) : "(absent)";
  }
  // Returns the result records of the run's journal.
  std::vector<nlohmann::json> Journal(const pipeline::RunResult& run) {
    std::vector<nlohmann::json> lines;
    for (const auto& text : Lines(ReadAll(run.run_dir + "/journal.jsonl"))) {
      auto line = nlohmann::json::parse(text);
      EXPECT_TRUE(pipeline::IsIntact(text)) << text;
      if (line.at("record") == "result") lines.push_back(std::move(line));
    }
    return lines;
  }

  // Checks that journal, summary and store agree exactly, and that no multipart upload is left in the store.
  void ExpectAgreement(const pipeline::RunResult& run) {
    std::map<std::string, std::string> last;  // path of an input -> its last outcome
    for (const auto& line : Journal(run)) {
      last[line.contains("path") ? line.at("path") : line.at("path_base64")] = line.at("outcome");
      if (line.at("outcome") != "uploaded") continue;
      const auto stored = server_->store().Head("bucket", line.at("key"));
      ASSERT_TRUE(stored) << line;
      EXPECT_EQ(stored->size_bytes, line.at("size")) << line;
      EXPECT_EQ("\"" + stored->etag + "\"", line.at("etag").get<std::string>()) << line;
      const auto sha256 = s3::Sha256Hex(Stored(line.at("key")));
      if (line.contains("sha256")) {
        EXPECT_EQ(sha256, line.at("sha256").get<std::string>()) << line;
      }
      if (!line.contains("stream")) {
        EXPECT_EQ(sha256, s3::Sha256Hex(ReadAll(line.at("path")))) << line;
      }
    }
    std::map<std::string, int> outcomes;
    for (const auto& [path, outcome] : last) ++outcomes[outcome];
    const auto summary = nlohmann::json::parse(ReadAll(run.run_dir + "/summary.json"));
    for (const auto* outcome : {"uploaded", "skipped", "failed", "cancelled"}) {
      EXPECT_EQ(summary.at(outcome), outcomes[outcome]) << outcome;
    }
    EXPECT_TRUE(run.summary.AddsUp());
    EXPECT_EQ(summary.at("exit_status"), static_cast<int>(run.status));
    EXPECT_EQ(server_->CountUploads("bucket"), 0u) << "multipart uploads left in the store";
  }

  TempDir directory_;
  s3::endpoint::ServerOptions server_options_;
  std::optional<s3::endpoint::Server> server_;
  pipeline::Options options_;
  s3::IntegrityOptions integrity_;
  pipeline::StopControl stop_;
};

}  // namespace test
