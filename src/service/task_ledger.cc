#include "service/task_ledger.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "text/ngrams.h"

namespace ctt::service {
namespace {

Status Purged() {
  return {Code::kFailedPrecondition, "version_purged",
          "this version was learned with examples that have been purged"};
}

// Rows go into the sums in blocks, which is how the Gram update is fast.
class BlockedSums {
 public:
  BlockedSums(learn::Statistics& statistics, const LabelNames& names)
      : statistics_(statistics), names_(names) {}

  Status Take(const store::Example& row, int sign) {
    if (sign != sign_) CTT_RETURN_IF_ERROR(Flush());
    sign_ = sign;
    CTT_ASSIGN_OR_RETURN(learn::Target target, TargetOf(row, names_));
    if (row.phi.size() != static_cast<std::size_t>(statistics_.feature_dim())) return Purged();
    phi_.insert(phi_.end(), row.phi.begin(), row.phi.end());
    targets_.push_back(std::move(target));
    return targets_.size() < kBlockRows ? Status::Ok() : Flush();
  }

  Status Flush() {
    if (targets_.empty()) return Status::Ok();
    const Status status =
        sign_ > 0 ? statistics_.Add(phi_, targets_) : statistics_.Remove(phi_, targets_);
    phi_.clear();
    targets_.clear();
    return status;
  }

 private:
  static constexpr std::size_t kBlockRows = 256;
  learn::Statistics& statistics_;
  const LabelNames& names_;
  std::vector<std::int8_t> phi_;
  std::vector<learn::Target> targets_;
  int sign_ = 1;
};

// The newest checkpoint at or before a watermark, or empty sums at 0. A damaged artefact is passed
// over: the log holds all that it held. No label was renamed since: a renaming puts a checkpoint.
learn::Statistics StartingSums(const Stores& stores, store::TaskId task, store::Seq watermark,
                               std::int32_t feature_dim, learn::TaskKind kind, store::Seq& from) {
  from = 0;
  const auto checkpoint = stores.log.LatestCheckpoint(task);
  Digest digest;
  if (checkpoint.ok() && *checkpoint && (*checkpoint)->watermark <= watermark &&
      FromHex((*checkpoint)->digest, digest)) {
    const Result<std::string> bytes = stores.artifacts.Get(digest);
    if (bytes.ok()) {
      Result<learn::Statistics> statistics = learn::Statistics::Parse(*bytes);
      if (statistics.ok() && statistics->feature_dim() == feature_dim &&
          statistics->kind() == kind) {
        from = (*checkpoint)->watermark;
        return *std::move(statistics);
      }
    }
    stores.events.Write(telemetry::LogLevel::kWarning, "checkpoint_unreadable",
                        {{"task", task}, {"digest", std::string_view((*checkpoint)->digest)}});
  }
  return learn::Statistics(feature_dim, kind);
}

std::int64_t VersionOf(const store::TaskMark& mark, std::string_view alias) {
  const auto found = mark.aliases.find(std::string(alias));
  return found == mark.aliases.end() ? 0 : found->second;
}

}  // namespace

bool IsAt(const TaskLedger& ledger, const store::TaskMark& mark) {
  return ledger.record.id == mark.task.id && ledger.record.name == mark.task.name &&
         ledger.record.settings == mark.task.settings && ledger.last_seq == mark.last_seq &&
         ledger.last_version == mark.last_version &&
         ledger.live_version == VersionOf(mark, kLiveAlias) &&
         ledger.previous_version == VersionOf(mark, kPreviousAlias) &&
         ledger.canary.number == VersionOf(mark, kCanaryAlias) &&
         ledger.shadow.number == VersionOf(mark, kShadowAlias) &&
         ledger.settled_version == VersionOf(mark, kSettledAlias);
}

void RenameTemperature(learn::Settings& settings, const std::string& from, const std::string& to) {
  if (from == to) return;
  auto node = settings.label_temperatures.extract(from);
  if (node.empty()) return;
  node.key() = to;
  settings.label_temperatures.insert(std::move(node));  // Not when `to` has one: that stays.
}

Result<LabelNames> NamesNow(store::Store& log, store::TaskId task) {
  return NamesAt(log, task, std::numeric_limits<store::Seq>::max());
}

Result<LabelNames> NamesAt(store::Store& log, store::TaskId task, store::Seq watermark) {
  CTT_ASSIGN_OR_RETURN(const std::vector<store::Label> labels, log.LabelsAt(task, watermark));
  LabelNames names;
  names.reserve(labels.size());
  for (const store::Label& label : labels) names[label.id] = label.name;
  return names;
}

namespace {

// A label's own temperature follows it to the name that it has now.
Status CallTemperatures(store::Store& log, store::TaskId task, const store::Version& version,
                        const LabelNames& now, learn::Settings& settings) {
  if (settings.label_temperatures.empty()) return Status::Ok();
  CTT_ASSIGN_OR_RETURN(const LabelNames then, NamesAt(log, task, version.watermark));
  const auto before = std::exchange(settings.label_temperatures, {});
  for (const bool renamed : {false, true}) {  // A label that kept its name keeps its temperature.
    for (const auto& [id, name] : then) {
      const auto own = before.find(name);
      if (own == before.end() || !now.contains(id) || (now.at(id) != name) != renamed) continue;
      settings.label_temperatures.emplace(now.at(id), own->second);
    }
  }
  return Status::Ok();
}

}  // namespace

// What a mark says never changes, and neither does what the log holds up to it: reading on needs no
// lock.
Result<TaskLedger> OpenLedger(const Stores& stores, const store::TaskMark& mark,
                              std::int32_t feature_dim) {
  const store::Task& record = mark.task;
  TaskLedger ledger;
  ledger.record = record;
  CTT_ASSIGN_OR_RETURN(ledger.task_settings, ParseTaskSettings(record.settings));
  CTT_ASSIGN_OR_RETURN(ledger.label_names, NamesAt(stores.log, record.id, mark.last_seq));
  for (const auto& [id, name] : ledger.label_names) ledger.label_ids.emplace(name, id);
  ledger.last_seq = mark.last_seq;
  CTT_ASSIGN_OR_RETURN(const auto latest, stores.log.FindVersion(record.id, mark.last_version));
  if (!latest && mark.last_version > 0) return DataLoss("the last version is not there");
  const auto named = [&](std::string_view alias) { return VersionOf(mark, alias); };
  ledger.live_version = named(kLiveAlias);
  // Before these settings were kept, being behind the last version was what being pinned meant.
  if (record.settings == "{}")
    ledger.task_settings.pinned = latest && ledger.live_version != latest->number;
  ledger.previous_version = named(kPreviousAlias);
  ledger.canary.number = named(kCanaryAlias);
  ledger.shadow.number = named(kShadowAlias);
  for (ServedVersion* beside : {&ledger.canary, &ledger.shadow}) {
    if (beside->number == 0) continue;
    CTT_ASSIGN_OR_RETURN(const auto version, stores.log.FindVersion(record.id, beside->number));
    if (!version) return DataLoss("an alias names a version that is not there");
    CTT_ASSIGN_OR_RETURN(beside->head, LoadHead(stores, record.id, *version, feature_dim));
    CTT_ASSIGN_OR_RETURN(beside->rates, LoadRates(stores.log, record.id, *version));
  }
  if (latest) {
    ledger.last_version = latest->number;
    ledger.settled = latest->settled && latest->watermark == ledger.last_seq;
  }
  if (const std::int64_t settled = named(kSettledAlias); settled != 0) {
    CTT_ASSIGN_OR_RETURN(const auto version, stores.log.FindVersion(record.id, settled));
    if (!version) return DataLoss("the settled version is not there");
    CTT_ASSIGN_OR_RETURN(learn::Settings settings, learn::ParseSettings(version->settings));
    CTT_RETURN_IF_ERROR(
        CallTemperatures(stores.log, record.id, *version, ledger.label_names, settings));
    ledger.settings = std::move(settings);
    CTT_ASSIGN_OR_RETURN(ledger.rates, LoadRates(stores.log, record.id, *version));
    ledger.settled_version = settled;
  }
  return ledger;
}

Result<learn::Statistics> BringTo(const Stores& stores, store::TaskId task,
                                  learn::Statistics statistics, store::Seq from,
                                  store::Seq watermark) {
  CTT_ASSIGN_OR_RETURN(const LabelNames names, NamesAt(stores.log, task, watermark));
  BlockedSums sums(statistics, names);
  CTT_RETURN_IF_ERROR(stores.log.ReplaySince(
      task, from, watermark,
      [&](const store::Example& row, int sign) { return sums.Take(row, sign); }));
  CTT_RETURN_IF_ERROR(sums.Flush());
  return statistics;
}

Result<learn::Statistics> StatisticsOfLog(const Stores& stores, store::TaskId task,
                                          store::Seq watermark, std::int32_t feature_dim,
                                          learn::TaskKind kind) {
  return BringTo(stores, task, learn::Statistics(feature_dim, kind), 0, watermark);
}

Result<learn::Statistics> StatisticsAt(const Stores& stores, store::TaskId task,
                                       store::Seq watermark, std::int32_t feature_dim,
                                       learn::TaskKind kind) {
  store::Seq from = 0;
  learn::Statistics statistics = StartingSums(stores, task, watermark, feature_dim, kind, from);
  return BringTo(stores, task, std::move(statistics), from, watermark);
}

namespace {

// What the row says, as the kind of its task keeps it in Rows.
Status AddTarget(const store::Example& row, const LabelNames& names,
                 const std::map<std::string_view, std::int32_t>& index_of_name, learn::Rows& rows) {
  CTT_ASSIGN_OR_RETURN(const learn::Target target, TargetOf(row, names));
  std::vector<std::int32_t> labels;
  for (const std::string& label : target.labels) labels.push_back(index_of_name.at(label));
  std::sort(labels.begin(), labels.end());
  switch (KindOfExample(row)) {
    case learn::TaskKind::kSingle:
      rows.label_index.push_back(labels.front());
      break;
    case learn::TaskKind::kMulti:
      rows.label_sets.push_back(std::move(labels));
      break;
    case learn::TaskKind::kRegression:
      rows.units.push_back(target.units);
      break;
  }
  return Status::Ok();
}

}  // namespace

Result<learn::Rows> RowsAt(store::Store& log, store::TaskId task, store::Seq watermark,
                           std::vector<std::string>* ids) {
  CTT_ASSIGN_OR_RETURN(const LabelNames names, NamesAt(log, task, watermark));
  learn::Rows rows;
  std::map<std::string_view, std::int32_t> index_of_name;
  for (const auto& [id, name] : names) {
    const auto next = static_cast<std::int32_t>(rows.labels.size());
    if (index_of_name.emplace(name, next).second) rows.labels.push_back(name);
  }
  bool all_texts = true;
  CTT_RETURN_IF_ERROR(log.ScanAt(task, watermark, [&](const store::Example& row) -> Status {
    CTT_RETURN_IF_ERROR(AddTarget(row, names, index_of_name, rows));
    rows.phi.insert(rows.phi.end(), row.phi.begin(), row.phi.end());
    if (ids != nullptr) ids->push_back(row.id);
    all_texts = all_texts && row.text;
    if (all_texts) rows.ngrams.push_back(text::HashedNGrams(*row.text));
    return Status::Ok();
  }));
  if (!all_texts) rows.ngrams.clear();
  return rows;
}

Result<learn::Head> SolveAgain(const Stores& stores, store::TaskId task,
                               const store::Version& version, const learn::Statistics& statistics) {
  CTT_ASSIGN_OR_RETURN(const learn::Settings settings, learn::ParseSettings(version.settings));
  if (!version.settled) return learn::Solve(statistics, settings);
  CTT_ASSIGN_OR_RETURN(const learn::Rows rows, RowsAt(stores.log, task, version.watermark));
  learn::SettleOptions options;
  options.prior = settings.prior;
  CTT_ASSIGN_OR_RETURN(learn::Settled settled, learn::Settle(statistics, rows, options, nullptr));
  return std::move(settled.head);
}

Result<std::shared_ptr<const learn::Head>> LoadHead(const Stores& stores, store::TaskId task,
                                                    const store::Version& version,
                                                    std::int32_t feature_dim) {
  Digest digest;
  if (version.has_artifact && FromHex(version.head_digest, digest)) {
    const Result<std::string> bytes = stores.artifacts.Get(digest);
    if (bytes.ok()) {
      CTT_ASSIGN_OR_RETURN(learn::Head head, learn::Head::Parse(*bytes));
      return std::make_shared<const learn::Head>(std::move(head));
    }
    stores.events.Write(telemetry::LogLevel::kWarning, "head_unreadable_solving_again",
                        {{"task", task},
                         {"version", version.number},
                         {"digest", std::string_view(version.head_digest)},
                         {"why", std::string_view(bytes.status().message())}});
  }
  CTT_ASSIGN_OR_RETURN(const learn::Settings settings, learn::ParseSettings(version.settings));
  CTT_ASSIGN_OR_RETURN(
      const learn::Statistics statistics,
      StatisticsAt(stores, task, version.watermark, feature_dim, learn::TaskKindOf(settings.kind)));
  CTT_ASSIGN_OR_RETURN(learn::Head head, SolveAgain(stores, task, version, statistics));
  if (ToHex(head.ContentDigest()) != version.head_digest) {
    return Status(Code::kDataLoss, kHeadLost,
                  "version " + std::to_string(version.number) +
                      " solved again from the log differs from the head it names");
  }
  return std::make_shared<const learn::Head>(std::move(head));
}

Result<std::shared_ptr<const learn::Rates>> LoadRates(store::Store& log, store::TaskId task,
                                                      const store::Version& version) {
  const Result<json::value> report = ParseJson(version.report);
  if (!report.ok() || !report->is_object()) return std::shared_ptr<const learn::Rates>();
  const json::object& object = report->get_object();
  if (version.settled) return std::make_shared<const learn::Rates>(ParseRates(object));
  CTT_ASSIGN_OR_RETURN(const auto lender, OptionalInteger(object, "choices_of"));
  if (!lender) return std::shared_ptr<const learn::Rates>();
  CTT_ASSIGN_OR_RETURN(const auto settled, log.FindVersion(task, *lender));
  if (!settled || !settled->settled) return std::shared_ptr<const learn::Rates>();
  return LoadRates(log, task, *settled);
}

}  // namespace ctt::service
