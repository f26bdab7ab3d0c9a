#pragma once
// The parts of a pool that are fitted: a logistic head on the features, its ridge chosen by
// log-loss on rows held out, and one on the words alone. Threads: pure.
#include <atomic>
#include <optional>
#include <vector>

#include "learn/held_out.h"
#include "learn/logistic.h"
#include "learn/solve.h"
#include "learn/temperature.h"

namespace ctt::learn {

struct LogisticTrial {
  double rho;             // 0 of the words alone,
  Logistic::Bound bound;  // which have no bound.
  HeldOut held_out;
  Fit fit;  // Its own temperature.
  std::vector<double> losses;
};

// What every trial of one task shares.
struct LogisticTrials {
  const Logistic& logistic;
  const std::vector<Split>& splits;
  std::int64_t class_count;
  Block block;
  const SettleOptions& options;
  const std::atomic<bool>* cancelled;
  std::vector<Candidate>& candidates;  // Each trial appends one.
};

// nullopt: cancelled before the first answer.
std::optional<LogisticTrial> ChooseRho(const LogisticTrials& trials);
LogisticTrial TryWords(const LogisticTrials& trials, const std::vector<SplitTerms>& terms);

}  // namespace ctt::learn
