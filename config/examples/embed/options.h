// Turns the command line of an example into options. Both examples use it.
#pragma once

#include <cstdio>
#include <string>

#include "s3flow/uploader.h"

// Credentials come from AWS's provider chain, for example from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
inline s3flow::Options OptionsFor(const std::string& endpoint, const std::string& bucket,
                                  const std::string& prefix) {
  s3flow::Options options;
  options.endpoint = endpoint;
  options.bucket = bucket;
  options.prefix = prefix;
  options.notice = [](std::string_view text) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  };
  return options;
}

// Returns true if the object is stored; prints why not otherwise.
inline bool IsStored(const s3flow::UploadResult& result) {
  if (result.uploaded() || result.status == s3flow::Status::kSkipped) return true;
  std::fprintf(stderr, "%s: %s: %s\n", result.key.c_str(), result.error->kind.c_str(),
               result.error->message.c_str());
  return false;
}
