#pragma once
// Target: what an example says, by the kind of its task.
//
//   single      one label of several
//   multi       any number of labels, also none: each is a question of its own
//   regression  a number
//
// Numbers are kept in fixed point, in units of 1e-9 from -1e9 to 1e9, so that their sums are exact
// integers: unlearning subtracts what learning added, whatever happened in between.
// Threads: values and pure functions.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctt::learn {

enum class TaskKind : std::uint8_t { kSingle, kMulti, kRegression };
std::string_view TaskKindName(TaskKind kind);  // "single", "multi", "regression".
std::optional<TaskKind> ParseTaskKind(std::string_view name);

// Holds the sums of y phi: 2^60 units times 2^7 times 2^39 rows, as many as a task may hold.
__extension__ typedef __int128 Int128;

inline constexpr double kNumberMax = 1e9;
inline constexpr double kNumberUnits = 1e9;  // Units in 1.
// The nearest unit. REQUIRES: |number| <= kNumberMax.
std::int64_t NumberToUnits(double number);
double UnitsToNumber(double units);

struct Target {
  // single: one. multi: any number, each once, in byte order. regression: none.
  std::vector<std::string> labels;
  std::int64_t units = 0;  // regression: the number in units.
  friend bool operator==(const Target&, const Target&) = default;
};

}  // namespace ctt::learn
