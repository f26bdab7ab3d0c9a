#include "http/answers.h"

namespace ctt::http {
namespace {

void AppendLabels(JsonWriter& json, std::string_view key,
                  const std::vector<learn::ClassMetrics>& labels) {
  json.Key(key).BeginArray();
  for (const learn::ClassMetrics& row : labels) {
    json.BeginObject()
        .Field("label", row.label)
        .Field("support", row.support)
        .Field("precision", row.precision)
        .Field("recall", row.recall)
        .Field("f1", row.f1)
        .EndObject();
  }
  json.EndArray();
}

void AppendConfusion(JsonWriter& json, const learn::Metrics& metrics) {
  json.Key("confusion").BeginArray();
  for (const learn::Confusion& pair : metrics.confusion) {
    json.BeginObject()
        .Field("truth", pair.truth)
        .Field("answer", pair.answer)
        .Field("count", pair.count)
        .EndObject();
  }
  json.EndArray();
}

void AppendReliability(JsonWriter& json, const std::vector<learn::ReliabilityBin>& bins) {
  json.Key("reliability").BeginArray();
  for (const learn::ReliabilityBin& bin : bins) {
    json.BeginObject()
        .Field("count", bin.count)
        .Field("confidence", bin.confidence)
        .Field("accuracy", bin.accuracy)
        .EndObject();
  }
  json.EndArray();
}

void AppendScope(JsonWriter& json, const learn::ScopeMetrics& scope) {
  json.Key("out_of_scope")
      .BeginObject()
      .Field("n", scope.n)
      .Field("auroc", scope.auroc)
      .Field("fpr95", scope.fpr95)
      .Field("recall", scope.recall)
      .Field("right_and_kept", scope.right_and_kept)
      .EndObject();
}

void Append(JsonWriter& json, const learn::Metrics& metrics) {
  json.Field("n", metrics.n)
      .Field("right", metrics.right)
      .Field("accuracy", metrics.accuracy)
      .Key("accuracy_interval")
      .BeginArray()
      .Number(metrics.accuracy_low)
      .Number(metrics.accuracy_high)
      .EndArray()
      .Field("macro_f1", metrics.macro_f1)
      .Field("weighted_f1", metrics.weighted_f1)
      .Field("log_loss", metrics.log_loss)
      .Field("ece", metrics.ece)
      .Field("in_scope_rate", metrics.in_scope_rate)
      .Field("set_error_rate", service::kEvaluateErrorRate)
      .Field("set_coverage", metrics.set_coverage)
      .Field("set_size", metrics.set_size);
  if (metrics.scope) AppendScope(json, *metrics.scope);
  if (!metrics.estimated_prior.empty()) {
    json.Key("estimated_prior").BeginObject();
    for (const auto& [label, share] : metrics.estimated_prior) json.Field(label, share);
    json.EndObject();
  }
  AppendLabels(json, "classes", metrics.classes);
  AppendConfusion(json, metrics);
  AppendReliability(json, metrics.reliability);
}

void Append(JsonWriter& json, const learn::LabelwiseMetrics& metrics) {
  json.Field("n", metrics.n)
      .Field("right", metrics.right)
      .Field("subset_accuracy", metrics.subset_accuracy)
      .Key("subset_accuracy_interval")
      .BeginArray()
      .Number(metrics.subset_accuracy_low)
      .Number(metrics.subset_accuracy_high)
      .EndArray()
      .Field("hamming_loss", metrics.hamming_loss)
      .Field("micro_precision", metrics.micro_precision)
      .Field("micro_recall", metrics.micro_recall)
      .Field("micro_f1", metrics.micro_f1)
      .Field("macro_f1", metrics.macro_f1)
      .Field("log_loss", metrics.log_loss)
      .Field("ece", metrics.ece)
      .Field("threshold", service::kHoldsThreshold)
      .Field("in_scope_rate", metrics.in_scope_rate);
  if (metrics.scope) AppendScope(json, *metrics.scope);
  AppendLabels(json, "labels", metrics.labels);
  AppendReliability(json, metrics.reliability);
}

void Append(JsonWriter& json, const learn::NumberMetrics& metrics) {
  json.Field("n", metrics.n)
      .Field("mae", metrics.mae)
      .Field("rmse", metrics.rmse)
      .Optional("r2", metrics.r2)
      .Optional("pearson", metrics.pearson)
      .Optional("spearman", metrics.spearman)
      .Field("interval_error_rate", service::kEvaluateErrorRate)
      .Optional("interval_coverage", metrics.interval_coverage)
      .Optional("interval_half_width", metrics.interval_half)
      .Field("in_scope_rate", metrics.in_scope_rate);
  if (metrics.scope) AppendScope(json, *metrics.scope);
}

// In the order of the variant's types.
constexpr learn::TaskKind kKinds[] = {learn::TaskKind::kSingle, learn::TaskKind::kMulti,
                                      learn::TaskKind::kRegression};

}  // namespace

std::string EvaluationJson(const std::string& task, const service::Evaluation& figures) {
  JsonWriter json;
  json.BeginObject().Field("task", task).Field("kind", TaskKindName(kKinds[figures.index()]));
  std::visit([&](const auto& metrics) { Append(json, metrics); }, figures);
  json.EndObject();
  return std::move(json).Take();
}

}  // namespace ctt::http
