// Translates between the public values of s3flow/ and those of the pipeline. Pure functions, except for
// InputOf(); any thread.
#pragma once

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

// Returns the input that the pipeline uploads. Calls stat() for a file. If the input cannot become an object,
// returns its result.
Input InputOf(s3flow::Upload upload, const std::string& prefix);

s3flow::Error PublicError(const s3::Error& error);
// `stop_reason`: why the uploader has stopped; empty if it has not. It is added to the error of a cancelled
// input.
s3flow::UploadResult PublicResult(const ObjectResult& result, const std::string& stop_reason);

}  // namespace pipeline
