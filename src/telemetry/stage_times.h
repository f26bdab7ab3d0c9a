#pragma once
// StageTimes: when one request went through its stages. Each stage begins where the one before it
// ended, so that whoever hands a request on says one word: which stage is over.
//
//   parse     the body is complete -> its JSON is a call of the service
//   tokenise  checks, choice of the version, text -> token ids
//   wait      in the queue, until a compute thread takes the first of its texts
//   encode    until the last of its texts has its features
//   head      scoring the features, explanations included
//   learn     from features to rows that are durable and in the served head
//   write     the answer as bytes, until the kernel has taken the last of them
//
// A request has the stages that it went through; a probe has only `write`.
//
// Threads: Begin and End by one thread after another, as the request is handed on; At by any.
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ctt::telemetry {

enum class Stage : std::uint8_t { kParse, kTokenise, kWait, kEncode, kHead, kLearn, kWrite };
inline constexpr std::array kStages = {Stage::kParse,  Stage::kTokenise, Stage::kWait,
                                       Stage::kEncode, Stage::kHead,     Stage::kLearn,
                                       Stage::kWrite};
std::string_view StageName(Stage stage);  // "parse"

class StageTimes {
 public:
  struct Interval {
    std::int64_t begin_us = 0;
    std::int64_t end_us = 0;
  };

  // The next stage begins at this instant, wherever the last one ended. Steady time.
  void Begin(std::int64_t now_us) { last_us_.store(now_us, std::memory_order_relaxed); }
  void End(Stage stage, std::int64_t now_us);
  // Nothing: the request never ended this stage.
  std::optional<Interval> At(Stage stage) const;

 private:
  struct Marks {
    std::atomic<std::int64_t> begin_us = 0;
    std::atomic<std::int64_t> end_us = -1;
  };
  std::atomic<std::int64_t> last_us_ = 0;
  std::array<Marks, kStages.size()> marks_;
};

}  // namespace ctt::telemetry
