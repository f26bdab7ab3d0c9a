// Rules for small sets. A label with one example stands in the head with that example as its mean
// and adds nothing to the scatter. One label answers with probability 1, in scope always. When all
// rows are equal (n = 1 among them) tau is 1, all means coincide and the prior answers.
#include "learn/solve.h"

#include "learn/assemble.h"
#include "learn/scatter.h"

namespace ctt::learn {

Settings StartingSettings(const Statistics& statistics) {
  Settings settings;
  const double ratio = static_cast<double>(statistics.example_count()) /
                       BlockColumns(settings.block, statistics.feature_dim()).size;
  settings.lambda = ratio > 20 ? 1e-2 : ratio > 2 ? 1.0 : 10.0;
  return settings;
}

Result<Head> Solve(const Statistics& statistics, const Settings& settings) {
  if (statistics.example_count() == 0)
    return FailedPrecondition("the task holds no example to learn from");
  const std::vector<ContentClass> classes = ContentOrder(statistics);
  Scatter scatter = ScatterOf(statistics, classes, settings.block);
  const std::optional<Discriminant> discriminant = Discriminate(scatter, settings.lambda);
  if (!discriminant) return SingularStatus();
  return AssembleDiscriminant(classes, statistics.feature_dim(), scatter, *discriminant, settings);
}

}  // namespace ctt::learn
