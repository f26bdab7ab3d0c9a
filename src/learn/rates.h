#pragma once
// Rates: what a settled head answers at rates that a user asks for: the conformal quantile at an
// error rate, the scope threshold at a rate of rejected in-scope texts. Found once, from rows that
// the head has not seen, so that another rate needs no learning.
//
//   LAC set at error rate e: the labels with 1 - p <= q, q the ceil((n + 1)(1 - e))-th least misfit
//   in scope at rate r: scope score >= t, t the floor(r n)-th least left-out score
//   interval of a ridge head at rate e: its number -+ w, w the ceil((n + 1)(1 - e))-th least error
//
// Held at the rates of RateGrid(); a rate between two of them takes the lower one, which keeps more
// labels and rejects less than asked. Values are multiples of 2^-40, rounded to the same side, so
// that a stored form in integers brings back the same bits.
// Source: Sadinle, Lei & Wasserman 2019 (LAC); the misfits are leave-one-out or held out, so
// coverage is measured, not guaranteed. Threads: values and pure functions.
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "learn/head.h"

namespace ctt::learn {

inline constexpr double kRateMax = 0.5;
std::span<const double> RateGrid();  // 0.001 .. 0.009, 0.01 .. 0.5, rising.

struct Rates {
  // In units of 2^-40, one a rate of the grid. A kind of head without an entry was not judged.
  std::map<HeadKind, std::vector<std::int64_t>> set_quantiles;
  std::vector<std::int64_t> scope_thresholds;  // Empty: not judged.
  // Of a ridge head, in the numbers' units (target.h), rounded up; kNoInterval where too few rows
  // were judged for the rate.
  std::vector<std::int64_t> interval_halves;
  static constexpr std::int64_t kNoInterval = -1;

  // 1 (every label) when nothing is known. REQUIRES: 0 < error_rate < 1.
  double SetQuantile(HeadKind kind, double error_rate) const;
  // -1e300 (nothing is rejected) when nothing is known, or for a rate below the grid.
  double ScopeThreshold(double reject_rate) const;
  // In 1s; nullopt: not known. REQUIRES: 0 < error_rate < 1.
  std::optional<double> IntervalHalf(double error_rate) const;
  friend bool operator==(const Rates&, const Rates&) = default;
};

// The ceil((n + 1)(1 - error_rate))-th least misfit; 1 (every label) when n is too small for that.
double SetQuantile(std::vector<double> misfits, double error_rate);

// What the grid's rates give, as Rates keeps it. REQUIRES: `ascending` is not empty.
std::vector<std::int64_t> SetQuantiles(const std::vector<double>& misfits);
std::vector<std::int64_t> ScopeThresholds(const std::vector<double>& ascending);
// Of absolute errors in units.
std::vector<std::int64_t> IntervalHalves(std::vector<double> errors);

}  // namespace ctt::learn
