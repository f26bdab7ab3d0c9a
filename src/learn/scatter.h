#pragma once
// What head A sees of the sums: means and the within-class scatter of one block of the features, in
// fp64.
//
//   m = sum_c S_c / n    nu_c = S_c / N_c - m    Sw = G - sum_c S_c S_c^T / N_c
//   tau = tr(G - n m m^T) / D_b, the mean eigenvalue of the total scatter (1 when all rows are
//   equal)
//
// Classes stand in content order: by count, then by their sums; the numbers therefore cannot depend
// on label names or on the order of arrival, and classes with equal sums are interchangeable to the
// bit. Threads: values and pure functions.
#include <cstdint>
#include <string>
#include <vector>

#include "learn/head.h"
#include "learn/statistics.h"

namespace ctt::learn {

struct ContentClass {
  std::string_view label;  // Borrowed from the statistics, as `sums` is.
  const Statistics::Class* sums;
};
std::vector<ContentClass> ContentOrder(const Statistics& statistics);

struct Columns {
  std::int32_t begin = 0, size = 0;
};
// The columns of phi that `block` takes: halves of feature_dim, or all of it.
Columns BlockColumns(Block block, std::int32_t feature_dim);

struct Scatter {
  std::int64_t dim = 0;          // D_b
  std::int64_t class_count = 0;  // C
  double example_count = 0;      // n
  double tau = 1;
  std::vector<double> counts;   // [C]
  std::vector<double> mean;     // [D_b]
  std::vector<double> offsets;  // [C, D_b]: nu
  std::vector<double> within;   // [D_b, D_b]: upper triangle of Sw; the rest is 0.
};
Scatter ScatterOf(const Statistics& statistics, const std::vector<ContentClass>& classes,
                  Block block);

// Sw + lambda tau I, upper triangle, made of the scatter's own `within`, which is empty afterwards.
std::vector<double> TakeShrunk(Scatter& scatter, double lambda);

// [C] log(N_c / n), or log(1 / C).
std::vector<double> LogPrior(const Scatter& scatter, Prior prior);

}  // namespace ctt::learn
