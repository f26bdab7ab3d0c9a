#pragma once
// Rows under M = S + lambda tau I for any lambda, S the scatter's `within`: what leave-one-out
// arithmetic is made of. One reduction to tridiagonal form serves every lambda (tridiagonal.h).
// Arrays over rows are [.., R] with R padded, so that vectors run across rows.
// Threads: values; share as const.
#include <cstdint>
#include <optional>
#include <vector>

#include "learn/scatter.h"
#include "learn/tridiagonal.h"

namespace ctt::learn {

struct Products {             // With x = q - m and v_c the scatter's offsets:
  std::vector<double> own;    // [R]: x^T M^-1 x
  std::vector<double> dots;   // [C, R]: v_c^T M^-1 x
  std::vector<double> norms;  // [C, C]: v^T M^-1 v
};

class RotatedRows {
 public:
  // `phi` [n]: where each row's columns begin. Memory: 8 bytes x R x (D_b + C).
  RotatedRows(const Scatter& scatter, const std::vector<const std::int8_t*>& phi);

  std::int64_t padded() const { return padded_; }   // R
  std::optional<Products> At(double lambda) const;  // nullopt: M is not positive definite.

 private:
  const Scatter& scatter_;
  std::int64_t padded_;
  Tridiagonal reduced_;
  std::vector<double> rows_;     // [D_b, R]: Q^T x
  std::vector<double> offsets_;  // [D_b, C]: Q^T v
};

}  // namespace ctt::learn
