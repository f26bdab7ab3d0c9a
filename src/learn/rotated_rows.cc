#include "learn/rotated_rows.h"

#include "kernels/algebra.h"
#include "learn/temperature.h"

namespace ctt::learn {

RotatedRows::RotatedRows(const Scatter& scatter, const std::vector<const std::int8_t*>& phi)
    : scatter_(scatter),
      padded_(PaddedRows(static_cast<std::int64_t>(phi.size()))),
      reduced_(scatter.within, scatter.dim) {
  rows_.resize(scatter.dim * padded_);
  for (std::size_t i = 0; i < phi.size(); ++i)
    for (std::int64_t j = 0; j < scatter.dim; ++j)
      rows_[j * padded_ + static_cast<std::int64_t>(i)] = phi[i][j] - scatter.mean[j];
  offsets_.resize(scatter.dim * scatter.class_count);
  for (std::int64_t c = 0; c < scatter.class_count; ++c)
    for (std::int64_t j = 0; j < scatter.dim; ++j)
      offsets_[j * scatter.class_count + c] = scatter.offsets[c * scatter.dim + j];
  reduced_.Rotate(rows_, padded_);
  reduced_.Rotate(offsets_, scatter.class_count);
}

std::optional<Products> RotatedRows::At(double lambda) const {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  const std::int64_t classes = scatter_.class_count, dim = scatter_.dim;
  const auto factor = reduced_.Shifted(lambda * scatter_.tau);
  if (!factor) return std::nullopt;
  std::vector<double> weights = offsets_;
  factor->Solve(weights, classes);
  Products products;
  products.own.resize(padded_);
  algebra.tridiagonal_norms(dim, padded_, rows_.data(), factor->lower.data(),
                            factor->inverse.data(), products.own.data());
  products.dots.resize(classes * padded_);
  algebra.multiply_add(classes, padded_, dim, 1.0, {weights.data(), 1, classes},
                       {rows_.data(), padded_, 1}, products.dots.data(), padded_);
  products.norms.resize(classes * classes);
  algebra.multiply_add(classes, classes, dim, 1.0, {offsets_.data(), 1, classes},
                       {weights.data(), classes, 1}, products.norms.data(), classes);
  return products;
}

}  // namespace ctt::learn
