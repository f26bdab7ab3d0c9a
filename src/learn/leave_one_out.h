#pragma once
// Exact leave-one-out distances of head A: for each row, what the head would say had it never seen
// that row.
//
// With x = q - m, nu_c = mu_c - m, y the row's own label, k = N_y / (N_y - 1), d = x - nu_y, and
// the distance
// |.|^2 under M = Sw + lambda tau I (lambda tau is held fixed), one rank-one downdate gives
//   r = d^T M^-1 d    g_j = (x - nu_j)^T M^-1 d
//   dist_j = |x - nu_j|^2 + k g_j^2 / (1 - k r)   (j != y)
//   dist_y = k^2 (r + k r^2 / (1 - k r))
// Source: METHOD, recommendation; equal to brute force (tests). 1 - k r is floored at 1e-9 and
// never clamped otherwise: a coarser clamp lets a far too small lambda win. Rows that are alone in
// their label have no leave-one-out answer and take no part.
//
// Arrays over rows are class-major [C, R] with R padded, so that vectors run across rows.
// Threads: values; share as const.
#include <cstdint>
#include <optional>
#include <vector>

#include "learn/rotated_rows.h"
#include "learn/row_order.h"
#include "learn/scatter.h"
#include "learn/temperature.h"

namespace ctt::learn {

// Leave-one-out numbers under one lambda, beside those with nothing left out.
struct Distances : Products {
  std::vector<double> left_out;  // [C, R]: dist
};

class LeaveOneOut {
 public:
  // Rotates the rows once; REQUIRES: rows and scatter of the same statistics and block. Memory: 8
  // bytes x R x (D_b + 3 C).
  LeaveOneOut(const Scatter& scatter, const std::vector<Row>& rows, Columns columns);

  std::int64_t row_count() const { return static_cast<std::int64_t>(labels_.size()); }

  std::optional<Distances> At(double lambda) const;  // nullopt: M is not positive definite.

  // What the rows say when left out; borrows from this, `distances` and `log_prior`.
  Unseen UnseenBy(const Distances& distances, const std::vector<double>& log_prior) const;

  // The scope score of head.h with the row left out of the mean, of the scatters and of its label,
  // ascending. `spread` is held fixed; 0: the relative distance alone.
  std::vector<double> ScopeScores(const Distances& distances, double spread) const;

  // Of head.h: the sum of x^T M^-1 x over that of |x|^2, nothing left out. 0: all rows are equal.
  double Spread(const Distances& distances) const;

 private:
  double OwnDistance(const Distances& distances, std::int64_t row) const;  // r
  double Gain(const Distances& distances, std::int64_t row) const;         // k / (1 - k r)
  void LeaveOut(Distances& distances) const;

  const Scatter& scatter_;
  std::vector<std::int32_t> labels_;  // [row_count]
  std::optional<RotatedRows> rotated_;
  std::int64_t padded_;          // R
  std::vector<double> lengths_;  // [row_count]: |x|^2
};

}  // namespace ctt::learn
