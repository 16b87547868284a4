// The upload body: one file becomes one result, in a straight line.
#pragma once

#include "pipeline/console.h"
#include "pipeline/message.h"
#include "pipeline/progress.h"
#include "s3/client.h"

namespace pipeline {

// Thread-safe; called for as many tasks at once as the graph lets through. Whatever goes wrong
// comes back as a result: nothing is thrown. None of the arguments is owned.
class Uploader {
 public:
  Uploader(s3::Client* client, Console* console, Progress* progress, std::stop_token stop)
      : client_(client), console_(console), progress_(progress), stop_(std::move(stop)) {}

  ObjectResult operator()(const UploadTask& task) noexcept;

 private:
  void Upload(const InputFile& file, ObjectResult* result);

  s3::Client* const client_;
  Console* const console_;
  Progress* const progress_;
  const std::stop_token stop_;  // once requested, nothing new is begun
};

}  // namespace pipeline
