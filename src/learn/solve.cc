// Rules for small sets. A label with one example stands in the head with that example as its mean
// and adds nothing to the scatter. One label answers with probability 1, in scope always. When all
// rows are equal (n = 1 among them) tau is 1, all means coincide and the prior answers.
#include "learn/solve.h"

#include <algorithm>

#include "learn/assemble.h"
#include "learn/labelwise.h"
#include "learn/ridge.h"
#include "learn/scatter.h"

namespace ctt::learn {

// The temperatures follow the least test log-loss of these lambdas over 16 open tasks, from 5 rows
// a label to all: it rises with n while examples are few, and falls with the number of labels once
// they are many.
Settings StartingSettings(const Statistics& statistics) {
  Settings settings;
  if (statistics.kind() == TaskKind::kMulti) settings.kind = HeadKind::kLabelwise;
  if (statistics.kind() == TaskKind::kRegression) settings.kind = HeadKind::kRidge;
  const auto n = static_cast<double>(statistics.example_count());
  // Each label of a multi-label task is a question with two answers.
  const double labels =
      statistics.kind() == TaskKind::kMulti ? 2 : std::max(statistics.label_count(), 1);
  const double ratio = n / BlockColumns(settings.block, statistics.feature_dim()).size;
  if (ratio > 20) {
    settings.lambda = 1e-2;
    settings.temperature = 0.1 + 0.8 / labels;
  } else if (ratio > 2) {
    settings.lambda = 1.0;
    settings.temperature = 0.15 + 1.2 / labels;
  } else {
    settings.lambda = 10.0;
    settings.temperature = 0.5 * std::max(n, 1.0) / (n + 40);
  }
  return settings;
}

Result<Head> Solve(const Statistics& statistics, const Settings& settings) {
  if (statistics.example_count() == 0)
    return FailedPrecondition("the task holds no example to learn from");
  if (statistics.kind() == TaskKind::kMulti) return SolveLabelwise(statistics, settings);
  if (statistics.kind() == TaskKind::kRegression) return SolveRidge(statistics, settings);
  const std::vector<ContentClass> classes = ContentOrder(statistics);
  Scatter scatter = ScatterOf(statistics, classes, settings.block);
  const std::optional<Discriminant> discriminant = Discriminate(scatter, settings.lambda);
  if (!discriminant) return SingularStatus();
  return AssembleDiscriminant(classes, statistics.feature_dim(), scatter, *discriminant, settings);
}

}  // namespace ctt::learn
