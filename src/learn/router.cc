#include "learn/router.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "learn/choose_discriminant.h"
#include "learn/content_rows.h"
#include "learn/row_order.h"

namespace ctt::learn {
namespace {

// The sample as rows of classes in content order, in an order that content alone decides.
std::vector<Row> SampleRows(const std::vector<ContentClass>& classes, const Rows& sample,
                            std::size_t dim) {
  std::map<std::string_view, std::int32_t> class_of;
  for (std::size_t c = 0; c < classes.size(); ++c)
    class_of[classes[c].label] = static_cast<std::int32_t>(c);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < sample.label_index.size(); ++i)
    rows.push_back({sample.phi.data() + i * dim, class_of.at(sample.labels[sample.label_index[i]]),
                    /*hash=*/0});
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    const int compared = std::memcmp(a.phi, b.phi, dim);
    return compared != 0 ? compared < 0 : a.label < b.label;
  });
  return rows;
}

}  // namespace

Status AddTask(const Statistics& task, const std::string& name, Statistics& router) {
  return router.Merge(task.AsOneClass(name));
}

Result<std::vector<std::int8_t>> RouterSample(const Statistics& task, const Rows& rows,
                                              std::size_t count_max) {
  std::vector<const std::int8_t*> chosen;
  if (task.kind() == TaskKind::kSingle) {
    CTT_ASSIGN_OR_RETURN(const RowOrder order, OrderRows(task, rows));
    for (const Row& row : LeastHashed(order.rows, count_max)) chosen.push_back(row.phi);
  } else {
    chosen = SampleByContent(rows, task.feature_dim(), count_max).phi;
  }
  std::vector<std::int8_t> sample;
  for (const std::int8_t* phi : chosen) sample.insert(sample.end(), phi, phi + task.feature_dim());
  return sample;
}

Result<Head> FitRouter(const Statistics& router, const Rows& sample) {
  RowOrder order;
  order.classes = ContentOrder(router);
  SettleOptions options;
  options.prior = Prior::kUniform;
  std::vector<Candidate> candidates;
  const DiscriminantChoice choice = ChooseDiscriminant(
      router, order,
      SampleRows(order.classes, sample, static_cast<std::size_t>(router.feature_dim())), options,
      nullptr, candidates);
  return Solve(router, choice.settings);
}

}  // namespace ctt::learn
