#include "telemetry/stage_times.h"

namespace ctt::telemetry {

std::string_view StageName(Stage stage) {
  constexpr std::array<std::string_view, kStages.size()> kNames = {
      "parse", "tokenise", "wait", "encode", "head", "learn", "write"};
  return kNames[static_cast<std::size_t>(stage)];
}

void StageTimes::End(Stage stage, std::int64_t now_us) {
  Marks& marks = marks_[static_cast<std::size_t>(stage)];
  marks.begin_us.store(last_us_.exchange(now_us, std::memory_order_relaxed),
                       std::memory_order_relaxed);
  marks.end_us.store(now_us, std::memory_order_release);
}

std::optional<StageTimes::Interval> StageTimes::At(Stage stage) const {
  const Marks& marks = marks_[static_cast<std::size_t>(stage)];
  const std::int64_t end_us = marks.end_us.load(std::memory_order_acquire);
  if (end_us < 0) return std::nullopt;
  return Interval{marks.begin_us.load(std::memory_order_relaxed), end_us};
}

}  // namespace ctt::telemetry
