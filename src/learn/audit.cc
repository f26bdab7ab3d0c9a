#include "learn/audit.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "learn/left_out.h"
#include "learn/logarithm.h"
#include "learn/neighbours.h"
#include "learn/row_order.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kJudgedMax = 8192;
constexpr double kProbabilityFloor = 1e-15;

class Auditor {
 public:
  Auditor(const Rows& rows, const RowOrder& order, std::int32_t feature_dim,
          const AuditOptions& options)
      : rows_(rows), order_(order), dim_(feature_dim), options_(options) {}

  void FindSuspects(const LeftOut& judged, Audit& audit) const {
    std::vector<std::size_t> wrong;
    for (std::size_t i = 0; i < judged.size(); ++i)
      if (judged.Answer(i) != judged.row(i).label) wrong.push_back(i);
    std::stable_sort(wrong.begin(), wrong.end(),
                     [&](std::size_t a, std::size_t b) { return judged.Own(a) < judged.Own(b); });
    for (std::size_t i = 0; i < std::min(wrong.size(), options_.shown_max); ++i) {
      const std::size_t at = wrong[i];
      const std::int32_t answer = judged.Answer(at);
      audit.suspects.push_back({IndexOf(judged.row(at)), judged.Own(at),
                                -Log(std::max(judged.Own(at), kProbabilityFloor)), Name(answer),
                                judged.Probabilities(at)[answer]});
    }
  }

  // Equal rows stand together in content order, those of one label next to each other.
  void FindDuplicates(Audit& audit) const {
    const std::vector<Row>& rows = order_.rows;
    for (std::size_t first = 0, last = 0; first < rows.size(); first = last) {
      for (last = first + 1; last < rows.size() && rows[last].label == rows[first].label &&
                             std::memcmp(rows[last].phi, rows[first].phi, dim_) == 0;)
        ++last;
      if (last - first < 2) continue;
      audit.duplicate_rows += static_cast<std::int64_t>(last - first - 1);
      audit.duplicates.emplace_back();
      for (std::size_t i = first; i < last; ++i)
        audit.duplicates.back().push_back(IndexOf(rows[i]));
      std::sort(audit.duplicates.back().begin(), audit.duplicates.back().end());
    }
    std::stable_sort(audit.duplicates.begin(), audit.duplicates.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
    if (audit.duplicates.size() > options_.shown_max) audit.duplicates.resize(options_.shown_max);
  }

  // One row of each run of duplicates, so that they do not fill the list.
  void FindConflicts(Audit& audit) const {
    std::vector<Row> different;
    for (const Row& row : order_.rows)
      if (different.empty() || different.back().label != row.label ||
          std::memcmp(different.back().phi, row.phi, dim_) != 0)
        different.push_back(row);
    different = LeastHashed(different, kJudgedMax);
    for (const RowPair& pair :
         ClosestConflicts(different, dim_, options_.conflict_distance, options_.shown_max))
      audit.conflicts.push_back(
          {IndexOf(different[pair.first]), IndexOf(different[pair.second]), pair.distance});
  }

  void FindConfused(const LeftOut& judged, Audit& audit) const {
    std::map<std::pair<std::int32_t, std::int32_t>, ConfusedLabels> pairs;
    for (std::size_t i = 0; i < judged.size(); ++i) {
      const std::int32_t truth = judged.row(i).label, answer = judged.Answer(i);
      if (truth == answer) continue;
      const bool ordered = Name(truth) < Name(answer);
      ConfusedLabels& pair = pairs[ordered ? std::pair(truth, answer) : std::pair(answer, truth)];
      ++(ordered ? pair.first_as_second : pair.second_as_first);
    }
    for (auto& [classes, pair] : pairs) {
      pair.first = Name(classes.first);
      pair.second = Name(classes.second);
      pair.merge_gain = MergeGain(judged, classes.first, classes.second);
      audit.confused.push_back(std::move(pair));
    }
    std::stable_sort(audit.confused.begin(), audit.confused.end(),
                     [](const auto& a, const auto& b) { return a.merge_gain > b.merge_gain; });
    if (audit.confused.size() > options_.shown_max) audit.confused.resize(options_.shown_max);
  }

 private:
  std::int64_t IndexOf(const Row& row) const { return (row.phi - rows_.phi.data()) / dim_; }
  std::string Name(std::int32_t label) const { return std::string(order_.classes[label].label); }

  static double MergeGain(const LeftOut& judged, std::int32_t first, std::int32_t second) {
    std::int64_t gained = 0;
    for (std::size_t i = 0; i < judged.size(); ++i) {
      const std::span<const double> row = judged.Probabilities(i);
      const std::int32_t truth = judged.row(i).label, answer = judged.Answer(i);
      const bool merged =
          row[first] + row[second] >= row[answer] || answer == first || answer == second;
      const bool of_pair = truth == first || truth == second;
      gained += (merged ? of_pair : answer == truth) - (answer == truth);
    }
    return static_cast<double>(gained) / static_cast<double>(judged.size());
  }

  const Rows& rows_;
  const RowOrder& order_;
  const std::int32_t dim_;
  const AuditOptions& options_;
};

}  // namespace

Result<Audit> AuditTask(const Statistics& statistics, const Rows& rows, const Settings& settings,
                        const AuditOptions& options) {
  if (statistics.example_count() == 0)
    return FailedPrecondition("the task holds no example to audit");
  CTT_ASSIGN_OR_RETURN(const RowOrder order, OrderRows(statistics, rows));
  const std::int32_t dim = statistics.feature_dim();
  const Auditor auditor(rows, order, dim, options);
  Audit audit;
  audit.examples = statistics.example_count();
  auditor.FindDuplicates(audit);
  auditor.FindConflicts(audit);
  if (order.classes.size() < 2) return audit;
  const LeftOut judged(ScatterOf(statistics, order.classes, settings.block),
                       LeastHashed(order.rows, kJudgedMax), BlockColumns(settings.block, dim),
                       settings);
  if (judged.size() == 0) return audit;
  audit.judged = static_cast<std::int64_t>(judged.size());
  audit.accuracy = judged.accuracy();
  audit.log_loss = judged.log_loss();
  auditor.FindSuspects(judged, audit);
  auditor.FindConfused(judged, audit);
  audit.curve = LearningCurve(order.rows, dim, settings);
  audit.curve.push_back({audit.examples, audit.accuracy});
  audit.forecast = Forecast(audit.curve);
  return audit;
}

}  // namespace ctt::learn
