#pragma once
// Learning curve of a task: leave-one-out accuracy at a growing number of examples, and where it is
// going. Threads: pure functions.
#include <cstdint>
#include <vector>

#include "learn/head.h"
#include "learn/row_order.h"

namespace ctt::learn {

struct CurvePoint {
  std::int64_t examples = 0;
  double accuracy = 0;
};

// Head A on the rows of least content hash: n / 16, n / 8, n / 4, n / 2 of them, where
// that is 16 to 8,192. Block and prior as in `settings`; lambda the best of theirs and 10 and
// 100 times that, since fewer rows want a stronger ridge. A row that is alone in its label counts
// as wrong. Rising.
std::vector<CurvePoint> LearningCurve(const std::vector<Row>& rows, std::int32_t feature_dim,
                                      const Settings& settings);

// Accuracies at twice and four times the examples of the last point, by the error a + b n^-c that
// fits the points best: least squares with weight n, a and b not negative, c of 1/4, 1/2, 3/4, 1.
// Empty with fewer than three points. The points' sizes count in whole doublings of the first.
std::vector<CurvePoint> Forecast(const std::vector<CurvePoint>& points);

}  // namespace ctt::learn
