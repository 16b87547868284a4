// A simulation of heat in a plate that writes checkpoints and uploads them while it computes. It runs twice,
// without and with uploads, and prints how long its frames took.
//
//   checkpoint ENDPOINT BUCKET [FRAMES]
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "options.h"
#include "s3flow/upload_node.h"

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::size_t kSide = 1024;       // the plate has kSide x kSide cells
constexpr int kFramesPerCheckpoint = 10;  // a checkpoint has 8 MiB
constexpr int kStepsPerFrame = 4;

class Plate {
 public:
  Plate() : now_(kSide * kSide), next_(kSide * kSide) {
    for (std::size_t column = 0; column < kSide; ++column) now_[column] = next_[column] = 100;
  }
  void Advance() {
    tbb::parallel_for(std::size_t{1}, kSide - 1, [this](std::size_t row) {
      for (std::size_t cell = row * kSide + 1; cell < (row + 1) * kSide - 1; ++cell) {
        next_[cell] = (now_[cell - 1] + now_[cell + 1] + now_[cell - kSide] + now_[cell + kSide]) / 4;
      }
    });
    std::swap(now_, next_);
  }
  const std::vector<double>& cells() const { return now_; }

 private:
  std::vector<double> now_, next_;
};

// Returns how long each frame took. `checkpoint` gets the plate after every tenth frame.
template <typename Checkpoint>
std::vector<double> Simulate(int frames, const Checkpoint& checkpoint) {
  Plate plate;
  std::vector<double> took;
  for (int frame = 1; frame <= frames; ++frame) {
    const auto start = Clock::now();
    for (int step = 0; step < kStepsPerFrame; ++step) plate.Advance();
    if (frame % kFramesPerCheckpoint == 0) checkpoint(frame, plate.cells());
    took.push_back(Milliseconds(Clock::now() - start).count());
  }
  return took;
}

void Print(const char* what, std::vector<double> took) {
  double sum = 0;
  for (const double one : took) sum += one;
  std::sort(took.begin(), took.end());
  std::printf("%-16s %zu frames: mean %.2f ms, median %.2f ms, 99 %% %.2f ms, longest %.2f ms\n", what,
              took.size(), sum / static_cast<double>(took.size()), took[took.size() / 2],
              took[took.size() * 99 / 100], took.back());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: checkpoint ENDPOINT BUCKET [FRAMES]\n");
    return 64;
  }
  const int frames = std::max(argc > 3 ? std::atoi(argv[3]) : 200, kFramesPerCheckpoint);
  auto uploader = s3flow::Uploader::Open(OptionsFor(argv[1], argv[2], "checkpoints/"));
  if (!uploader) {
    std::fprintf(stderr, "checkpoint: %s\n", uploader.error().message.c_str());
    return 78;
  }

  // Each run copies the plate, because the simulation changes it in the next frame.
  Print("without uploads:", Simulate(frames, [](int, std::vector<double> copy) {
          const s3flow::Buffer buffer = s3flow::MoveToBuffer(std::move(copy));
        }));

  tbb::flow::graph graph;
  s3flow::UploadNode upload(graph, std::move(*uploader));
  int stored = 0, lost = 0;
  tbb::flow::function_node<s3flow::UploadResult> count(graph, tbb::flow::serial,
                                                       [&](const s3flow::UploadResult& result) {
                                                         ++(IsStored(result) ? stored : lost);
                                                         return tbb::flow::continue_msg();
                                                       });
  tbb::flow::make_edge(upload, count);
  Print("with uploads:", Simulate(frames, [&upload](int frame, std::vector<double> copy) {
          auto checkpoint =
              s3flow::UploadBuffer(s3flow::MoveToBuffer(std::move(copy)), "frame-" + std::to_string(frame));
          checkpoint.headers = {{"x-amz-meta-frame", std::to_string(frame)}};
          upload.try_put(checkpoint);
        }));
  const auto end = Clock::now();
  graph.wait_for_all();
  std::printf("%d checkpoints stored, %d lost; the last was stored %.0f ms after the last frame\n", stored,
              lost, Milliseconds(Clock::now() - end).count());
  return lost == 0 ? 0 : 1;
}
