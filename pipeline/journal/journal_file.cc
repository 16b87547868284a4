#include "pipeline/journal/journal_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>

#include "pipeline/fs/files.h"
#include "pipeline/fs/zstd_file.h"

namespace pipeline {
namespace {

std::string TemporaryOf(const char* name) { return fmt::format("{}.new", name); }

// Decompresses `from`. Returns the number of bytes after decompression. Writes them, if `to` has a
// descriptor.
s3::Result<std::uint64_t> Expand(const NamedFile& from, const NamedFile& to) {
  ZstdReader reader(from);
  std::string buffer(128 << 10, '\0');
  for (std::uint64_t total = 0;;) {
    const auto got = reader.Read(buffer);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return total;
    total += *got;
    if (to.fd < 0) continue;
    const int error = WriteAll(to.fd, {buffer.data(), *got});
    if (error != 0) return tl::unexpected(ErrnoError(to.path, error));
  }
}

// Decompresses the file once more, and compares the number of bytes; its checksum protects the content.
s3::Result<void> Verify(const OwnDir& directory, const std::string& name, std::uint64_t bytes) {
  const auto file = directory.Read(name);
  if (!file) return tl::unexpected(file.error());
  const auto found = Expand({file->get(), directory.PathOf(name)}, {});
  if (!found) return tl::unexpected(found.error());
  if (*found == bytes) return {};
  return s3::Fail(s3::ErrorKind::kLocal, fmt::format("{} has {} bytes after decompression instead of {}",
                                                     directory.PathOf(name), *found, bytes));
}

bool IsSameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size;
}

// Lets `write` write a new file, and gives it the name `to` when it is on the disk. Then removes `from`,
// whose descriptor is `from_fd`. If this process hung for so long that another one has taken over the
// directory, the name `from` is another file, or the file has grown. Then it stays.
s3::Result<void> Replace(const OwnDir& directory, const char* from, int from_fd, const char* to,
                         const std::function<s3::Result<void>(const NamedFile&)>& write) {
  struct stat before {
  }, now{};
  if (fstat(from_fd, &before) != 0) return tl::unexpected(ErrnoError(directory.PathOf(from), errno));
  const auto temporary = TemporaryOf(to);
  directory.Remove(temporary);  // a killed process may have left it
  const auto file = directory.Create(temporary, 0600);
  if (!file) return tl::unexpected(file.error());
  const auto path = directory.PathOf(temporary);
  auto done = write({file->get(), path});
  if (done && renameat(directory.fd(), temporary.c_str(), directory.fd(), to) != 0) {
    done = tl::unexpected(ErrnoError(path, errno));
  }
  if (!done) {
    directory.Remove(temporary);
    return done;
  }
  if (const int error = SyncDirectory(directory.fd()); error != 0) {
    return tl::unexpected(ErrnoError(directory.path(), error));
  }
  const bool is_there = fstatat(directory.fd(), from, &now, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_there && !IsSameFile(before, now)) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    directory.PathOf(from) + " was changed by another process, and stays as it is");
  }
  directory.Remove(from);
  return {};
}

s3::Result<void> Sync(const NamedFile& file) {
  if (fsync(file.fd) == 0) return {};
  return tl::unexpected(ErrnoError(file.path, errno));
}

}  // namespace

bool HasJournal(const OwnDir& directory) {
  // The first name is tried again: between the two calls another process may have decompressed the journal.
  return directory.Has(kJournalName) || directory.Has(kCompressedJournalName) || directory.Has(kJournalName);
}

bool HasJournal(const std::string& directory) {
  const auto has = [&](const char* name) {
    return access(fmt::format("{}/{}", directory, name).c_str(), F_OK) == 0;
  };
  return has(kJournalName) || has(kCompressedJournalName) || has(kJournalName);
}

std::string JournalPathIn(const std::string& directory) {
  auto plain = fmt::format("{}/{}", directory, kJournalName);
  auto compressed = fmt::format("{}/{}", directory, kCompressedJournalName);
  const bool is_compressed = access(plain.c_str(), F_OK) != 0 && access(compressed.c_str(), F_OK) == 0;
  return is_compressed ? compressed : plain;
}

s3::Result<std::optional<JournalFile>> FindJournalNamed(const OwnDir& directory, const std::string& name) {
  auto file = directory.Find(name);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return std::nullopt;
  return JournalFile{std::move(**file), directory.PathOf(name), name == kCompressedJournalName};
}

s3::Result<std::optional<JournalFile>> FindJournal(const OwnDir& directory) {
  for (const auto* name : {kJournalName, kCompressedJournalName}) {
    auto file = FindJournalNamed(directory, name);
    if (!file || *file) return file;
  }
  return FindJournalNamed(directory, kJournalName);  // see HasJournal()
}

s3::Result<JournalFile> ReadJournal(const OwnDir& directory) {
  auto file = FindJournal(directory);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return tl::unexpected(ErrnoError(directory.PathOf(kJournalName), ENOENT));
  return std::move(**file);
}

s3::Result<void> CompressJournal(const OwnDir& directory, const std::stop_token& stop) {
  const auto plain = directory.Read(kJournalName);
  if (!plain) return tl::unexpected(plain.error());
  return Replace(directory, kJournalName, plain->get(), kCompressedJournalName, [&](const NamedFile& to) {
    const NamedFile from{plain->get(), directory.PathOf(kJournalName)};
    return CompressFile(from, to, stop).and_then([&](std::uint64_t bytes) {
      return Sync(to).and_then([&] { return Verify(directory, TemporaryOf(kCompressedJournalName), bytes); });
    });
  });
}

s3::Result<bool> ExpandJournal(const OwnDir& directory) {
  const bool is_plain = directory.Has(kJournalName);
  auto compressed =
      is_plain ? std::optional<JournalFile>() : FindJournalNamed(directory, kCompressedJournalName);
  if (!compressed) return tl::unexpected(compressed.error());
  if (*compressed) {
    const auto fd = (*compressed)->fd.get();
    const auto expanded =
        Replace(directory, kCompressedJournalName, fd, kJournalName, [&](const NamedFile& to) {
          return Expand({fd, (*compressed)->path}, to).and_then([&](std::uint64_t) { return Sync(to); });
        });
    if (!expanded) return tl::unexpected(expanded.error());
  }
  for (const auto* name : {kJournalName, kCompressedJournalName}) directory.Remove(TemporaryOf(name));
  if (is_plain) directory.Remove(kCompressedJournalName);
  return compressed->has_value();
}

}  // namespace pipeline
