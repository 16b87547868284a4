#include "s3/part_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace s3 {
namespace part_plan_test {

using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1 << 20, kGiB = 1 << 30, kTiB = 1ull << 40;

TEST(PlanTest, ThresholdsAndPartSizes) {
  const PlanOptions options;
  const StoreLimits limits;
  struct Case {
    std::uint64_t size;
    int parts;
    std::uint64_t part_bytes;
  };
  for (const auto& [size, parts, part_bytes] : std::initializer_list<Case>{
           {0, 0, 0},
           {1, 0, 0},
           {32 * kMiB, 0, 0},
           {32 * kMiB + 1, 3, 16 * kMiB},
           {2 * kGiB, 128, 16 * kMiB},
           {160'000 * kMiB, 10'000, 16 * kMiB},
           {160'000 * kMiB + 1, 9'412, 17 * kMiB},  // parts grow instead of becoming too many
           {50'000 * kGiB, 10'000, 5 * kGiB},
       }) {
    const auto plan = PlanUpload(size, options, limits);
    ASSERT_TRUE(plan) << size;
    EXPECT_EQ(plan->parts, parts) << size;
    EXPECT_EQ(plan->part_bytes, part_bytes) << size;
  }
  EXPECT_THAT(PlanUpload(50'000 * kGiB + 1, options, limits).error().message,
              HasSubstr("at most 10000 parts"));
}

TEST(PlanTest, OnePartIsOnePut) {
  const PlanOptions options{.part_bytes = 64 * kMiB, .multipart_threshold_bytes = 8 * kMiB};
  EXPECT_EQ(PlanUpload(64 * kMiB, options, {})->parts, 0);
  EXPECT_EQ(PlanUpload(64 * kMiB + 1, options, {})->parts, 2);
}

TEST(PlanTest, AThresholdAboveFiveGibIsCut) {
  const PlanOptions options{.multipart_threshold_bytes = 100 * kGiB};
  EXPECT_EQ(PlanUpload(5 * kGiB, options, {})->parts, 0);
  EXPECT_GT(PlanUpload(5 * kGiB + 1, options, {})->parts, 1);
}

TEST(PlanTest, PartsThatMemoryCannotHoldNameTheOption) {
  const PlanOptions options{.max_body_bytes = 64 * kMiB};
  EXPECT_TRUE(PlanUpload(640'000 * kMiB, options, {}));
  EXPECT_THAT(PlanUpload(640'000 * kMiB + 1, options, {}).error().message, HasSubstr("limits.memory"));
}

// Checks what S3 requires of every plan, for all options and limits.
void ExpectLegal(const PartPlan& plan, std::uint64_t size, const PlanOptions& options,
                 const StoreLimits& limits) {
  if (!plan.is_multipart()) {
    ASSERT_LE(size, std::min(limits.max_put_bytes, options.max_body_bytes));
    ASSERT_EQ(plan.Range(1).bytes, size);
    return;
  }
  ASSERT_LE(plan.parts, limits.max_parts);
  ASSERT_LE(plan.part_bytes, std::min(limits.max_part_bytes, options.max_body_bytes));
  if (plan.parts > 1) {
    ASSERT_GE(plan.part_bytes, limits.min_part_bytes);
  }
  // The parts are contiguous by construction: all but the last have the same size, and the last one is not
  // empty and ends where the object ends.
  const auto last = plan.Range(plan.parts);
  ASSERT_EQ(last.offset, static_cast<std::uint64_t>(plan.parts - 1) * plan.part_bytes);
  ASSERT_GT(last.bytes, 0u);
  ASSERT_LE(last.bytes, plan.part_bytes);
  ASSERT_EQ(last.offset + last.bytes, size);
  ASSERT_EQ(plan.Range(1).offset, 0u);
}

TEST(PlanTest, AMillionRandomSizesAndLimitsAreLegal) {
  auto random = test::SeededRandom();
  const auto up_to = [&](int bits) {
    return random() & ((2ull << (random() % static_cast<unsigned>(bits))) - 1);
  };
  int multipart = 0, refused = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    StoreLimits limits;
    if (i % 2 == 0) {
      limits.min_part_bytes = 1 + up_to(30);
      limits.max_part_bytes = limits.min_part_bytes + up_to(34);
      limits.max_parts = static_cast<int>(1 + up_to(14));
      limits.max_put_bytes = 1 + up_to(34);
    }
    const PlanOptions options{.part_bytes = 1 + up_to(34),
                              .multipart_threshold_bytes = up_to(36),
                              .max_body_bytes = i % 3 == 0 ? UINT64_MAX : 1 + up_to(36)};
    const auto size = up_to(46);
    const auto plan = PlanUpload(size, options, limits);
    if (plan) {
      ASSERT_NO_FATAL_FAILURE(ExpectLegal(*plan, size, options, limits)) << i;
      multipart += plan->is_multipart() ? 1 : 0;
    } else {
      // A plan is refused only when no legal plan exists: max_parts of the largest parts are too small for
      // the object, or the largest part is smaller than min_part_bytes.
      ++refused;
      const auto part = std::min(limits.max_part_bytes, options.max_body_bytes);
      const bool too_large = size / part + (size % part != 0) > static_cast<std::uint64_t>(limits.max_parts);
      ASSERT_TRUE(too_large || part < limits.min_part_bytes) << plan.error().message;
    }
  }
  EXPECT_GT(multipart, 100'000);
  EXPECT_GT(refused, 10'000);
}

TEST(StreamPlanTest, FortyEightTebibytesFit) {
  std::uint64_t total = 0;
  for (int number = 1; number <= 10'000; ++number) {
    const auto bytes = StreamPartBytes(number, {}, {});
    ASSERT_GE(bytes, 5 * kMiB);
    ASSERT_LE(bytes, 5 * kGiB);
    total += bytes;
  }
  EXPECT_GE(total, 48 * kTiB);
  EXPECT_EQ(StreamPartBytes(1, {}, {}), 16 * kMiB);
  EXPECT_EQ(StreamPartBytes(10'000, {.max_body_bytes = 128 * kMiB}, {}), 128 * kMiB);
}

}  // namespace part_plan_test
}  // namespace s3
