// The upload body: one task becomes one request, and the last task of an object its result.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>

#include "pipeline/journal/history.h"
#include "pipeline/journal/journal.h"
#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "pipeline/report/console.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/digest_scheduler.h"
#include "pipeline/upload/object.h"
#include "pipeline/upload/property_rules.h"
#include "pipeline/upload/skip.h"
#include "s3/client/client.h"

namespace pipeline {

// What the bodies of a run work with. Nothing is owned.
struct UploadContext {
  s3::Client* client;
  s3::Waiter* waiter;
  BufferPool* buffers;
  DigestScheduler* lanes;
  const PropertyRules* rules;
  Console* console;
  Progress* progress;
  Journal* journal;
  History* history;
  const SkipCheck* skip;  // null when all is uploaded
  const UploadOptions* options;
  // The most that one part of a stream may take: what waits for a slow writer holds its memory.
  std::uint64_t stream_part_bytes;
  std::stop_token stop;                                            // once requested, nothing new is begun
  std::function<void(std::chrono::milliseconds)> pause;            // suspends the body
  std::function<void(const Object&)> again;                        // see Source::Requeue
  std::function<void(std::shared_ptr<Object>, int)> stream_ready;  // see Source::StreamReady
};

// Thread-safe; called for as many tasks at once as the graph lets through. Whatever goes wrong
// comes back as a result: nothing is thrown.
class Uploader {
 public:
  explicit Uploader(UploadContext context) : context_(std::move(context)) {}

  // Nothing while other tasks of the object are not through, and when it is to be begun again.
  std::optional<ObjectResult> operator()(const UploadTask& task) noexcept;

 private:
  void Send(const UploadTask& task);
  void SendFilePart(const UploadTask& task);
  s3::Result<void> ReadAndSend(Object* object, const UploadTask& task, std::span<char> room);
  void SendStreamPart(const UploadTask& task);
  bool Begin(Object* object);
  void Open(Object* object);
  s3::Result<OpenFile> OpenSource(const InputFile& file);
  void CreateUpload(Object* object);
  void Join(Object* object);
  void GoOn(Object* object, const OpenUpload& open);
  void Discard(Object* object, const OpenUpload& open);
  bool Record(Object* object, const std::string& line);
  bool SendsFromFile(const Object& object) const;
  s3::Result<s3::Payload> ReadPayload(const Object& object, std::uint64_t offset, std::span<char> room) const;
  s3::Payload Digest(std::span<const char> bytes) const;
  s3::Result<void> SendWhole(Object* object, s3::Payload payload);
  s3::Result<void> SendPart(Object* object, int number, const s3::Payload& payload);

  static std::string PartDigest(const s3::Payload& payload);
  s3::Result<void> CheckPayload(const Object& object, std::uint64_t offset, std::span<char> room,
                                const s3::Payload& payload) const;
  s3::Result<void> CheckParts(const Object& object) const;
  s3::Result<void> ReadsStill(const Object& object, std::uint64_t offset, std::span<char> room,
                              const std::string& digest) const;

  std::optional<ObjectResult> End(Object* object);
  bool BeginsAgain(Object* object, const s3::Error& error);
  ObjectResult EndRange(Object* object);
  std::optional<s3::Error> Complete(Object* object);
  std::optional<s3::Error> EnsureTags(Object* object);
  std::optional<s3::Error> Abandon(Object* object, s3::Error error, bool completion_was_tried);
  void Verify(Object* object, std::optional<s3::Error>* error);
  bool IsThere(Object* object);
  bool IsTaken(Object* object);
  ObjectResult SkippedResult(const Object& object) const;
  ObjectResult ResultOf(const Object& object, std::optional<s3::Error> error) const;

  s3::ObjectTarget TargetOf(const Object& object) const { return {object.file().key, &object.properties}; }
  s3::RetryObserver Observer(const Object& object) const;

  const UploadContext context_;
};

}  // namespace pipeline
