// The journal, what is read of it, and the lock of a run directory.
#include "pipeline/journal/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "pipeline/journal/checksummed_line.h"
#include "pipeline/journal/history.h"
#include "pipeline/journal/record.h"
#include "pipeline/journal/run_lock.h"
#include "s3/hash/checksum.h"
#include "tests/support/mutator.h"

namespace pipeline {
namespace {

using testing::HasSubstr;

TEST(RunLockTest, ReleasedAndStaleOnesAreTakenOver) {
  const test::TempDir directory;
  const auto path = directory.path();
  const auto run_dir = OwnDir::Open(path).value();
  {
    EXPECT_TRUE(RunLock::Acquire(run_dir, [] {}));
  }
  {
    EXPECT_TRUE(RunLock::Acquire(run_dir, [] {})) << "released";
  }
  // A process of this machine that is no more: no process has the number 0 at that time.
  std::string text = test::ReadAll(path + "/locks/2");
  text = text.substr(0, text.find('\n'));  // the boot and the name space
  directory.Write("locks/3", text + "\nhere\n999999999\n1\n");
  {
    EXPECT_TRUE(RunLock::Acquire(run_dir, [] {})) << "of a dead process";
  }
  directory.Write("locks/5", "another boot/pid:[1]\nelsewhere\n1\n1\n");
  const auto held = RunLock::Acquire(run_dir, [] {});
  ASSERT_FALSE(held);
  EXPECT_THAT(held.error().message, HasSubstr("process 1 on elsewhere, which gave a sign of life"));
  const timespec old[] = {{1, 0}, {1, 0}};
  utimensat(AT_FDCWD, (path + "/locks/5").c_str(), old, 0);
  {
    EXPECT_TRUE(RunLock::Acquire(run_dir, [] {})) << "no sign of life for long";
  }
}

// Field 3 is the state, 20 the number of threads, 22 the start.
std::string StatOf(const std::string& state, int threads) {
  return fmt::format("77 (a ) b) {} 1 77 77 0 -1 4 0 0 0 0 0 0 0 0 20 0 {} 0 4711 0 0", state, threads);
}

TEST(RunLockTest, AZombieHasEndedButNotOneWhoseOtherThreadsRun) {
  EXPECT_EQ(ParseProcessState(StatOf("S", 1)).start, 4711u);
  EXPECT_FALSE(ParseProcessState(StatOf("S", 1)).has_ended);
  EXPECT_FALSE(ParseProcessState(StatOf("D", 9)).has_ended);
  EXPECT_TRUE(ParseProcessState(StatOf("Z", 1)).has_ended);
  EXPECT_TRUE(ParseProcessState(StatOf("X", 0)).has_ended);
  EXPECT_FALSE(ParseProcessState(StatOf("Z", 3)).has_ended) << "one of them may be in a write";
  EXPECT_EQ(ParseProcessState("").start, 0u);
  EXPECT_EQ(ParseProcessState("77 (name)").start, 0u);
}

TEST(RunLockTest, OfAnUnknownRealmTheSignOfLifeDecides) {
  const test::TempDir directory;
  const auto run_dir = OwnDir::Open(directory.path()).value();
  {
    EXPECT_TRUE(RunLock::Acquire(run_dir, [] {}));
  }
  directory.Write("locks/2", "\nhere\n1\n0\n");  // by a process that saw no /proc
  EXPECT_FALSE(RunLock::Acquire(run_dir, [] {}));
  const timespec old[] = {{1, 0}, {1, 0}};
  utimensat(AT_FDCWD, (directory / "locks/2").c_str(), old, 0);
  {
    EXPECT_TRUE(RunLock::Acquire(run_dir, [] {}));
  }
}

TEST(RunLockTest, OneOfManyGetsIt) {
  for (int round = 0; round < 50; ++round) {
    const test::TempDir directory;
    std::atomic<int> holders{0}, most{0}, got{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const auto lock = RunLock::Acquire(OwnDir::Open(directory.path()).value(), [] {});
        if (!lock) return;
        ++got;
        most = std::max(most.load(), ++holders);
        std::this_thread::yield();
        --holders;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_GE(got, 1);
    EXPECT_EQ(most, 1);
  }
}

TEST(JournalTest, OneSyncServesManyAndAFailureIsFinal) {
  const test::TempDir directory;
  int failures = 0;
  auto journal =
      Journal::Open(OwnDir::Open(directory.path()).value(), 0, [&](const s3::Error&) { ++failures; }).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      s3::BlockingWaiter waiter;
      for (int k = 0; k < 20; ++k) EXPECT_TRUE(journal->AppendDurably(CompletingLine("t"), &waiter));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(test::Lines(test::ReadAll(directory / "journal.jsonl")).size(), 320u);
  EXPECT_EQ(journal->size_bytes(), std::filesystem::file_size(directory / "journal.jsonl"));

  rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{journal->size_bytes() + 10, limit.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_FALSE(journal->Append(CompletingLine("t")));
  setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_FALSE(journal->Append(CompletingLine("t"))) << "half a line stands before";
  EXPECT_FALSE(journal->Sync());
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(History::Load(directory / "journal.jsonl").value().torn_bytes(), 10u);
}

// Names with and without escapes take two ways to the same.
// Most texts are written by hand: exactly as the library writes them.
TEST(SealedLineTest, EveryCharacterIsWrittenAsTheJsonLibraryDoes) {
  for (int c = 0; c < 256; ++c) {
    const std::string value{'"', static_cast<char>(c), '\\', 'x', static_cast<char>(c)};
    ChecksummedLine line("test");
    line.Text("value", value);
    const auto text = std::move(line).Seal();
    const auto written = nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    EXPECT_THAT(text, HasSubstr(R"(,"value":)" + written + R"(,"crc":")")) << c;
    EXPECT_TRUE(IsIntact(std::string_view(text).substr(0, text.size() - 1))) << c;
  }
}

TEST(HistoryTest, ResultsAreReadBackAsTheyWereWritten) {
  const test::TempDir directory;
  auto random = test::SeededRandom();
  std::vector<InputFile> files;
  std::string text;
  for (int i = 0; i < 2'000; ++i) {
    InputFile file{"/data/" + std::to_string(i), "k" + std::to_string(i), random() >> (random() % 64)};
    file.mtime_ns = static_cast<std::int64_t>(random()) >> (random() % 60);
    constexpr std::string_view kOdd = "plain\"\\\n\x01\xff\xc3\xa4";
    for (auto n = random() % 4; i % 2 == 0 && n > 0; --n) file.path += kOdd[random() % kOdd.size()];
    ObjectResult result;
    result.file = std::make_shared<InputFile>(file);
    result.outcome = Outcome::kUploaded;
    result.size_bytes = file.size_bytes;
    result.mtime_ns = file.mtime_ns;
    text += ResultLine(result);
    files.push_back(std::move(file));
  }
  directory.Write("journal.jsonl", text);
  const auto history = History::Load(directory / "journal.jsonl").value();
  EXPECT_EQ(history.settled().uploaded, files.size());
  for (auto& file : files) {
    EXPECT_EQ(history.StateOf(file), History::InputState::kDone) << file.path;
    ++file.size_bytes;
    EXPECT_EQ(history.StateOf(file), History::InputState::kStale) << file.path;
    file.key += "x";
    EXPECT_EQ(history.StateOf(file), History::InputState::kNew) << file.path;
  }
}

// Any bytes: read as far as they are a journal, or refused; lines with a right CRC that say nonsense, too.
TEST(HostileInputTest, Journals) {
  const InputFile file{"/p", "k", 5};
  ObjectResult result;
  result.file = std::make_shared<InputFile>(file);
  result.outcome = Outcome::kUploaded;
  const std::vector<std::string> seeds{
      RunLine({.session = 1,
               .scope = {RunKind::kRun, {"http://127.0.0.1:80"}, "b", "00"},
               .settings = "destination:\n  bucket: b\n",
               .job_file = "/job.yaml",
               .overrides = {"a.b=c"}}),
      CreatingLine("t", file, 1) + UploadLine({"t", "/p", "k", "id", 5, 5, 1, true}) +
          PartLine({"t", 1, 5, "e", "sha256:00"}) + CompletingLine("t") + ResultLine(result),
      GoneLine("t") + EndLine({0, true}), R"({"record":"part","token":5)"};
  const test::TempDir directory;
  test::Mutator mutator;
  for (int i = 0; i < test::Rounds() / 10; ++i) {
    auto text = mutator.Next(seeds) + (i % 3 == 0 ? "" : seeds[0]);
    if (i % 2 == 0) {  // what a CRC lets through
      const auto line = text.substr(0, text.find('\n'));
      const auto body = line.substr(0, line.rfind(",\"crc"));
      text = body + fmt::format(",\"crc\":\"{:08x}\"}}\n", s3::Crc32c(body));
    }
    directory.Write("journal.jsonl", text);
    auto history = History::Load(directory / "journal.jsonl");
    if (!history) continue;
    EXPECT_EQ(history->intact_bytes() + history->torn_bytes(), text.size());
    (void)history->StateOf(file);
    (void)history->PartBytes(file);
    (void)history->TakeUpload(file);
    (void)History::Load(directory / "journal.jsonl", History::Depth::kOpenUploads);
  }
}

ObjectResult ResultFor(const std::string& path, const std::string& key, Outcome outcome, int attempts = 1) {
  ObjectResult result;
  result.file = std::make_shared<InputFile>(InputFile{path, key, 5});
  result.outcome = outcome;
  result.size_bytes = 5;
  result.attempts = attempts;
  if (outcome == Outcome::kFailed) result.error = s3::Error{.kind = s3::ErrorKind::kPermanent};
  return result;
}

// Inputs a and b lead to the key k.
TEST(HistoryTest, AResultCountsUntilAnotherInputMayHaveWrittenItsKey) {
  const struct {
    Outcome outcome;
    int attempts;
    bool still_counts;
  } kOfOther[] = {{Outcome::kUploaded, 1, false},  {Outcome::kFailed, 3, false},
                  {Outcome::kFailed, 0, true},     {Outcome::kSkipped, 0, true},
                  {Outcome::kCancelled, 1, false}, {Outcome::kCancelled, 0, true}};
  const InputFile a{"/a", "k", 5}, b{"/b", "k", 5};
  for (const auto& [outcome, attempts, still_counts] : kOfOther) {
    const test::TempDir directory;
    directory.Write("journal.jsonl", ResultLine(ResultFor("/a", "k", Outcome::kUploaded)) +
                                         ResultLine(ResultFor("/b", "k", outcome, attempts)));
    const auto history = History::Load(directory / "journal.jsonl").value();
    EXPECT_EQ(history.FindSettled(a).has_value(), still_counts) << OutcomeName(outcome) << attempts;
    EXPECT_EQ(history.FindSettled(b).has_value(),
              outcome == Outcome::kUploaded || outcome == Outcome::kSkipped);
  }
}

TEST(HistoryTest, OnlyTheLastResultCountsAndOnlyWithThePropertiesOfNow) {
  const auto session = [](const char* objects) {
    return RunLine({.session = 1, .scope = {RunKind::kRun, {"http://127.0.0.1:80"}, "b", objects}});
  };
  const auto uploaded = ResultLine(ResultFor("/a", "k", Outcome::kUploaded));
  const auto upload = UploadLine({"token", "/large", "l", "id", 5, 5, 1, true});
  const InputFile a{"/a", "k", 5}, large{"/large", "l", 5};
  const RunScope now{RunKind::kRun, {"http://127.0.0.1:80"}, "b", "new"};
  const struct {
    std::string journal;
    bool counts;
  } kJournals[] = {{session("new") + uploaded + upload, true},
                   {session("old") + uploaded + upload, false},
                   {session("new") + uploaded + session("old") + uploaded + upload, false},
                   {session("old") + uploaded + session("new") + uploaded + upload, true},
                   {uploaded + upload, true}};  // of a version that did not record it
  for (const auto& [journal, counts] : kJournals) {
    const test::TempDir directory;
    directory.Write("journal.jsonl", journal);
    auto history = History::Load(directory / "journal.jsonl", History::Depth::kAll, &now).value();
    EXPECT_EQ(history.FindSettled(a).has_value(), counts) << journal;
    EXPECT_EQ(history.settled().uploaded, counts ? 1u : 0u) << journal;
    EXPECT_EQ(history.TakeUpload(large)->outdated, !counts) << journal;
    EXPECT_TRUE(History::Load(directory / "journal.jsonl").value().FindSettled(a))
        << "of whoever asks for all";
  }
}

}  // namespace
}  // namespace pipeline
