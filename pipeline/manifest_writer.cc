#include "pipeline/manifest_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "pipeline/files.h"
#include "pipeline/job_plan.h"

namespace pipeline {

ManifestWriter::ManifestWriter(std::string plan_dir, int shards)
    : plan_dir_(std::move(plan_dir)),
      buffer_bytes_(std::clamp<std::size_t>((64 << 20) / static_cast<std::size_t>(shards), 1 << 10, 1 << 20)),
      buffers_(static_cast<std::size_t>(shards)) {
  std::error_code none;  // what cannot be made cannot be written to, which is said then
  const auto directory = std::filesystem::path(ManifestPath(plan_dir_, 0)).parent_path();
  std::filesystem::remove_all(directory, none);
  std::filesystem::create_directories(directory, none);
}

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
  const auto path = ManifestPath(plan_dir_, shard);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return tl::unexpected(ErrnoError(path, errno));
  int error = WriteAll(fd, buffer);
  if (error == 0 && sync && fsync(fd) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  buffer.clear();
  if (error != 0) return tl::unexpected(ErrnoError(path, error));
  return {};
}

}  // namespace pipeline
