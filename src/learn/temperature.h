#pragma once
// The one number that turns distances or scores into calibrated probabilities, softmax(-beta
// distance / 2 + log prior), fitted by log-loss on rows that the head has not seen. A head of
// scores z passes -2 z and a log prior of 0. Source: Guo et al. 2017; the loss is convex in beta,
// so Newton's method finds it. Threads: pure functions.
#include <cstdint>
#include <span>
#include <vector>

namespace ctt::learn {

// What R rows say: distances [C, R_padded], class-major, R_padded = PaddedRows(R); labels [R].
struct Unseen {
  std::int64_t classes;
  std::span<const double> distances;
  std::span<const std::int32_t> labels;
  std::span<const double> log_prior;  // [C]
};
std::int64_t PaddedRows(std::int64_t rows);

struct Fit {
  double beta = 0;
  double log_loss = 0;  // Mean, natural.
  double accuracy = 0;
};
// REQUIRES: at least one row.
Fit FitTemperature(const Unseen& unseen);
// One beta for several problems, by the sum of their losses; their order leaves no trace.
// REQUIRES: at least one problem, each with at least one row.
double FitSharedTemperature(std::span<const Unseen> problems);
// The sum of values, the same bits in whatever order they come.
double SumInAnyOrder(std::vector<double> values);
// The figures of FitTemperature under a beta that is given.
Fit FitAt(const Unseen& unseen, double beta);

// [C]: of each label's rows, how many the greatest score answers right.
struct Tally {
  std::int64_t rows = 0, right = 0;
};
std::vector<Tally> TallyByLabel(const Unseen& unseen, double beta);

// [R]: 1 - probability of each row's own label under beta.
std::vector<double> Misfits(const Unseen& unseen, double beta);

}  // namespace ctt::learn
