#include "pipeline/plan/file_splitter.h"

#include <mutex>
#include <optional>

#include "pipeline/fs/io_retry.h"
#include "pipeline/runtime/parallel.h"
#include "pipeline/source/open_file.h"
#include "pipeline/upload/journaled_upload.h"
#include "s3/base/waiter.h"

namespace pipeline {
namespace {

// Leaves token and upload ID empty if the file cannot be opened.
s3::Result<void> CreateUpload(LargeFile* large, ClientFactory* store, Journal* journal,
                              const PropertyRules& rules) {
  const auto opened = RetryIo([large] { return OpenFile::Open(*large->file); });
  if (!opened) return {};
  s3::BlockingWaiter waiter;
  const auto client = store->MakeClient(&waiter);
  const auto properties = rules.PropertiesOf(*large->file, &opened->status());
  const auto created =
      CreateJournaled(client.get(), {large->file->key, &properties}, *large->file, large->plan,
                      large->file->mtime_ns, journal, &waiter, [](const s3::RetryEvent&) {});
  if (created.error) return tl::unexpected(*created.error);
  large->token = created.upload->token();
  large->upload_id = created.upload->upload_id();
  return {};
}

}  // namespace

std::vector<std::pair<int, int>> SplitParts(const s3::PartPlan& plan, int pieces) {
  std::vector<std::pair<int, int>> ranges;
  const auto first_part = [&](int piece) {
    return static_cast<int>(static_cast<std::int64_t>(plan.parts) * piece / pieces) + 1;
  };
  for (int piece = 0; piece < pieces; ++piece) {
    ranges.emplace_back(first_part(piece), first_part(piece + 1) - 1);
  }
  return ranges;
}

s3::Result<void> CreateUploads(std::vector<LargeFile>* files, ClientFactory* store, Journal* journal,
                               const PropertyRules& rules, std::stop_token stop) {
  std::mutex mutex;
  std::optional<s3::Error> first_error;
  const auto fail = [&](s3::Error error) {
    const std::lock_guard lock(mutex);
    if (!first_error) first_error = std::move(error);
    return false;
  };
  ForEachInParallel(files->size(), [&](std::size_t i) {
    auto& large = (*files)[i];
    if (!large.plan.is_multipart()) return true;
    if (stop.stop_requested()) return fail({.kind = s3::ErrorKind::kCancelled, .message = "stopped"});
    try {
      const auto created = CreateUpload(&large, store, journal, rules);
      return created ? true : fail(created.error());
    } catch (const std::exception& error) {
      return fail({.kind = s3::ErrorKind::kLocal, .message = error.what()});
    }
  });
  if (first_error) return tl::unexpected(*first_error);
  return {};
}

}  // namespace pipeline
