#pragma once
// The ridge head of a regression task: number = mean y + w^T (phi - m), w = M^-1 sum_i y_i x_i,
// with M = T + lambda tau I over one block and the mean unpenalised. Only the ratio of lambda to
// tau matters, never the unit of the numbers.
//
// Leave-one-out is exact: with h = 1 / n + x^T M^-1 x (lambda tau held fixed), the number that the
// head would give a row it had never seen is off by (y - answer) / (1 - h). Source: Allen 1974.
// The interval of an answer is its number -+ the quantile of those errors (rates.h); its coverage
// is measured, not guaranteed (Barber et al. 2021).
//
// Scope: -|phi - m|^2 under T + lambda' tau I on the last layer (whitening.h), the leverage of the
// text but for 1 / n; lambda' follows the number of examples alone.
#include <atomic>
#include <vector>

#include "learn/rotated_rows.h"
#include "learn/solve.h"

namespace ctt::learn {

// REQUIRES: statistics of a regression task with at least one example. Settings as Solve.
Result<Head> SolveRidge(const Statistics& statistics, const Settings& settings);

// As Settle: block and lambda by exact leave-one-out squared error.
Result<Settled> SettleRidge(const Statistics& statistics, const Rows& rows,
                            const SettleOptions& options, const std::atomic<bool>* cancelled);

// [n] y less the answer of a head that has not seen the row, in units. `products` are of rows under
// the shared scatter of `example_count` examples, `numbers` [n] their y - mean y.
std::vector<double> LeftOutErrors(const Products& products, const std::vector<double>& numbers,
                                  double example_count);

}  // namespace ctt::learn
