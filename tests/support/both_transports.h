// Runs a suite once through each transport.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "s3/options.h"
#include "s3/transport/transport_choice.h"

namespace test {

class BothTransports : public testing::TestWithParam<s3::TransportKind> {
 protected:
  static s3::TransportOptions Options() {
    s3::TransportOptions options;
    options.kind = GetParam();
    return options;
  }
  static bool IsDirect() { return GetParam() == s3::TransportKind::kDirect; }
};

inline std::string KindName(const testing::TestParamInfo<s3::TransportKind>& info) {
  return info.param == s3::TransportKind::kDirect ? "Direct" : "Libcurl";
}

inline const auto kBothTransports = testing::Values(s3::TransportKind::kDirect, s3::TransportKind::kLibcurl);

}  // namespace test
