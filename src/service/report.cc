#include "service/report.h"

#include <map>
#include <utility>

#include "base/json.h"
#include "service/task_settings.h"

namespace ctt::service {
namespace {

json::object Parse(std::string_view report) {
  Result<json::value> value = ParseJson(report);
  return value.ok() && value->is_object() ? std::move(value->get_object()) : json::object();
}

std::optional<double> NumberIn(const json::object& object, std::string_view key) {
  const auto number = OptionalNumber(object, key);
  return number.ok() ? *number : std::nullopt;
}

std::map<std::string, double> AccuracyByLabel(const json::object& report) {
  std::map<std::string, double> accuracies;
  const json::value* labels = report.if_contains("labels");
  if (labels == nullptr || !labels->is_array()) return accuracies;
  for (const json::value& label : labels->get_array()) {
    const json::object* object = label.if_object();
    if (object == nullptr) continue;
    const auto name = OptionalString(*object, "label");
    const auto accuracy = NumberIn(*object, "accuracy");
    if (name.ok() && *name && accuracy) accuracies[**name] = *accuracy;
  }
  return accuracies;
}

json::array DescribeCandidates(const learn::Report& report) {
  json::array candidates;
  for (const learn::Candidate& candidate : report.candidates) {
    candidates.push_back({{"head", learn::HeadKindName(candidate.kind)},
                          {"block", learn::BlockName(candidate.block)},
                          {"ridge", candidate.lambda_or_rho}});
    json::object& row = candidates.back().get_object();
    if (candidate.kind == learn::HeadKind::kRidge) {
      row["mean_squared_error"] = candidate.log_loss;
      continue;
    }
    row["log_loss"] = candidate.log_loss;
    row["accuracy"] = candidate.accuracy;
  }
  return candidates;
}

json::array DescribeLabels(const learn::Report& report, const json::object& before) {
  const std::map<std::string, double> accuracies = AccuracyByLabel(before);
  json::array labels;
  for (const learn::LabelReport& row : report.labels) {
    json::object label = {{"label", row.label}, {"examples", row.examples}, {"judged", row.judged}};
    if (row.judged > 0) {
      label["accuracy"] = row.accuracy;
      const auto was = accuracies.find(row.label);
      if (was != accuracies.end()) label["accuracy_change"] = row.accuracy - was->second;
    }
    labels.push_back(std::move(label));
  }
  return labels;
}

bool WasJudged(const learn::Report& report) {
  for (const learn::LabelReport& row : report.labels)
    if (row.judged > 0) return true;
  return false;
}

}  // namespace

std::string SettledReport(const learn::Report& report, const learn::Rates& rates,
                          const store::Version* previous) {
  const json::object before = previous == nullptr ? json::object() : Parse(previous->report);
  json::object object = {{"examples", report.examples}};
  if (report.numbers) {
    object["loo_mae"] = report.numbers->mae;
    object["loo_rmse"] = report.numbers->rmse;
    object["loo_r2"] = report.numbers->r2;
  } else if (WasJudged(report)) {
    object["loo_accuracy"] = report.loo_accuracy;
    object["loo_log_loss"] = report.loo_log_loss;
  }
  object["labels"] = DescribeLabels(report, before);
  if (previous != nullptr) {
    json::object change = {{"version", previous->number}};
    const auto was = NumberIn(before, "loo_accuracy"), fit = NumberIn(before, "loo_r2");
    if (was && WasJudged(report)) change["loo_accuracy_change"] = report.loo_accuracy - *was;
    if (fit && report.numbers) change["loo_r2_change"] = report.numbers->r2 - *fit;
    object["previous"] = std::move(change);
  }
  object["candidates"] = DescribeCandidates(report);
  for (auto& [key, value] : RatesJson(rates)) object[key] = std::move(value);
  return json::serialize(object);
}

std::string LessonReport(std::int64_t examples, std::int64_t settled_version) {
  json::object object = {{"examples", examples}};
  if (settled_version > 0) object["choices_of"] = settled_version;
  return json::serialize(object);
}

std::string EditReport(const LabelEdit& edit, std::int64_t examples, std::string_view before) {
  json::object object = Parse(before);
  object["examples"] = examples;
  if (json::value* labels = object.if_contains("labels"); labels != nullptr && labels->is_array())
    for (json::value& label : labels->get_array())
      if (label.is_object() && label.get_object()["label"] == json::value(edit.label))
        label.get_object()["label"] = edit.to;
  json::object change = {{"kind", LabelEditName(edit.kind)}, {"label", edit.label}};
  if (!edit.to.empty()) change["to"] = edit.to;
  if (!edit.ids.empty()) change["examples"] = edit.ids.size();
  object["label_edit"] = std::move(change);
  return json::serialize(object);
}

std::string RefusedReport(std::string_view report, double max_accuracy_fall) {
  json::object object = Parse(report);
  object["refused"] = {{"max_accuracy_fall", max_accuracy_fall}};
  return json::serialize(object);
}

std::optional<double> AccuracyOf(std::string_view report) {
  const json::object object = Parse(report);
  const auto accuracy = NumberIn(object, "loo_accuracy");
  return accuracy ? accuracy : NumberIn(object, "loo_r2");
}

double AccuracyOf(const learn::Report& report) {
  return report.numbers ? report.numbers->r2 : report.loo_accuracy;
}

}  // namespace ctt::service
