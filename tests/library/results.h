// Collects the results of an UploadNode.
#pragma once

#include <gtest/gtest.h>
#include <oneapi/tbb/flow_graph.h>

#include <cstddef>
#include <map>
#include <string>

#include "s3flow/upload.h"

namespace library_test {

class Results {
 public:
  explicit Results(tbb::flow::graph& graph)
      : node_(graph, tbb::flow::serial, [this](const s3flow::UploadResult& result) {
          EXPECT_TRUE(by_key_.emplace(result.key, result).second) << "two results of " << result.key;
          return tbb::flow::continue_msg();
        }) {}
  tbb::flow::receiver<s3flow::UploadResult>& port() { return node_; }
  // Call these after graph.wait_for_all().
  std::size_t size() const { return by_key_.size(); }
  const s3flow::UploadResult& of(const std::string& key) const { return by_key_.at(key); }
  const std::map<std::string, s3flow::UploadResult>& all() const { return by_key_; }

 private:
  std::map<std::string, s3flow::UploadResult> by_key_;
  tbb::flow::function_node<s3flow::UploadResult> node_;
};

}  // namespace library_test
