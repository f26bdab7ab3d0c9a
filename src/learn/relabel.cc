#include <algorithm>

#include "learn/row_order.h"
#include "learn/scatter.h"
#include "learn/solve.h"

namespace ctt::learn {

bool HasTwins(const Statistics& statistics) {
  const std::vector<ContentClass> classes = ContentOrder(statistics);
  return std::adjacent_find(classes.begin(), classes.end(),
                            [](const ContentClass& a, const ContentClass& b) {
                              return *a.sums == *b.sums;
                            }) != classes.end();
}

// A head's classes stand in content order, which new names leave alone but for labels that nothing
// but their names tells apart.
Result<Head> Relabel(const Head& head, const Statistics& statistics, const Rows* rows) {
  std::vector<ContentClass> classes = ContentOrder(statistics);
  if (classes.size() != head.labels().size() || statistics.example_count() != head.example_count())
    return InvalidArgument("the sums hold other examples than the head");
  if (rows != nullptr) {
    CTT_ASSIGN_OR_RETURN(RowOrder order, OrderRows(statistics, *rows));
    classes = std::move(order.classes);
  }
  Head::Parts parts = head.parts();
  parts.labels.clear();
  for (const auto& [label, sums] : statistics.classes()) parts.labels.push_back(label);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto at = std::lower_bound(parts.labels.begin(), parts.labels.end(), classes[c].label);
    parts.label_of_class[c] = static_cast<std::int32_t>(at - parts.labels.begin());
  }
  return Head(std::move(parts));
}

}  // namespace ctt::learn
