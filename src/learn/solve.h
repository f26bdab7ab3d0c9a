#pragma once
// Statistics (and rows) -> Head.
//
// Solve: head A in closed form from the sums alone, in milliseconds, with settings chosen before:
// what each lesson publishes at once. Settle: chooses block, lambda and temperature by exact
// leave-one-out log-loss, pools A with fitted heads where they gain (pool.h), finds the scope
// threshold and the conformal quantile. What stands for that in a multi-label task is in
// labelwise.h, in a regression task in ridge.h. Both are pure functions of the set of examples (and
// the settings, for Solve): label names, order of arrival, threads and ISA leave no trace in the
// numbers; a renamed label keeps its scores to the bit.
//
// Threads: pure functions.
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "learn/head.h"
#include "learn/rates.h"
#include "learn/statistics.h"

namespace ctt::learn {

// The rows of a task, in any order.
struct Rows {
  std::vector<std::int8_t> phi;           // [n, D]
  std::vector<std::string> labels;        // [C]: the names that label_index refers to.
  std::vector<std::int32_t> label_index;  // [n]
  // [n] The texts' hashed n-grams, rising, each as often as it occurs (text/ngrams.h); or empty
  // when some text is not known, and then no head weighs words.
  std::vector<std::vector<std::uint32_t>> ngrams;
  // Instead of label_index: of a multi-label task each row's labels, rising indices into `labels`;
  // of a regression task each row's number in units (target.h).
  std::vector<std::vector<std::int32_t>> label_sets;  // [n]
  std::vector<std::int64_t> units;                    // [n]
  std::int64_t size() const {
    return static_cast<std::int64_t>(label_index.size() + label_sets.size() + units.size());
  }
};

// Settings for a task that was never settled, from its kind and counts alone (METHOD,
// recommendation: "without rows").
Settings StartingSettings(const Statistics& statistics);

// Head A, or what stands for it in the statistics' kind of task. Labels with few examples are
// handled by rule (see solve.cc). REQUIRES: at least one example. kFailedPrecondition: the
// statistics hold no example.
Result<Head> Solve(const Statistics& statistics, const Settings& settings);

// The same head for the same examples when labels have other names: no score changes. `statistics`
// has the new names. A head that Settle made needs the rows too when two labels have equal sums
// (HasTwins), since only rows tell those apart; else null.
// kInvalidArgument: the statistics have another number of labels or examples than the head.
// Of a single-label task.
Result<Head> Relabel(const Head& head, const Statistics& statistics, const Rows* rows);
bool HasTwins(const Statistics& statistics);

struct Candidate {  // One row of the report: what was tried and how it did.
  HeadKind kind;
  Block block;
  double lambda_or_rho;
  double log_loss;  // Of a regression task: mean squared error, in the square of the unit.
  double accuracy;
};

struct LabelReport {
  std::string label;
  std::int64_t examples = 0;
  std::int64_t judged = 0;  // Rows that the accuracy is of: large tasks judge a sample.
  double accuracy = 0;      // Share of them that the head, not knowing them, answers right.
};

// How a regression head answers the rows left out, in the numbers' own unit.
struct NumberReport {
  double mae = 0, rmse = 0;
  double r2 = 0;  // Against the mean of the others; 0 when all numbers are equal.
};

struct Report {
  std::int64_t examples = 0;
  // Of the head that was chosen; leave-one-out for A, held-out for B. Of a multi-label task: share
  // of the rows whose labels are all right, and log-loss summed over the labels.
  double loo_accuracy = 0;
  double loo_log_loss = 0;
  std::optional<NumberReport> numbers;  // Of a regression task, instead.
  std::vector<Candidate> candidates;
  std::vector<LabelReport> labels;  // In byte order of the names.
};

struct Settled {
  Head head;
  Report report;
  Rates rates;  // Empty when nothing could be judged (one label, or one example a label).
};

struct SettleOptions {
  Prior prior = Prior::kEmpirical;
  double scope_reject_rate = 0.05;  // Share of in-scope examples that may be called out of scope.
  double set_error_rate = 0.10;
  int threads = 1;  // At most; the result is the same bits for any number.
};

// kCancelled when *cancelled becomes true (checked every few 10 ms; may be null).
// kFailedPrecondition: no example. kInvalidArgument: rows hold other numbers of examples than the
// statistics.
Result<Settled> Settle(const Statistics& statistics, const Rows& rows, const SettleOptions& options,
                       const std::atomic<bool>* cancelled);

}  // namespace ctt::learn
