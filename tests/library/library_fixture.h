// Shared by the tests of the public headers.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "s3/endpoint/server.h"
#include "s3/hash/hash.h"
#include "s3flow/uploader.h"

namespace library_test {

inline s3::endpoint::ServerOptions BucketWith(std::vector<s3::endpoint::FaultRule> faults = {}) {
  s3::endpoint::ServerOptions options;
  options.buckets = {"bucket"};
  options.faults = std::move(faults);
  return options;
}

inline s3flow::Options OptionsFor(const s3::endpoint::Server& server) {
  const auto credentials = server.credentials();
  s3flow::Options options;
  options.bucket = "bucket";
  options.endpoint = server.endpoint();
  options.credentials.access_key_id = credentials.access_key_id;
  options.credentials.secret_access_key = credentials.secret_access_key.Reveal();
  options.base_delay = std::chrono::milliseconds(1);
  options.max_delay = std::chrono::milliseconds(10);
  options.concurrency = 8;
  options.threads = 2;
  return options;
}

inline s3flow::Uploader Opened(const s3flow::Options& options) {
  auto uploader = s3flow::Uploader::Open(options);
  if (!uploader) throw std::runtime_error(uploader.error().message);
  return std::move(*uploader);
}

inline s3flow::Buffer BufferOf(std::string text) { return s3flow::MoveToBuffer(std::move(text)); }

inline std::string Sha256Of(s3::endpoint::Server* server, const std::string& key) {
  const auto info = server->store().Head("bucket", key);
  const auto data = server->store().Get("bucket", key);
  return info && data ? s3::Sha256Hex(data->Read(0, info->size_bytes)) : "(absent)";
}

}  // namespace library_test
