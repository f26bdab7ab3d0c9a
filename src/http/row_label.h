#pragma once
// The 'label' of a row, which says the kind of its task: a string (one label of several), an array
// of strings (multi-label), a number (regression). The same in requests and answers. Pure
// functions.
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/json_writer.h"
#include "service/types.h"

namespace ctt::http {

// Sets label, labels or number of a LearnRow or an EvaluateRow. kInvalidArgument ("missing_field",
// "wrong_type").
template <typename Row>
Status ParseRowLabel(const json::object& object, std::string_view key, Row& row) {
  const json::value* value = object.if_contains(key);
  const bool is_string = value == nullptr || value->is_null() || value->is_string();
  if (is_string) {
    CTT_ASSIGN_OR_RETURN(row.label, RequiredString(object, key));
    return Status::Ok();
  }
  if (value->is_number()) {
    row.number = value->to_number<double>();
    return Status::Ok();
  }
  if (value->is_array()) {
    row.labels.emplace();
    bool strings = true;
    for (const json::value& label : value->get_array()) {
      strings = strings && label.is_string();
      if (strings) row.labels->emplace_back(label.get_string());
    }
    if (strings) return Status::Ok();
  }
  return {Code::kInvalidArgument, "wrong_type",
          "'" + std::string(key) + "' must be a string, an array of strings, or a number"};
}

// The member 'label' of an ExampleInfo, a NearExample or a row.
template <typename Row>
void AppendRowLabel(JsonWriter& json, const Row& row) {
  json.Key("label");
  if (row.number) {
    json.Number(*row.number);
  } else if (row.labels) {
    json.Strings(*row.labels);
  } else {
    json.String(row.label);
  }
}

}  // namespace ctt::http
