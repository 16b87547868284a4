#include "pipeline/journal/open_uploads.h"

#include <utility>

namespace pipeline {

void OpenUploads::Apply(CreatingRecord record) {
  const s3::MutexLock lock(mutex_);
  auto& creation = creations_[record.token];
  creation = std::move(record);
}

void OpenUploads::Apply(UploadRecord record, bool outdated) {
  const s3::MutexLock lock(mutex_);
  const auto token = record.token;
  // If the request was sent several times, it may have created several uploads, and only one of them has a
  // known ID. Then the creation stays in the list, so that the other uploads are searched for.
  if (record.created_once) creations_.erase(token);
  tokens_[InputIdOf(record.path, record.key)] = token;
  uploads_[token] = {.record = std::move(record), .outdated = outdated};
  UpdateAny();
}

void OpenUploads::Apply(PartRecord record) {
  const s3::MutexLock lock(mutex_);
  const auto upload = uploads_.find(record.token);
  auto& parts = upload != uploads_.end() ? upload->second.parts : parts_of_plan_[record.token];
  const int number = record.number;
  parts[number] = std::move(record);
}

void OpenUploads::Apply(const CompletingRecord& record) {
  const s3::MutexLock lock(mutex_);
  const auto upload = uploads_.find(record.token);
  if (upload != uploads_.end()) upload->second.completing = true;
}

void OpenUploads::Apply(const GoneRecord& record) {
  const s3::MutexLock lock(mutex_);
  creations_.erase(record.token);
  const auto upload = uploads_.find(record.token);
  if (upload == uploads_.end()) return;
  const auto of_input = tokens_.find(InputIdOf(upload->second.record.path, upload->second.record.key));
  if (of_input != tokens_.end() && of_input->second == record.token) tokens_.erase(of_input);
  uploads_.erase(upload);
  UpdateAny();
}

void OpenUploads::ApplyUploaded(const InputId& input) {
  if (!any_) return;
  const s3::MutexLock lock(mutex_);
  const auto token = tokens_.find(input);
  if (token == tokens_.end()) return;
  uploads_.erase(token->second);
  tokens_.erase(token);
  UpdateAny();
}

std::optional<OpenUpload> OpenUploads::Take(const InputFile& file) {
  if (!any_) return std::nullopt;
  const s3::MutexLock lock(mutex_);
  const auto token = tokens_.find(InputIdOf(file));
  if (token == tokens_.end()) return std::nullopt;
  const auto upload = uploads_.find(token->second);
  tokens_.erase(token);
  // The upload is missing only if two inputs have the same token. s3flow writes no such journal.
  if (upload == uploads_.end()) return std::nullopt;
  auto taken = std::move(upload->second);
  uploads_.erase(upload);
  return taken;
}

std::vector<OpenUpload> OpenUploads::TakeAll() {
  const s3::MutexLock lock(mutex_);
  std::vector<OpenUpload> taken;
  for (auto& [token, upload] : uploads_) taken.push_back(std::move(upload));
  uploads_.clear();
  tokens_.clear();
  return taken;
}

std::optional<std::uint64_t> OpenUploads::PartBytes(const InputFile& file) const {
  if (!any_) return std::nullopt;
  const s3::MutexLock lock(mutex_);
  const auto token = tokens_.find(InputIdOf(file));
  if (token == tokens_.end()) return std::nullopt;
  const auto upload = uploads_.find(token->second);
  if (upload == uploads_.end()) return std::nullopt;
  const auto& record = upload->second.record;
  if (record.size_bytes != file.size_bytes || record.part_bytes == 0) return std::nullopt;
  return record.part_bytes;
}

std::vector<CreatingRecord> OpenUploads::creations() const {
  const s3::MutexLock lock(mutex_);
  std::vector<CreatingRecord> all;
  for (const auto& [token, creation] : creations_) all.push_back(creation);
  return all;
}

const PartRecords* OpenUploads::PartsOfPlan(const std::string& token) const {
  const s3::MutexLock lock(mutex_);
  const auto parts = parts_of_plan_.find(token);
  return parts != parts_of_plan_.end() ? &parts->second : nullptr;
}

}  // namespace pipeline
