#pragma once
// What labelwise heads say of rows that they have not seen, label by label. Threads: values; share
// as const.
#include <cstdint>
#include <optional>
#include <vector>

#include "learn/content_rows.h"
#include "learn/rotated_rows.h"
#include "learn/temperature.h"

namespace ctt::learn {

// The two classes of one label under M; labelwise.h has the letters.
struct LabelShape {
  double p = 0, q = 0, n = 0;
  double s = 0;
  double shrink = 1;  // 1 - b s
  double b() const { return p * n / q; }
  bool tells() const { return q > 0; }
  bool judged() const { return p > 1 && q > 1; }
  // What a text's t is multiplied with in the score, for beta = 1.
  double gain() const { return n / q / shrink; }
  double middle() const { return s * (1 - p / q) / 2; }
};
LabelShape ShapeOf(const Scatter& scatter, const Products& products, std::int64_t label);
LabelShape ShapeOf(double count, double n, double s);

// One label's distances [2, R]: 0 and the difference between those to the label's two classes, the
// row left out. Rows with equal features stand with those that lack the label first, so that only
// content orders them.
struct LabelView {
  std::vector<double> distances;
  std::vector<std::int32_t> labels;    // [row_count]: 1 when the row holds the label.
  std::vector<std::int32_t> position;  // [row_count]: the row among the content rows.
  std::vector<double> log_prior;       // [2]
  Unseen unseen() const { return {2, distances, labels, log_prior}; }
};

class LabelRows {
 public:
  // Borrows from all of them. REQUIRES: the rows are those of the statistics.
  LabelRows(const Statistics& statistics, const Scatter& scatter, const Rows& rows,
            const ContentRows& sample, Columns columns, Prior prior);

  std::int64_t row_count() const { return static_cast<std::int64_t>(sample_.rows.size()); }
  std::optional<Products> At(double lambda) const { return rotated_.At(lambda); }
  bool Holds(std::int64_t label, std::int64_t row) const {
    return holds_[static_cast<std::size_t>(label * row_count() + row)] != 0;
  }
  // REQUIRES: the label's shape is judged().
  LabelView View(const Products& products, std::int64_t label) const;
  // Ascending; rows whose labels all tell nothing without them are left out.
  std::vector<double> ScopeScores(const Products& products) const;

 private:
  double LeftOutDifference(const LabelShape& shape, double own, double t, bool holds) const;
  double LeftOutNearness(const LabelShape& shape, double own, double t, bool holds) const;

  const Scatter& scatter_;
  const ContentRows& sample_;
  Prior prior_;
  RotatedRows rotated_;
  std::vector<std::uint8_t> holds_;  // [C, row_count]
};

// Whether the rows are those of the sums. kInvalidArgument.
Status CheckLabelRows(const Statistics& statistics, const Rows& rows);

}  // namespace ctt::learn
