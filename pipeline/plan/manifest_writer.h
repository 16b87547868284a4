// Writes the manifests of all shards at the same time. There may be more manifests than a process can have
// open files. So the writer buffers their lines, and opens a manifest only to append to it. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "s3/base/result.h"

namespace pipeline {

class ManifestWriter {
 public:
  // Creates the directory of the manifests. If that fails, the first write returns the error.
  ManifestWriter(const OwnDir& plan_dir, int shards);

  s3::Result<void> Add(int shard, std::string_view line);
  // Writes all buffers and syncs the files.
  s3::Result<void> Flush();

 private:
  s3::Result<void> Write(int shard, bool sync);

  const s3::Result<OwnDir> directory_;
  const std::size_t buffer_bytes_;  // for each shard; 64 MiB together
  std::vector<std::string> buffers_;
};

}  // namespace pipeline
