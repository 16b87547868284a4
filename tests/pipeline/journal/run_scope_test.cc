#include "pipeline/journal/run_scope.h"

#include <gtest/gtest.h>

namespace pipeline {
namespace run_scope_test {

s3::Options AtEndpoint(const std::string& endpoint) {
  s3::Options options;
  options.destination.bucket = "b";
  options.destination.endpoint = endpoint;
  return options;
}

TEST(RunScopeTest, StoresAreComparedByTheirEndpoints) {
  const auto scope = ScopeOf({}, AtEndpoint("http://127.0.0.1:7480"));
  EXPECT_TRUE(IsSameStore(scope, ScopeOf({}, AtEndpoint("http://127.0.0.1:7480/"))));
  EXPECT_FALSE(IsSameStore(scope, ScopeOf({}, AtEndpoint("http://127.0.0.1:7481"))));
  auto several = AtEndpoint("");
  several.destination.endpoints = {"http://10.0.0.1", "http://127.0.0.1:7480"};
  EXPECT_TRUE(IsSameStore(scope, ScopeOf({}, several))) << "one endpoint in common";
  several.destination.bucket = "another";
  EXPECT_FALSE(IsSameStore(scope, ScopeOf({}, several)));
  EXPECT_TRUE(IsSameStore({}, scope)) << "of a version that did not record it";
  EXPECT_EQ(DescribeStore(scope), "bucket b at http://127.0.0.1:7480");
}

TEST(RunScopeTest, RegionsOfOneAwsPartitionAreOneStore) {
  const auto in = [](const std::string& region) {
    return ScopeOf({}, AtEndpoint("https://s3." + region + ".amazonaws.com"));
  };
  EXPECT_TRUE(IsSameStore(in("eu-central-1"), in("us-west-2")));
  EXPECT_FALSE(IsSameStore(in("us-gov-west-1"), in("us-west-2")));
}

TEST(RunScopeTest, ObjectsChangeWithTheirPropertiesAndNotWithConditions) {
  const auto s3_options = AtEndpoint("http://127.0.0.1:7480");
  Options options;
  const auto plain = ScopeOf(options, s3_options).objects;
  EXPECT_EQ(plain.size(), 6u);
  options.object.posix = true;
  const auto posix = ScopeOf(options, s3_options).objects;
  EXPECT_NE(posix, plain);
  options.object.posix = false;
  options.object.rules.push_back({"*.html", {}});
  EXPECT_NE(ScopeOf(options, s3_options).objects, plain);
}

TEST(RunScopeTest, KindsHaveNames) {
  for (const auto kind : {RunKind::kRun, RunKind::kPlan, RunKind::kRehearsal}) {
    EXPECT_EQ(RunKindOf(RunKindName(kind)), kind);
  }
  EXPECT_EQ(RunKindOf("unknown"), RunKind::kRun);
}

}  // namespace run_scope_test
}  // namespace pipeline
