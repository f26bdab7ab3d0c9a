#pragma once
// Audit: what is odd about the examples of a task, from what the head says of each row had it never
// seen that row. All of it is a pure function of the set of examples and the settings. Threads:
// pure functions.
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "learn/learning_curve.h"
#include "learn/solve.h"

namespace ctt::learn {

struct AuditOptions {
  std::size_t shown_max = 20;  // Rows of each list.
  // Of different labels: a conflict when no farther apart (neighbours.h). Texts this near differ in
  // a word or two.
  double conflict_distance = 0.35;
};

struct Suspect {  // Its label is not the one that the others give it.
  std::int64_t row = 0;
  double probability = 0;  // Of its own label.
  double log_loss = 0;
  std::string suggested;
  double suggested_probability = 0;
};

struct Conflict {  // Near or equal rows under different labels.
  std::int64_t first = 0, second = 0;
  double distance = 0;
};

struct ConfusedLabels {
  std::string first, second;  // By name.
  std::int64_t first_as_second = 0, second_as_first = 0;
  // Accuracy that the judged rows would gain if the two were one label, with the sum of their
  // probabilities.
  double merge_gain = 0;
};

struct Audit {
  std::int64_t examples = 0;
  std::int64_t judged = 0;  // Rows that were left out one by one: at most 8,192, by content hash.
  double accuracy = 0, log_loss = 0;                  // Of those.
  std::vector<Suspect> suspects;                      // Falling log-loss.
  std::vector<std::vector<std::int64_t>> duplicates;  // Equal rows of one label; largest first.
  std::int64_t duplicate_rows = 0;       // Rows that repeat one before them, shown or not.
  std::vector<Conflict> conflicts;       // Rising distance.
  std::vector<ConfusedLabels> confused;  // Falling gain.
  std::vector<CurvePoint> curve;         // Rising; the last is all that was judged.
  std::vector<CurvePoint> forecast;
};

// Rows are named by their index in `rows`. kFailedPrecondition: no example. kInvalidArgument: rows
// hold other examples than the statistics.
Result<Audit> AuditTask(const Statistics& statistics, const Rows& rows, const Settings& settings,
                        const AuditOptions& options);

}  // namespace ctt::learn
