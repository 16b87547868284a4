#include "s3/hash/checksum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "tests/support/support.h"

namespace s3 {
namespace checksum_test {

std::string RandomBytes(std::mt19937_64* random, std::size_t size) {
  std::string bytes(size, '\0');
  for (auto& c : bytes) c = static_cast<char>((*random)());
  return bytes;
}

// The check values of https://reveng.sourceforge.io/crc-catalogue/all.htm
TEST(ChecksumTest, CatalogueValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc64Nvme("123456789"), 0xae8b14860a799888u);
  EXPECT_EQ(Crc64NvmeByTable("123456789"), 0xae8b14860a799888u);
  EXPECT_EQ(Crc32("123456789"), 0xcbf43926u);
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc64Nvme(""), 0u);
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html: 65 KiB of 'a' + 1 KiB
TEST(ChecksumTest, PublishedExample) {
  EXPECT_EQ(ChecksumText(ChecksumAlgorithm::kCrc32c, std::string(66560, 'a')), "sOO8/Q==");
}

TEST(ChecksumTest, MultiplicationEqualsTheTableAtEveryLength) {
  auto random = test::SeededRandom();
  const auto bytes = RandomBytes(&random, 5000);
  for (std::size_t size = 0; size < 700; ++size) {
    const auto piece = std::string_view(bytes).substr(random() % 64, size);
    const auto previous = random();
    ASSERT_EQ(Crc64Nvme(piece, previous), Crc64NvmeByTable(piece, previous)) << size;
  }
}

TEST(ChecksumTest, PiecesAndCombinationsEqualTheWhole) {
  auto random = test::SeededRandom();
  for (int i = 0; i < 300; ++i) {
    const auto bytes = RandomBytes(&random, random() % 4000);
    const auto cut = bytes.empty() ? 0 : random() % bytes.size();
    const auto a = std::string_view(bytes).substr(0, cut), b = std::string_view(bytes).substr(cut);
    ASSERT_EQ(Crc32c(b, Crc32c(a)), Crc32c(bytes));
    ASSERT_EQ(Crc64Nvme(b, Crc64Nvme(a)), Crc64Nvme(bytes));
    ASSERT_EQ(CombineCrc32c(Crc32c(a), Crc32c(b), b.size()), Crc32c(bytes));
    ASSERT_EQ(CombineCrc64Nvme(Crc64Nvme(a), Crc64Nvme(b), b.size()), Crc64Nvme(bytes));
  }
}

// Computes the CRC of 2^40 zero bytes only by combination, because hashing them would take too long.
TEST(ChecksumTest, SizesBeyond32BitsCombine) {
  const std::string zeros(1 << 20, '\0');
  auto crc32 = Crc32c(zeros);
  auto crc64 = Crc64Nvme(zeros);
  for (int i = 20; i < 40; ++i) {
    crc32 = CombineCrc32c(crc32, crc32, 1ull << i);
    crc64 = CombineCrc64Nvme(crc64, crc64, 1ull << i);
  }
  // Doubling from 1 MiB must give the same as adding 1 MiB at a time up to 2^32 bytes, then doubling.
  auto by_steps32 = Crc32c(zeros);
  auto by_steps64 = Crc64Nvme(zeros);
  for (int i = 1; i < (1 << 12); ++i) {
    by_steps32 = CombineCrc32c(by_steps32, Crc32c(zeros), 1 << 20);
    by_steps64 = CombineCrc64Nvme(by_steps64, Crc64Nvme(zeros), 1 << 20);
  }
  for (int i = 32; i < 40; ++i) {
    by_steps32 = CombineCrc32c(by_steps32, by_steps32, 1ull << i);
    by_steps64 = CombineCrc64Nvme(by_steps64, by_steps64, 1ull << i);
  }
  EXPECT_EQ(crc32, by_steps32);
  EXPECT_EQ(crc64, by_steps64);
}

TEST(ChecksumTest, TheCrcOfPartsIsThatOfTheWhole) {
  auto random = test::SeededRandom();
  const auto bytes = RandomBytes(&random, 10'000);
  for (const auto algorithm : {ChecksumAlgorithm::kCrc32c, ChecksumAlgorithm::kCrc64Nvme}) {
    CrcOfParts whole(algorithm);
    for (std::size_t offset = 0; offset < bytes.size(); offset += 3000) {
      const auto part = std::string_view(bytes).substr(offset, 3000);
      ASSERT_TRUE(whole.Add(ChecksumText(algorithm, part), part.size()));
    }
    EXPECT_EQ(whole.Text(), ChecksumText(algorithm, bytes));
    EXPECT_FALSE(whole.Add("not base64", 1));
    EXPECT_FALSE(whole.Add("AAA=", 1));
  }
}

#ifdef __x86_64__
// Intel's manual, volume 1, 13.6: XGETBV with ECX = 1 tells which register states of this thread are in use.
// Bit 2 is the upper halves of the vector registers.
__attribute__((target("xsave"))) bool UpperHalvesAreInUse() { return (_xgetbv(1) & 4) != 0; }
__attribute__((target("avx"))) void UseUpperHalves() {
  asm volatile("vpcmpeqd %%xmm0, %%xmm0, %%xmm0; vinsertf128 $1, %%xmm0, %%ymm0, %%ymm0" ::: "xmm0");
}
__attribute__((target("avx"))) void ClearUpperHalves() { _mm256_zeroupper(); }

bool ProcessorTellsWhatIsInUse() {
  unsigned eax = 0, ebx, ecx, edx;
  __get_cpuid_count(0xd, 1, &eax, &ebx, &ecx, &edx);
  if ((eax & 4) == 0 || !__builtin_cpu_supports("avx")) return false;
  UseUpperHalves();
  const bool used = UpperHalvesAreInUse();
  ClearUpperHalves();
  return used && !UpperHalvesAreInUse();
}

// Upper halves in use make SHA-256 of the same thread less than half as fast.
TEST(ChecksumTest, LeavesNoUpperHalvesOfVectorRegistersInUse) {
  if (!ProcessorTellsWhatIsInUse()) GTEST_SKIP() << "this processor does not say what is in use";
  const std::string bytes(100'000, 'x');
  for (const auto crc : {+[](std::string_view data) { return Crc32c(data); },
                         +[](std::string_view data) { return Crc32(data); }}) {
    UseUpperHalves();
    ASSERT_TRUE(UpperHalvesAreInUse());
    crc(bytes);
    EXPECT_FALSE(UpperHalvesAreInUse());
  }
}
#endif

}  // namespace checksum_test
}  // namespace s3
