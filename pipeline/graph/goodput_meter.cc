#include "pipeline/graph/goodput_meter.h"

namespace pipeline {
namespace {

constexpr double kMib = 1 << 20;

}  // namespace

GoodputMeter GoodputMeter::Counting(Clock::time_point now) {
  GoodputMeter meter(now);
  meter.counts_ = true;
  return meter;
}

bool GoodputMeter::Add(const Returned& task, int circulation, Clock::duration min_round,
                       Clock::time_point now) {
  returned_slots_ += task.slots;
  if (task.undisturbed) goodput_ += 1 + static_cast<double>(task.bytes) / kMib;
  if (returned_slots_ < circulation) return false;
  if (counts_) return now - began_ >= min_round;
  Restart(now);
  return false;
}

void GoodputMeter::Restart(Clock::time_point now) { *this = Counting(now); }

double GoodputMeter::Rate(Clock::time_point now) const {
  return goodput_ / std::chrono::duration<double>(now - began_).count();
}

}  // namespace pipeline
