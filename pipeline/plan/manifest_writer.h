// Writes the manifests of all shards at once: more files than a process may have open. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "s3/base/result.h"

namespace pipeline {

class ManifestWriter {
 public:
  // Makes their directory. What goes wrong with that is said by the first to be written.
  ManifestWriter(const OwnDir& plan_dir, int shards);

  s3::Result<void> Add(int shard, std::string_view line);
  // Writes out and syncs what is buffered.
  s3::Result<void> Flush();

 private:
  s3::Result<void> Write(int shard, bool sync);

  const s3::Result<OwnDir> directory_;
  const std::size_t buffer_bytes_;  // for each shard; 64 MiB together
  std::vector<std::string> buffers_;
};

}  // namespace pipeline
