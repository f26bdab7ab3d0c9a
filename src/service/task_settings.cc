#include "service/task_settings.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "service/service.h"

namespace ctt::service {
namespace {

constexpr std::size_t kGroupsMax = 16;

// Parts per million, so that a rate comes back as the same bits.
constexpr double kRateUnit = 1e6;

std::vector<std::int64_t> Integers(const json::value& value) {
  std::vector<std::int64_t> integers;
  if (!value.is_array()) return integers;
  for (const json::value& item : value.get_array())
    if (item.is_int64()) integers.push_back(item.get_int64());
  return integers;
}

bool WholeGrid(const std::vector<std::int64_t>& values) {
  return values.size() == learn::RateGrid().size();
}

Result<TaskSettings> ParseMembers(const json::object& object) {
  TaskSettings settings;
  CTT_ASSIGN_OR_RETURN(const auto kind, OptionalString(object, "kind"));
  if (kind) settings.kind = learn::ParseTaskKind(*kind);
  if (kind && !settings.kind) return DataLoss("no such kind of task");
  CTT_ASSIGN_OR_RETURN(const auto rate, OptionalInteger(object, "out_of_scope_ppm"));
  CTT_ASSIGN_OR_RETURN(const auto prior, OptionalString(object, "prior"));
  CTT_ASSIGN_OR_RETURN(const auto auto_publish, OptionalBool(object, "auto_publish"));
  CTT_ASSIGN_OR_RETURN(settings.max_accuracy_fall, OptionalNumber(object, "max_accuracy_fall"));
  CTT_ASSIGN_OR_RETURN(const auto pinned, OptionalBool(object, "pinned"));
  CTT_ASSIGN_OR_RETURN(const auto canary_share, OptionalNumber(object, "canary_share"));
  settings.auto_publish = auto_publish.value_or(true);
  settings.pinned = pinned.value_or(false);
  settings.canary_share = canary_share.value_or(0);
  if (rate) settings.out_of_scope_rate = static_cast<double>(*rate) / kRateUnit;
  if (prior) {
    CTT_ASSIGN_OR_RETURN(settings.prior, ParsePrior(*prior));
  }
  if (const json::value* groups = object.if_contains("groups"); groups != nullptr) {
    if (!groups->is_array()) return DataLoss("'groups' is no array");
    for (const json::value& group : groups->get_array())
      if (group.is_string()) settings.groups.emplace_back(group.get_string());
  }
  return settings;
}

}  // namespace

std::string_view PriorName(learn::Prior prior) {
  return prior == learn::Prior::kUniform ? "uniform" : "empirical";
}

Result<learn::Prior> ParsePrior(std::string_view name) {
  for (const learn::Prior prior : {learn::Prior::kEmpirical, learn::Prior::kUniform})
    if (name == PriorName(prior)) return prior;
  return Status(Code::kInvalidArgument, "bad_prior", "a prior is 'empirical' or 'uniform'");
}

Status CheckChange(const TaskChange& change) {
  if (change.out_of_scope_rate &&
      !(*change.out_of_scope_rate >= 0 && *change.out_of_scope_rate <= learn::kRateMax)) {
    return {Code::kInvalidArgument, "out_of_range", "'out_of_scope_rate' must be from 0 to 0.5"};
  }
  if (!change.groups) return Status::Ok();
  if (change.groups->size() > kGroupsMax) {
    return {Code::kInvalidArgument, "too_many_groups",
            "a task is in at most " + std::to_string(kGroupsMax) + " groups"};
  }
  for (const std::string& group : *change.groups) {
    if (CheckTaskName(group).ok()) continue;
    return {Code::kInvalidArgument, "bad_group_name",
            "a group's name is 1 to 128 letters, digits, '_', '.', ':' or '-', and does not begin "
            "with '.'"};
  }
  return Status::Ok();
}

TaskSettings Changed(TaskSettings settings, const TaskChange& change) {
  if (change.out_of_scope_rate)
    settings.out_of_scope_rate = std::round(*change.out_of_scope_rate * kRateUnit) / kRateUnit;
  if (change.prior) settings.prior = *change.prior;
  if (change.groups) settings.groups = *change.groups;
  std::sort(settings.groups.begin(), settings.groups.end());
  settings.groups.erase(std::unique(settings.groups.begin(), settings.groups.end()),
                        settings.groups.end());
  return settings;
}

std::string TaskSettingsJson(const TaskSettings& settings) {
  json::object object = {
      {"out_of_scope_ppm",
       static_cast<std::int64_t>(std::llround(settings.out_of_scope_rate * kRateUnit))},
      {"prior", PriorName(settings.prior)},
      {"groups", json::value_from(settings.groups)},
      {"auto_publish", settings.auto_publish},
      {"max_accuracy_fall",
       settings.max_accuracy_fall ? json::value(*settings.max_accuracy_fall) : json::value()},
      {"pinned", settings.pinned},
      {"canary_share", settings.canary_share}};
  if (settings.kind) object["kind"] = learn::TaskKindName(*settings.kind);
  return json::serialize(object);
}

Result<TaskSettings> ParseTaskSettings(std::string_view text) {
  const Result<json::value> value = ParseJson(text);
  if (!value.ok() || !value->is_object())
    return DataLoss("the settings of a task are no JSON object");
  Result<TaskSettings> settings = ParseMembers(value->get_object());
  if (settings.ok()) return settings;
  return DataLoss("the settings of a task are damaged: " + settings.status().message());
}

json::object RatesJson(const learn::Rates& rates) {
  json::object quantiles;
  for (const auto& [kind, values] : rates.set_quantiles)
    quantiles[learn::HeadKindName(kind)] = json::value_from(values);
  json::object object = {{"set_quantiles", std::move(quantiles)},
                         {"scope_thresholds", json::value_from(rates.scope_thresholds)}};
  if (!rates.interval_halves.empty())
    object["interval_halves"] = json::value_from(rates.interval_halves);
  return object;
}

learn::Rates ParseRates(const json::object& report) {
  learn::Rates rates;
  const json::value* quantiles = report.if_contains("set_quantiles");
  const json::value* thresholds = report.if_contains("scope_thresholds");
  if (quantiles == nullptr || !quantiles->is_object() || thresholds == nullptr) return rates;
  for (const learn::HeadKind kind :
       {learn::HeadKind::kLinearDiscriminant, learn::HeadKind::kLogistic, learn::HeadKind::kHybrid,
        learn::HeadKind::kLexical}) {
    const json::value* values = quantiles->get_object().if_contains(learn::HeadKindName(kind));
    if (values != nullptr && WholeGrid(Integers(*values)))
      rates.set_quantiles[kind] = Integers(*values);
  }
  const json::value* halves = report.if_contains("interval_halves");
  if (halves != nullptr && WholeGrid(Integers(*halves))) rates.interval_halves = Integers(*halves);
  if (WholeGrid(Integers(*thresholds))) rates.scope_thresholds = Integers(*thresholds);
  return rates;
}

}  // namespace ctt::service
