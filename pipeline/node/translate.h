// Translates between the public values of s3flow/ and those of the pipeline. Pure functions, except for
// InputOf(); any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pipeline/message.h"
#include "pipeline/options.h"
#include "s3/options.h"
#include "s3flow/options.h"
#include "s3flow/upload.h"

namespace pipeline {

// Returns what is wrong with the options; nothing if they can be used.
std::optional<std::string> OptionsProblem(const s3flow::Options& options);

s3::Options StoreOptionsOf(const s3flow::Options& options);
Options RunOptionsOf(const s3flow::Options& options);

// An input of the program, before its file was looked at.
struct Submission {
  std::shared_ptr<InputFile> file;              // never null; without size and mtime, if it is a file
  std::unique_ptr<const s3::Error> error = {};  // why the input cannot become an object; null if it can
};
Submission SubmissionOf(s3flow::Upload upload, const std::string& prefix);

// Returns the input that the pipeline uploads. Calls stat() for a file, which blocks as long as its file
// system does. If the input cannot become an object, returns its result.
Input InputOf(Submission submission);

s3flow::Error PublicError(const s3::Error& error);
// `stop_reason`: why the uploader has stopped; empty if it has not. It is added to the error of a cancelled
// input.
s3flow::UploadResult PublicResult(const ObjectResult& result, const std::string& stop_reason);
// The same if there is no memory for it: without texts that need memory, and perhaps without the key.
s3flow::UploadResult ShortResult(const ObjectResult& result) noexcept;

}  // namespace pipeline
