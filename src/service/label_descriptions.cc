#include "service/label_descriptions.h"

#include <algorithm>

namespace ctt::service {

std::string DescriptionId(const std::string& label) { return "label:" + label; }

std::string SpelledOut(const std::string& label) {
  std::string words = label;
  std::replace_if(
      words.begin(), words.end(),
      [](char c) { return c == '_' || c == '-' || c == '/' || c == ':' || c == '.'; }, ' ');
  return words;
}

Result<std::vector<LearnRow>> DescriptionRows(const std::vector<LabelDescription>& labels,
                                              std::int64_t id_bytes_max) {
  if (labels.empty()) return Status(Code::kInvalidArgument, "empty_request", "no label was given");
  std::vector<LearnRow> rows;
  for (const LabelDescription& label : labels) {
    LearnRow row;
    row.label = label.name;
    row.text = label.description.value_or(SpelledOut(label.name));
    row.id = DescriptionId(label.name);
    row.source = "description";
    if (std::ssize(row.id) > id_bytes_max) {
      return Status(Code::kTooLarge, "label_too_long",
                    "a label with a description has at most " +
                        std::to_string(id_bytes_max - std::ssize(DescriptionId(""))) + " bytes");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace ctt::service
