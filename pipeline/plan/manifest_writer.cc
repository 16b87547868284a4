#include "pipeline/plan/manifest_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "pipeline/fs/files.h"
#include "pipeline/plan/job_plan.h"

namespace pipeline {

ManifestWriter::ManifestWriter(const OwnDir& plan_dir, int shards)
    : directory_(plan_dir.MakeEmptyDir(kManifestsName)),
      buffer_bytes_(std::clamp<std::size_t>((64 << 20) / static_cast<std::size_t>(shards), 1 << 10, 1 << 20)),
      buffers_(static_cast<std::size_t>(shards)) {}

s3::Result<void> ManifestWriter::Add(int shard, std::string_view line) {
  auto& buffer = buffers_[static_cast<std::size_t>(shard)];
  buffer += line;
  return buffer.size() >= buffer_bytes_ ? Write(shard, false) : s3::Result<void>();
}

s3::Result<void> ManifestWriter::Flush() {
  for (int shard = 0; shard < static_cast<int>(buffers_.size()); ++shard) {
    if (auto written = Write(shard, true); !written) return written;
  }
  return {};
}

s3::Result<void> ManifestWriter::Write(int shard, bool sync) {
  auto& buffer = buffers_[static_cast<std::size_t>(shard)];
  if (!directory_) return tl::unexpected(directory_.error());
  const auto name = NameOf(ManifestName(shard));
  const auto file = directory_->Append(name, 0600);
  if (!file) return tl::unexpected(file.error());
  int error = WriteAll(file->get(), buffer);
  if (error == 0 && sync && fsync(file->get()) != 0) error = errno;
  buffer.clear();
  if (error != 0) return tl::unexpected(ErrnoError(directory_->PathOf(name), error));
  return {};
}

}  // namespace pipeline
