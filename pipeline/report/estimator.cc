#include "pipeline/report/estimator.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pipeline {
namespace {

// How far the share of the objects may be from the first guess of SecondsLeft() (a standard deviation): this
// part of all time, and this part of the guess.
constexpr double kGuessOfTime = 0.35, kGuessOfGuess = 1;

double Increase(std::uint64_t from, std::uint64_t to) {
  return to > from ? static_cast<double>(to - from) : 0.0;
}

}  // namespace

std::optional<double> PercentDone(std::uint64_t inputs_done, std::uint64_t inputs, std::uint64_t bytes_done,
                                  std::uint64_t bytes) {
  if (inputs == 0) return std::nullopt;
  const auto [done, all] = bytes > 0 ? std::pair(bytes_done, bytes) : std::pair(inputs_done, inputs);
  const double percent = 100 * static_cast<double>(std::min(done, all)) / static_cast<double>(all);
  return inputs_done < inputs ? std::min(percent, 99.9) : percent;
}

Work Extrapolate(const Work& found, const Work& expected) {
  if (expected.inputs <= found.inputs) return found;
  if (found.inputs == 0 || expected.bytes > 0) {
    return {expected.inputs, std::max(expected.bytes, found.bytes)};
  }
  const double mean = static_cast<double>(found.bytes) / static_cast<double>(found.inputs);
  return {expected.inputs, static_cast<std::uint64_t>(mean * static_cast<double>(expected.inputs))};
}

void Estimator::Add(const Sample& sample) {
  recent_.push_back(sample);
  // Keeps one sample that is at least kWindow seconds old, so that the samples cover the whole window.
  while (recent_.size() > 2 && sample.seconds - recent_[1].seconds >= kWindow) recent_.pop_front();
  const double elapsed = sample.seconds - last_.seconds;
  if (elapsed < min_interval_) return;
  intervals_.push_back({sample.seconds, elapsed, Increase(last_.objects, sample.objects),
                        Increase(last_.bytes, sample.bytes)});
  last_ = sample;
  if (intervals_.size() > kMaxIntervals) MergeIntervals();
}

void Estimator::MergeIntervals() {
  std::deque<Interval> merged;
  for (std::size_t i = 0; i < intervals_.size(); i += 2) {
    auto interval = intervals_[i];
    if (i + 1 < intervals_.size()) {
      const auto& next = intervals_[i + 1];
      interval = {next.end, interval.seconds + next.seconds, interval.objects + next.objects,
                  interval.bytes + next.bytes};
    }
    merged.push_back(interval);
  }
  intervals_ = std::move(merged);
  min_interval_ *= 2;
}

double Estimator::objects_per_s() const {
  if (recent_.size() < 2) return 0;
  const auto& [first, last] = std::pair(recent_.front(), recent_.back());
  return Increase(first.objects, last.objects) / std::max(last.seconds - first.seconds, 1e-3);
}

double Estimator::bytes_per_s() const {
  if (recent_.size() < 2) return 0;
  const auto& [first, last] = std::pair(recent_.front(), recent_.back());
  return Increase(first.sent_bytes, last.sent_bytes) / std::max(last.seconds - first.seconds, 1e-3);
}

std::optional<double> Estimator::SecondsLeft(std::uint64_t objects, std::uint64_t bytes) const {
  if (intervals_.empty()) return std::nullopt;
  const double now = recent_.back().seconds;
  const double memory = std::max(6.0, now / 3);  // seconds; older intervals count less
  const auto weight = [&](const Interval& interval) { return std::exp((interval.end - now) / memory); };
  double time = 0, done_objects = 0, done_bytes = 0;
  for (const auto& interval : intervals_) {
    time += weight(interval) * interval.seconds;
    done_objects += weight(interval) * interval.objects;
    done_bytes += weight(interval) * interval.bytes;
  }
  const double left_objects = Increase(recent_.back().objects, objects);
  const double left_bytes = Increase(recent_.back().bytes, bytes);
  if (done_objects == 0 && done_bytes == 0) return std::nullopt;
  const double per_object = done_objects > 0 ? time / done_objects : 0;
  const double per_byte = done_bytes > 0 ? time / done_bytes : 0;
  if (done_objects == 0) return per_byte * left_bytes;
  if (done_bytes == 0) return per_object * left_objects;
  const double objects_time = per_object * left_objects, bytes_time = per_byte * left_bytes;
  // Least squares: seconds = share * by_objects + (1 - share) * by_bytes for each interval.
  double weights = 0, difference = 0, product = 0, square = 0;  // sums of weights and of products
  for (const auto& interval : intervals_) {
    const double by_objects = per_object * interval.objects, by_bytes = per_byte * interval.bytes;
    const double unexplained = interval.seconds - by_bytes;
    weights += weight(interval);
    difference += weight(interval) * unexplained * unexplained;
    product += weight(interval) * unexplained * (by_objects - by_bytes);
    square += weight(interval) * (by_objects - by_bytes) * (by_objects - by_bytes);
  }
  const double best = square > 0 ? std::clamp(product / square, 0.0, 1.0) : 0.5;
  const double variance = (difference - 2 * best * product + best * best * square) / weights;
  // The intervals may not tell the shares apart, for example because all files so far had one size. Then the
  // share of the objects is a guess: the time that an empty file adds, divided by the mean time of a file. If
  // the time of an empty file is not known, the guess is the longer of the two times.
  //
  // After large files only, the guess is a small share, and the intervals say little about so small a number:
  // an error that is small beside the time of a large file may be a hundred times the time of an empty one.
  // So the guess may be wrong by a part of itself only.
  const double known = std::min(recent_.back().seconds_per_object / per_object, 1.0);
  const double guess = known > 0 ? known : objects_time > bytes_time ? 1 : 0;
  const double deviation = known > 0 ? std::min(kGuessOfTime, kGuessOfGuess * known) : kGuessOfTime;
  const double prior_weight = std::max(variance, 1e-12) / (deviation * deviation);
  const double share = std::clamp((product + prior_weight * guess) / (square + prior_weight), 0.0, 1.0);
  return share * objects_time + (1 - share) * bytes_time;
}

}  // namespace pipeline
