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
// It can weigh the terms of a lexicon beside the features (choose_lexicon.h), in the same fit:
//   scores W x_i + U v_i + b, with a ridge kTermRidge on U
// and its steps take gamma l / 2 + kTermRidge for the terms' part of the matrix, l the largest
// eigenvalue of V^T V / n. Words and meaning overlap, so the two parts side by side are no bound on
// the whole; the restarts catch what that lets through. The few steps from 0 are most of the
// regularisation. Without a dense part (no inverse) the terms answer alone.
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
  std::vector<float> weights;       // [C, D_b]; empty when the terms answer alone.
  std::vector<double> bias;         // [C], for features less the mean
  std::vector<float> term_weights;  // [K, PaddedRows(C)]; empty without a lexicon.
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
    std::vector<float> inverse;  // [D_b, D_b]; empty: no dense part.
  };
  Bound BoundFor(double rho, int threads) const;  // kTermsAlone: no dense part.
  static constexpr double kTermsAlone = 1e300;

  // `terms` are those of the rows; null: no lexicon. Stops early with what it has when *cancelled
  // becomes true. REQUIRES: at least one row, and a dense part or a lexicon. Memory: D_b bytes a
  // row, and kLanes times (2.5 MiB and the size of the weights).
  LogisticWeights Fit(const std::vector<Row>& rows, const FittedTerms* terms, const Bound& bound,
                      int threads, const std::atomic<bool>* cancelled) const;

  // [C, PaddedRows(n)] scores of rows, class-major.
  std::vector<float> Scores(const LogisticWeights& model, const std::vector<Row>& rows,
                            const RowTerms* terms) const;

 private:
  struct Chunk;
  class Descent;
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
