#include "learn/target.h"

#include <array>
#include <cmath>

namespace ctt::learn {

std::string_view TaskKindName(TaskKind kind) {
  switch (kind) {
    case TaskKind::kSingle:
      return "single";
    case TaskKind::kMulti:
      return "multi";
    case TaskKind::kRegression:
      return "regression";
  }
  return "unknown";
}

std::optional<TaskKind> ParseTaskKind(std::string_view name) {
  for (const TaskKind kind : {TaskKind::kSingle, TaskKind::kMulti, TaskKind::kRegression})
    if (name == TaskKindName(kind)) return kind;
  return std::nullopt;
}

// The product's rounding error is exact in the fused one, so that what was written with up to nine
// decimals comes back as it was.
std::int64_t NumberToUnits(double number) {
  const double product = number * kNumberUnits;
  return std::llround(product) + std::llround(std::fma(number, kNumberUnits, -product));
}

double UnitsToNumber(double units) { return units / kNumberUnits; }

}  // namespace ctt::learn
