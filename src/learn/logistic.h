#pragma once
// Head B: multinomial logistic regression over the stored rows, from W = 0, by accelerated bound
// steps.
//
//   minimise mean_i -log softmax(W x_i + b)[y_i] + R/2 |W|^2,   x = q - m,  R = rho tr(G_c / n) /
//   D_b
// The Hessian lies below G_c / (2 n) + R I for every W (Boehning 1992), so each step solves with
// that one matrix; Nesterov momentum, restarted when it points uphill (O'Donoghue & Candes 2015).
// 40 steps from 0, as the study found (METHOD, section 1): fewer lose accuracy, a start at A's
// weights overfits.
//
// fp32 with fixed order: rows in content order, one chain an element. Threads: pure.
#include <atomic>
#include <cstdint>
#include <vector>

#include "learn/row_order.h"
#include "learn/scatter.h"

namespace ctt::learn {

struct LogisticWeights {
  std::vector<float> weights;  // [C, D_b]
  std::vector<double> bias;    // [C], for features less the mean
};

class Logistic {
 public:
  // REQUIRES: scatter of all rows of the task; any part of the rows may be fitted.
  Logistic(const Scatter& scatter, Columns columns);

  // (G_c / (2 n) + R I)^-1 for one rho: shared by the fits of all folds.
  struct Bound {
    double ridge;                // R
    std::vector<float> inverse;  // [D_b, D_b]
  };
  Bound BoundFor(double rho) const;

  // Stops early with what it has when *cancelled becomes true. REQUIRES: at least one row.
  LogisticWeights Fit(const std::vector<Row>& rows, const Bound& bound,
                      const std::atomic<bool>* cancelled) const;

  // [C, PaddedRows(n)] scores of rows, class-major.
  std::vector<float> Scores(const LogisticWeights& model, const std::vector<Row>& rows) const;

 private:
  struct Chunk;
  void Load(const std::vector<Row>& rows, std::size_t first, Chunk& chunk) const;
  void ScoreChunk(const LogisticWeights& model, Chunk& chunk) const;

  const Scatter& scatter_;
  Columns columns_;
  std::vector<float> mean_;    // [D_b]
  std::vector<double> total_;  // [D_b, D_b]: upper triangle of G_c
  double eigenvalue_ = 0;      // tr(G_c / n) / D_b
};

}  // namespace ctt::learn
