#include "learn/leave_one_out.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"
#include "learn/assemble.h"

namespace ctt::learn {
namespace {

constexpr double kLeverageFloor = 1e-9;

}  // namespace

LeaveOneOut::LeaveOneOut(const Scatter& scatter, const std::vector<Row>& rows, Columns columns)
    : scatter_(scatter), padded_(0) {
  std::vector<const std::int8_t*> phi;
  for (const Row& row : rows) {
    if (scatter.counts[row.label] < 2) continue;
    labels_.push_back(row.label);
    phi.push_back(row.phi + columns.begin);
  }
  rotated_.emplace(scatter, phi);
  padded_ = rotated_->padded();
  lengths_.resize(phi.size());
  for (std::size_t i = 0; i < phi.size(); ++i)
    for (std::int64_t j = 0; j < scatter.dim; ++j) {
      const double x = phi[i][j] - scatter.mean[j];
      lengths_[i] = std::fma(x, x, lengths_[i]);
    }
}

std::optional<Distances> LeaveOneOut::At(double lambda) const {
  std::optional<Products> products = rotated_->At(lambda);
  if (!products) return std::nullopt;
  Distances distances;
  static_cast<Products&>(distances) = *std::move(products);
  LeaveOut(distances);
  return distances;
}

double LeaveOneOut::OwnDistance(const Distances& distances, std::int64_t row) const {
  const std::int32_t y = labels_[row];
  return distances.own[row] - 2 * distances.dots[y * padded_ + row] +
         distances.norms[y * scatter_.class_count + y];
}

double LeaveOneOut::Gain(const Distances& distances, std::int64_t row) const {
  const double count = scatter_.counts[labels_[row]], k = count / (count - 1);
  return k / std::max(1 - k * OwnDistance(distances, row), kLeverageFloor);
}

void LeaveOneOut::LeaveOut(Distances& distances) const {
  const std::int64_t classes = scatter_.class_count, rows = row_count();
  std::vector<double> gain(rows), lead(rows);
  distances.left_out.resize(classes * padded_);
  for (std::int64_t i = 0; i < rows; ++i) {
    gain[i] = Gain(distances, i);
    lead[i] = distances.own[i] - distances.dots[labels_[i] * padded_ + i];
  }
  for (std::int64_t j = 0; j < classes; ++j) {
    const double* dots = distances.dots.data() + j * padded_;
    const double* norms = distances.norms.data() + j * classes;
    double* out = distances.left_out.data() + j * padded_;
    for (std::int64_t i = 0; i < rows; ++i) {
      const double g = lead[i] - dots[i] + norms[labels_[i]];
      out[i] = distances.own[i] - 2 * dots[i] + norms[j] + gain[i] * g * g;
    }
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int32_t y = labels_[i];
    const double k = scatter_.counts[y] / (scatter_.counts[y] - 1);
    const double r = OwnDistance(distances, i);
    distances.left_out[y * padded_ + i] = k * k * (r + gain[i] * r * r);
  }
}

Unseen LeaveOneOut::UnseenBy(const Distances& distances,
                             const std::vector<double>& log_prior) const {
  return {scatter_.class_count, distances.left_out, labels_, log_prior};
}

double LeaveOneOut::Spread(const Distances& distances) const {
  double own = 0, length = 0;
  for (std::int64_t i = 0; i < row_count(); ++i) own += distances.own[i], length += lengths_[i];
  return length > 0 ? own / length : 0;
}

// e = x^T (M + B)^-1 x = x^T M^-1 x - |K t|^2; leaving the row out of the total scatter too:
// k^2 e / (1 - k e) with k = n / (n - 1). Out of the mean and of M: k^2 (o + c g^2 / (1 - c r))
// with o = x^T M^-1 x, g = x^T M^-1 d, and c, d, r as leave_one_out.h has k, d, r.
std::vector<double> LeaveOneOut::ScopeScores(const Distances& distances, double spread) const {
  const std::int64_t classes = scatter_.class_count;
  const std::vector<double> core = ScopeCore(scatter_, distances.norms);  // K^T
  std::vector<double> explained(classes * padded_);
  kernels::Algebra().multiply_add(classes, padded_, classes, 1.0, {core.data(), 1, classes},
                                  {distances.dots.data(), padded_, 1}, explained.data(), padded_);
  const double k = scatter_.example_count / (scatter_.example_count - 1);
  std::vector<double> scores(row_count());
  for (std::int64_t i = 0; i < row_count(); ++i) {
    double e = distances.own[i], nearest = distances.left_out[i];
    for (std::int64_t c = 0; c < classes; ++c) {
      const double part = explained[c * padded_ + i];
      e -= part * part;
      nearest = std::min(nearest, distances.left_out[c * padded_ + i]);
    }
    const double total = k * k * e / std::max(1 - k * e, kLeverageFloor);
    scores[i] = total - nearest;
    if (spread == 0) continue;
    const double lead = distances.own[i] - distances.dots[labels_[i] * padded_ + i];
    const double own = k * k * (distances.own[i] + Gain(distances, i) * lead * lead);
    scores[i] = (total + own - spread * k * k * lengths_[i]) / 2 - nearest;
  }
  std::sort(scores.begin(), scores.end());
  return scores;
}

}  // namespace ctt::learn
