#pragma once
// TaskSettings: how a task's versions come to be served, as its record in the store keeps it.
// Threads: values and pure functions.
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ctt::service {

struct TaskSettings {
  // Off: lessons and settling make candidates, and only a publish serves one.
  bool auto_publish = true;
  // The gate: a version is served by itself only when its leave-one-out accuracy is at most this
  // much below that of what is served. Lessons then wait to be served until they are settled, since
  // only a settled version knows its accuracy.
  std::optional<double> max_accuracy_fall;
  bool pinned = false;      // A version was rolled back to; it stays until the next lesson.
  double canary_share = 0;  // Of the requests that name no version.
  friend bool operator==(const TaskSettings&, const TaskSettings&) = default;
};

std::string SerializeTaskSettings(const TaskSettings& settings);
// "{}" gives the defaults. kDataLoss: not what SerializeTaskSettings writes.
Result<TaskSettings> ParseTaskSettings(std::string_view text);

}  // namespace ctt::service
