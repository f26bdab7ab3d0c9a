#include "http/answers.h"

namespace ctt::http {
namespace {

void AppendClasses(JsonWriter& json, const learn::Metrics& metrics) {
  json.Key("classes").BeginArray();
  for (const learn::ClassMetrics& row : metrics.classes) {
    json.BeginObject()
        .Field("label", row.label)
        .Field("support", row.support)
        .Field("precision", row.precision)
        .Field("recall", row.recall)
        .Field("f1", row.f1)
        .EndObject();
  }
  json.EndArray().Key("confusion").BeginArray();
  for (const learn::Confusion& pair : metrics.confusion) {
    json.BeginObject()
        .Field("truth", pair.truth)
        .Field("answer", pair.answer)
        .Field("count", pair.count)
        .EndObject();
  }
  json.EndArray();
}

void AppendReliability(JsonWriter& json, const learn::Metrics& metrics) {
  json.Key("reliability").BeginArray();
  for (const learn::ReliabilityBin& bin : metrics.reliability) {
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

}  // namespace

std::string MetricsJson(const std::string& task, const learn::Metrics& metrics) {
  JsonWriter json;
  json.BeginObject()
      .Field("task", task)
      .Field("n", metrics.n)
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
  AppendClasses(json, metrics);
  AppendReliability(json, metrics);
  json.EndObject();
  return std::move(json).Take();
}

}  // namespace ctt::http
