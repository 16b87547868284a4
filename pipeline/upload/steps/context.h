// Pointers and values that the steps of an upload (opener, payload reader, part sender, finisher) share in
// one run.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "pipeline/journal/history.h"
#include "pipeline/journal/journal.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "pipeline/report/console.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/digest_scheduler.h"
#include "pipeline/upload/object.h"
#include "pipeline/upload/property_rules.h"
#include "pipeline/upload/skip.h"
#include "pipeline/upload/tasks_in_flight.h"
#include "s3/base/slot_time.h"
#include "s3/client/client.h"

namespace pipeline {

// Owns nothing. The target of each pointer is thread-safe and outlives the uploads.
struct UploadContext {
  s3::Client* client;
  s3::Waiter* waiter;  // suspends the task, which holds no thread then
  BufferPool* buffers;
  DigestScheduler* digests;
  const PropertyRules* rules;
  Console* console;
  Progress* progress;
  Journal* journal;  // null: nothing is recorded, so nothing can be resumed
  History* history;
  const SkipCheck* skip;  // null: every file is uploaded
  const UploadOptions* options;
  // The maximum part size of a stream. It is limited, because a part holds its memory while it waits for a
  // slow writer.
  std::uint64_t stream_part_bytes;
  std::stop_token stop;                                            // after a stop request, no new work starts
  std::function<void(std::chrono::milliseconds)> pause;            // suspends the task
  std::function<void(const Object&)> requeue;                      // gives an input back to the source
  std::function<void(std::shared_ptr<Object>, int)> stream_ready;  // see Source::StreamReady
  TasksInFlight* tasks;
  s3::SlotTime* slot_time = nullptr;  // null: time is not counted
};

// Returns the key and properties of the object, for requests. Valid as long as `object`.
s3::ObjectTarget TargetOf(const Object& object);
// Returns an observer that counts and shows retries. Valid as long as both arguments.
s3::RetryObserver ObserveRetries(const UploadContext& context, const Object& object);
// Appends a line to the journal, if there is one. If that fails, cancels the object and returns false; the
// journal's on_failure has already stopped the run.
bool Record(const UploadContext& context, Object* object, const std::string& line);

}  // namespace pipeline
