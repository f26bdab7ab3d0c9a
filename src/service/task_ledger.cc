#include "service/task_ledger.h"

#include <algorithm>
#include <vector>

#include "base/json.h"
#include "text/ngrams.h"

namespace ctt::service {
namespace {

// Rows go into the sums in blocks, which is how the Gram update is fast.
class BlockedSums {
 public:
  BlockedSums(learn::Statistics& statistics, const std::map<store::LabelId, std::string>& names)
      : statistics_(statistics), names_(names) {}

  Status Take(const store::Example& row, int sign) {
    if (sign != sign_) CTT_RETURN_IF_ERROR(Flush());
    sign_ = sign;
    const auto name = names_.find(row.label);
    if (name == names_.end()) return DataLoss("an example has a label that does not exist");
    phi_.insert(phi_.end(), row.phi.begin(), row.phi.end());
    labels_.push_back(name->second);
    return labels_.size() < kBlockRows ? Status::Ok() : Flush();
  }

  Status Flush() {
    if (labels_.empty()) return Status::Ok();
    const Status status =
        sign_ > 0 ? statistics_.Add(phi_, labels_) : statistics_.Remove(phi_, labels_);
    phi_.clear();
    labels_.clear();
    return status;
  }

 private:
  static constexpr std::size_t kBlockRows = 256;
  learn::Statistics& statistics_;
  const std::map<store::LabelId, std::string>& names_;
  std::vector<std::int8_t> phi_;
  std::vector<std::string> labels_;
  int sign_ = 1;
};

// The newest checkpoint at or before a watermark, or empty sums at 0. A damaged artefact is passed
// over: the log holds all that it held.
learn::Statistics StartingSums(const Stores& stores, store::TaskId task, store::Seq watermark,
                               std::int32_t feature_dim, store::Seq& from) {
  from = 0;
  const auto checkpoint = stores.log.LatestCheckpoint(task);
  Digest digest;
  if (checkpoint.ok() && *checkpoint && (*checkpoint)->watermark <= watermark &&
      FromHex((*checkpoint)->digest, digest)) {
    const Result<std::string> bytes = stores.artifacts.Get(digest);
    if (bytes.ok()) {
      Result<learn::Statistics> statistics = learn::Statistics::Parse(*bytes);
      if (statistics.ok() && statistics->feature_dim() == feature_dim) {
        from = (*checkpoint)->watermark;
        return *std::move(statistics);
      }
    }
    stores.events.Write(telemetry::LogLevel::kWarning, "checkpoint_unreadable",
                        {{"task", task}, {"digest", std::string_view((*checkpoint)->digest)}});
  }
  return learn::Statistics(feature_dim);
}

Result<learn::Head> SolveAgain(const Stores& stores, store::TaskId task,
                               const store::Version& version, const learn::Settings& settings,
                               std::int32_t feature_dim) {
  CTT_ASSIGN_OR_RETURN(const learn::Statistics statistics,
                       StatisticsAt(stores, task, version.watermark, feature_dim));
  if (!version.settled) return learn::Solve(statistics, settings);
  CTT_ASSIGN_OR_RETURN(const learn::Rows rows, RowsAt(stores.log, task, version.watermark));
  learn::SettleOptions options;
  options.prior = settings.prior;
  CTT_ASSIGN_OR_RETURN(learn::Settled settled, learn::Settle(statistics, rows, options, nullptr));
  return std::move(settled.head);
}

}  // namespace

Result<std::map<store::LabelId, std::string>> LabelNames(store::Store& log, store::TaskId task) {
  CTT_ASSIGN_OR_RETURN(const std::vector<store::Label> labels, log.Labels(task));
  std::map<store::LabelId, std::string> names;
  for (const store::Label& label : labels) names[label.id] = label.name;
  return names;
}

Result<TaskLedger> OpenLedger(const Stores& stores, const store::Task& record) {
  TaskLedger ledger;
  ledger.record = record;
  CTT_ASSIGN_OR_RETURN(ledger.task_settings, ParseTaskSettings(record.settings));
  CTT_ASSIGN_OR_RETURN(ledger.label_names, LabelNames(stores.log, record.id));
  for (const auto& [id, name] : ledger.label_names) ledger.label_ids[name] = id;
  CTT_ASSIGN_OR_RETURN(ledger.last_seq, stores.log.LastSeq(record.id));
  CTT_ASSIGN_OR_RETURN(const auto latest, stores.log.LatestVersion(record.id));
  CTT_ASSIGN_OR_RETURN(const auto live, stores.log.Alias(record.id, kLiveAlias));
  ledger.live_version = live.value_or(0);
  if (latest) {
    ledger.last_version = latest->number;
    ledger.settled = latest->settled && latest->watermark == ledger.last_seq;
  }
  CTT_ASSIGN_OR_RETURN(const auto settled, stores.log.Alias(record.id, kSettledAlias));
  if (settled) {
    CTT_ASSIGN_OR_RETURN(const auto version, stores.log.FindVersion(record.id, *settled));
    if (!version) return DataLoss("the settled version is not there");
    CTT_ASSIGN_OR_RETURN(ledger.settings, learn::ParseSettings(version->settings));
    CTT_ASSIGN_OR_RETURN(ledger.rates, LoadRates(stores.log, record.id, *version));
    ledger.settled_version = *settled;
  }
  return ledger;
}

Result<learn::Statistics> StatisticsAt(const Stores& stores, store::TaskId task,
                                       store::Seq watermark, std::int32_t feature_dim) {
  CTT_ASSIGN_OR_RETURN(const auto names, LabelNames(stores.log, task));
  store::Seq from = 0;
  learn::Statistics statistics = StartingSums(stores, task, watermark, feature_dim, from);
  BlockedSums sums(statistics, names);
  CTT_RETURN_IF_ERROR(stores.log.ReplaySince(
      task, from, watermark,
      [&](const store::Example& row, int sign) { return sums.Take(row, sign); }));
  CTT_RETURN_IF_ERROR(sums.Flush());
  return statistics;
}

Result<learn::Rows> RowsAt(store::Store& log, store::TaskId task, store::Seq watermark,
                           std::vector<std::string>* ids) {
  CTT_ASSIGN_OR_RETURN(const auto names, LabelNames(log, task));
  learn::Rows rows;
  std::map<store::LabelId, std::int32_t> index;
  for (const auto& [id, name] : names) {
    index[id] = static_cast<std::int32_t>(rows.labels.size());
    rows.labels.push_back(name);
  }
  bool all_texts = true;
  CTT_RETURN_IF_ERROR(log.ScanAt(task, watermark, [&](const store::Example& row) -> Status {
    const auto label = index.find(row.label);
    if (label == index.end()) return DataLoss("an example has a label that does not exist");
    rows.phi.insert(rows.phi.end(), row.phi.begin(), row.phi.end());
    rows.label_index.push_back(label->second);
    if (ids != nullptr) ids->push_back(row.id);
    all_texts = all_texts && row.text;
    if (all_texts) rows.ngrams.push_back(text::HashedNGrams(*row.text));
    return Status::Ok();
  }));
  if (!all_texts) rows.ngrams.clear();
  return rows;
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
  CTT_ASSIGN_OR_RETURN(learn::Head head, SolveAgain(stores, task, version, settings, feature_dim));
  if (ToHex(head.ContentDigest()) != version.head_digest) {
    return DataLoss("version " + std::to_string(version.number) +
                    " solved again from the log differs from the head it names");
  }
  return std::make_shared<const learn::Head>(std::move(head));
}

std::string ReportJson(const learn::Report& report, const learn::Rates& rates) {
  json::array candidates;
  for (const learn::Candidate& candidate : report.candidates) {
    candidates.push_back({{"head", learn::HeadKindName(candidate.kind)},
                          {"block", learn::BlockName(candidate.block)},
                          {"ridge", candidate.lambda_or_rho},
                          {"log_loss", candidate.log_loss},
                          {"accuracy", candidate.accuracy}});
  }
  json::object object{{"examples", report.examples},
                      {"loo_accuracy", report.loo_accuracy},
                      {"loo_log_loss", report.loo_log_loss},
                      {"candidates", std::move(candidates)}};
  for (auto& [key, value] : RatesJson(rates)) object[key] = std::move(value);
  return json::serialize(object);
}

std::string BorrowedReportJson(std::int64_t settled_version) {
  if (settled_version == 0) return "{}";
  return json::serialize(json::object{{"choices_of", settled_version}});
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
