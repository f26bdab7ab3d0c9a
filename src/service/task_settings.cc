#include "service/task_settings.h"

#include "base/json.h"

namespace ctt::service {

std::string SerializeTaskSettings(const TaskSettings& settings) {
  json::object object = {{"auto_publish", settings.auto_publish},
                         {"pinned", settings.pinned},
                         {"canary_share", settings.canary_share}};
  if (settings.max_accuracy_fall) object["max_accuracy_fall"] = *settings.max_accuracy_fall;
  return json::serialize(object);
}

Result<TaskSettings> ParseTaskSettings(std::string_view text) {
  const Result<json::value> value = ParseJson(text);
  if (!value.ok() || !value->is_object()) return DataLoss("the task's settings cannot be read");
  const json::object& object = value->get_object();
  TaskSettings settings;
  CTT_ASSIGN_OR_RETURN(const auto auto_publish, OptionalBool(object, "auto_publish"));
  CTT_ASSIGN_OR_RETURN(const auto pinned, OptionalBool(object, "pinned"));
  CTT_ASSIGN_OR_RETURN(const auto canary_share, OptionalNumber(object, "canary_share"));
  CTT_ASSIGN_OR_RETURN(settings.max_accuracy_fall, OptionalNumber(object, "max_accuracy_fall"));
  settings.auto_publish = auto_publish.value_or(true);
  settings.pinned = pinned.value_or(false);
  settings.canary_share = canary_share.value_or(0);
  return settings;
}

}  // namespace ctt::service
