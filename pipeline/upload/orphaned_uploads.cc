#include "pipeline/upload/orphaned_uploads.h"

#include <fmt/format.h>

#include <set>

#include "pipeline/report/format.h"
#include "s3/client/multipart.h"

namespace pipeline {
namespace {

// A request may be under way this long, and clocks tell whole seconds.
constexpr std::int64_t kEarliestSeconds = -60, kLatestSeconds = 600;

class Sweep {
 public:
  Sweep(s3::Client* client, std::chrono::seconds clock_offset, Journal* journal)
      : client_(client), clock_offset_(clock_offset), journal_(journal) {}

  void End(const UploadRecord& record) {
    known_.insert(record.upload_id);
    if (EndUpload(record.key, record.token, record.upload_id)) Note(record.token);
  }

  void Find(const Creation& creation) {
    const auto listed = s3::ListUploadsOf(client_, creation.key);
    if (!listed) return Problem(creation.key, listed.error());
    const auto sent_s = creation.time_s + clock_offset_.count();
    bool all_ended = true;
    for (const auto& upload : *listed) {
      const auto after_s = upload.initiated_s - sent_s;
      const bool ours =
          after_s >= kEarliestSeconds && after_s <= kLatestSeconds && !known_.contains(upload.upload_id);
      if (!ours || HasParts(creation.key, upload.upload_id)) continue;
      all_ended = EndUpload(creation.key, creation.token, upload.upload_id) && all_ended;
    }
    if (all_ended) Note(creation.token);
  }

  OrphanedUploads result() && { return std::move(leftovers_); }

 private:
  s3::MultipartUpload Upload(const std::string& key, const std::string& token, const std::string& id) {
    return {client_, {key, &no_properties_}, token, id};
  }

  bool HasParts(const std::string& key, const std::string& id) {
    const auto parts = Upload(key, "", id).ListParts([](const s3::RetryEvent&) {});
    return !parts || !parts->empty();
  }

  // True when it is certain that it is gone.
  bool EndUpload(const std::string& key, const std::string& token, const std::string& id) {
    const auto upload = Upload(key, token, id);
    const auto parts = upload.ListParts([](const s3::RetryEvent&) {});
    if (!parts && s3::IsNoSuchUpload(parts.error())) {
      ++leftovers_.gone;
      return true;
    }
    if (journal_ == nullptr) {
      ++leftovers_.aborted;
      return false;
    }
    const auto aborted = upload.Abort([](const s3::RetryEvent&) {});
    if (!aborted.answer) {
      Problem(key, aborted.answer.error());
      return false;
    }
    ++leftovers_.aborted;
    return true;
  }

  void Note(const std::string& token) {
    if (journal_ == nullptr) return;
    if (const auto written = journal_->Append(GoneLine(token)); !written) {
      leftovers_.problems.push_back(written.error().message);
    }
  }

  void Problem(const std::string& key, const s3::Error& error) {
    leftovers_.problems.push_back(
        fmt::format("{}: its upload could not be ended: {}", Printable(key), Printable(error.message)));
  }

  s3::Client* const client_;
  const std::chrono::seconds clock_offset_;
  Journal* const journal_;
  const s3::ObjectProperties no_properties_;
  std::set<std::string> known_;
  OrphanedUploads leftovers_;
};

}  // namespace

OrphanedUploads AbortOrphanedUploads(s3::Client* client, std::chrono::seconds clock_offset, History* history,
                                     Journal* journal) {
  Sweep sweep(client, clock_offset, journal);
  for (const auto& upload : history->TakeUploads()) sweep.End(upload.record);
  for (const auto& creation : history->creations()) sweep.Find(creation);
  return std::move(sweep).result();
}

}  // namespace pipeline
