#pragma once
// Head B: multinomial logistic regression over the stored rows, from W = 0, by accelerated bound
// steps.
//
//   minimise mean_i -log softmax(W x_i + b)[y_i] + R/2 |W|^2,   x = q - m,  R = rho tr(G_c / n) /
//   D_b
// For every W the Hessian lies below G_c / (2 n) + R I (Boehning 1992), so each step solves with
// one fixed matrix. That 1/2 is the worst p (1 - p) twice over; with C labels most probabilities
// are small, and gamma / 2 with gamma = 16 / C in [1/4, 1] reaches the same loss in sqrt(gamma)
// times the steps (measured on banking77, hwu64, multidogo). Nesterov momentum, restarted when it
// points uphill (O'Donoghue & Candes 2015). 40 sqrt(gamma) steps from 0, as the study found
// (METHOD, section 1): fewer lose accuracy, a start at A's weights overfits.
//
// The same over the terms of a lexicon (choose_lexicon.h), without the features:
//   scores U v_i + b, with a ridge kTermRidge on U
// where the fixed matrix is gamma l / 2 + kTermRidge times I, l the largest eigenvalue of
// V^T V / n. The few steps from 0 are most of the regularisation.
//
// fp32 with fixed order: rows as given, dealt out to kLanes sums that are added in order, whatever
// the number of threads. Threads: pure.
#include <atomic>
#include <cstdint>
#include <vector>

#include "learn/choose_lexicon.h"
#include "learn/row_order.h"
#include "learn/scatter.h"

namespace ctt::learn {

struct LogisticWeights {
  std::vector<float> weights;       // [C, D_b]; empty of a fit to terms.
  std::vector<double> bias;         // [C], for features less the mean
  std::vector<float> term_weights;  // [K, PaddedRows(C)]; empty of a fit to features.
};

// The terms of rows that are fitted.
struct FittedTerms {
  RowTerms rows;
  double eigenvalue;  // Their largest.
  FittedTerms(const Lexicon& lexicon, const std::vector<Row>& of)
      : rows(lexicon, of), eigenvalue(rows.LargestEigenvalue()) {}
};

class Logistic {
 public:
  // REQUIRES: scatter of all rows of the task; any part of the rows may be fitted. Borrows it.
  Logistic(const Scatter& scatter, Columns columns);

  // (gamma G_c / (2 n) + R I)^-1 for one rho: shared by the fits of all folds.
  struct Bound {
    double ridge = 0;            // R
    std::vector<float> inverse;  // [D_b, D_b]
  };
  Bound BoundFor(double rho, int threads) const;

  // To the features; and to the terms, those of the rows. Stop early with what they have when
  // *cancelled becomes true. REQUIRES: at least one row. Memory: kLanes times (2.5 MiB and the size
  // of the weights), to the features also D_b bytes a row.
  LogisticWeights Fit(const std::vector<Row>& rows, const Bound& bound, int threads,
                      const std::atomic<bool>* cancelled) const;
  LogisticWeights FitTerms(const std::vector<Row>& rows, const FittedTerms& terms, int threads,
                           const std::atomic<bool>* cancelled) const;

  // [C, PaddedRows(n)] scores of rows, class-major. `terms` are those of the rows, of a fit to
  // terms; else null.
  std::vector<float> Scores(const LogisticWeights& model, const std::vector<Row>& rows,
                            const RowTerms* terms) const;

 private:
  struct Chunk;
  class Descent;
  LogisticWeights Descend(Descent descent, const std::atomic<bool>* cancelled) const;
  // The scores of a chunk into `scores` [C, padded]; `features` is room.
  void ScoreChunk(const LogisticWeights& model, const Chunk& chunk, const RowTerms* terms,
                  std::vector<float>& features, std::vector<float>& scores) const;

  const Scatter& scatter_;
  Columns columns_;
  double gamma_;
  std::vector<float> mean_;    // [D_b]
  std::vector<double> total_;  // [D_b, D_b]: upper triangle of G_c
  double eigenvalue_ = 0;      // tr(G_c / n) / D_b
};

}  // namespace ctt::learn
