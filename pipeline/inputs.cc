#include "pipeline/inputs.h"

namespace pipeline {
namespace {

std::shared_ptr<Object> StreamObject(const SourceRoot& root, const std::string& key_prefix) {
  InputFile file;
  file.path = root.path;
  file.is_stream = true;
  file.key = key_prefix + root.prefix;
  file.relative_at = file.key.size();
  file.key += root.key.empty() ? root.path.substr(root.path.rfind('/') + 1) : root.key;
  return std::make_shared<Object>(std::make_shared<InputFile>(std::move(file)),
                                  std::make_shared<Stream>(root.path, root.size_bytes));
}

}  // namespace

Inputs InputsOf(const Options& options, const std::string& key_prefix) {
  Inputs inputs;
  for (const auto& root : options.source) {
    if (root.stream) inputs.streams.push_back(StreamObject(root, key_prefix));
    if (!root.stream) inputs.roots.push_back(root);
  }
  return inputs;
}

}  // namespace pipeline
