#include "pipeline/upload/orphaned_uploads.h"

#include <fmt/format.h>

#include <set>

#include "pipeline/report/format.h"
#include "s3/client/multipart.h"

namespace pipeline {
namespace {

// The upload's time in the store may differ from the request's time by this much, because clocks differ,
// times are whole seconds, and a request may be under way for minutes.
constexpr std::int64_t kEarliestSeconds = -60, kLatestSeconds = 600;

class Sweep {
 public:
  Sweep(s3::Client* client, std::chrono::seconds clock_offset, Journal* journal)
      : client_(client), clock_offset_(clock_offset), journal_(journal) {}

  // Aborts an upload whose ID is in the journal. Call it for all such uploads before FindAndAbort(), which
  // skips them.
  void Abort(const UploadRecord& record) {
    known_.insert(record.upload_id);
    if (AbortUpload(record.key, record.token, record.upload_id)) RecordGone(record.token);
  }

  // Finds and aborts uploads that a CreateMultipartUpload without a response may have created.
  void FindAndAbort(const CreatingRecord& creation) {
    const auto listed = s3::ListUploadsOf(client_, creation.key);
    if (!listed) return AddProblem(creation.key, listed.error());
    const auto sent_s = creation.time_s + clock_offset_.count();
    bool all_gone = true;
    for (const auto& upload : *listed) {
      const auto after_s = upload.initiated_s - sent_s;
      const bool is_own =
          after_s >= kEarliestSeconds && after_s <= kLatestSeconds && !known_.contains(upload.upload_id);
      if (is_own) all_gone = AbortUnused(creation, upload.upload_id) && all_gone;
    }
    if (all_gone) RecordGone(creation.token);
  }

  OrphanedUploads result() && { return std::move(orphans_); }

 private:
  s3::MultipartUpload Upload(const std::string& key, const std::string& token, const std::string& id) {
    return {client_, {key, &no_properties_}, token, id};
  }

  // Aborts the upload unless it has parts: then another program uses it. Returns true when it is certain that
  // no upload of `creation` is left behind this ID.
  bool AbortUnused(const CreatingRecord& creation, const std::string& id) {
    const auto parts = Upload(creation.key, "", id).ListParts([](const s3::RetryEvent&) {});
    if (!parts && !s3::IsNoSuchUpload(parts.error())) {
      AddProblem(creation.key, parts.error());
      return false;
    }
    if (parts && !parts->empty()) return true;
    return AbortUpload(creation.key, creation.token, id);
  }

  // Returns true when it is certain that the upload is gone.
  bool AbortUpload(const std::string& key, const std::string& token, const std::string& id) {
    const auto upload = Upload(key, token, id);
    const auto parts = upload.ListParts([](const s3::RetryEvent&) {});
    if (!parts && s3::IsNoSuchUpload(parts.error())) {
      ++orphans_.gone;
      return true;
    }
    if (journal_ == nullptr) {
      ++orphans_.aborted;
      return false;
    }
    const auto aborted = upload.Abort([](const s3::RetryEvent&) {});
    if (!aborted.response) {
      AddProblem(key, aborted.response.error());
      return false;
    }
    ++orphans_.aborted;
    return true;
  }

  void RecordGone(const std::string& token) {
    if (journal_ == nullptr) return;
    if (const auto written = journal_->Append(GoneLine(token)); !written) {
      orphans_.problems.push_back(written.error().message);
    }
  }

  void AddProblem(const std::string& key, const s3::Error& error) {
    orphans_.problems.push_back(fmt::format("{}: its multipart upload could not be aborted: {}",
                                            Printable(key), Printable(error.message)));
  }

  s3::Client* const client_;
  const std::chrono::seconds clock_offset_;
  Journal* const journal_;
  const s3::ObjectProperties no_properties_;
  std::set<std::string> known_;
  OrphanedUploads orphans_;
};

}  // namespace

OrphanedUploads AbortOrphanedUploads(s3::Client* client, std::chrono::seconds clock_offset, History* history,
                                     Journal* journal) {
  Sweep sweep(client, clock_offset, journal);
  for (const auto& upload : history->uploads().TakeAll()) sweep.Abort(upload.record);
  for (const auto& creation : history->uploads().creations()) sweep.FindAndAbort(creation);
  return std::move(sweep).result();
}

}  // namespace pipeline
