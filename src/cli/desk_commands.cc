// The data desk: ctt audit and ctt suggest.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/session.h"

namespace ctt::cli {
namespace {

std::string_view Word(const json::value& object, const char* key) {
  const json::value& value = object.at(key);
  return value.is_string() ? std::string_view(value.get_string()) : "(text not kept)";
}
double Number(const json::value& object, const char* key) {
  return object.at(key).to_number<double>();
}
std::int64_t Integer(const json::value& object, const char* key) {
  return object.at(key).to_number<std::int64_t>();
}

void PrintSuspects(const json::array& suspects) {
  if (!suspects.empty()) fmt::print("\nlabels that the other examples do not give\n");
  for (const json::value& row : suspects) {
    fmt::print("  {}: {} ({:.3f}), rather {} ({:.3f})\n    {}\n", Word(row, "id"),
               Word(row, "label"), Number(row, "probability"), Word(row, "suggested"),
               Number(row, "suggested_probability"), Word(row, "text"));
  }
}

void PrintConflicts(const json::array& conflicts) {
  if (!conflicts.empty()) fmt::print("\nnear or equal texts under different labels\n");
  for (const json::value& row : conflicts) {
    fmt::print("  distance {:.3f}\n", Number(row, "distance"));
    for (const json::value& example : row.at("examples").get_array())
      fmt::print("    {}: {}\n      {}\n", Word(example, "id"), Word(example, "label"),
                 Word(example, "text"));
  }
}

void PrintConfused(const json::array& pairs) {
  if (!pairs.empty()) fmt::print("\nlabels taken for each other, with what merging would gain\n");
  for (const json::value& row : pairs) {
    fmt::print("  {} / {}: {} + {}, {:+.4f}\n", Word(row, "first"), Word(row, "second"),
               Integer(row, "first_as_second"), Integer(row, "second_as_first"),
               Number(row, "merge_gain"));
  }
}

void PrintCurve(const json::object& audit) {
  fmt::print("\naccuracy by number of examples\n");
  for (const json::value& point : audit.at("learning_curve").get_array())
    fmt::print("  {:>8} {:.4f}\n", Integer(point, "examples"), Number(point, "accuracy"));
  for (const json::value& point : audit.at("forecast").get_array())
    fmt::print("  {:>8} {:.4f} forecast\n", Integer(point, "examples"), Number(point, "accuracy"));
}

void Print(const json::object& audit) {
  fmt::print("{}: {} examples; left out one by one, {} of them: accuracy {:.4f}, log-loss {:.4f}\n",
             Word(audit, "task"), Integer(audit, "examples"), Integer(audit, "judged"),
             Number(audit, "accuracy"), Number(audit, "log_loss"));
  PrintSuspects(audit.at("suspects").get_array());
  PrintConflicts(audit.at("conflicts").get_array());
  if (const std::int64_t count = Integer(audit, "duplicate_examples"); count > 0)
    fmt::print("\n{} examples repeat another one of their label\n", count);
  PrintConfused(audit.at("confused_labels").get_array());
  PrintCurve(audit);
}

// "label (0.812)"; of other kinds of task the labels that hold, or the number.
std::string Said(const json::value& row) {
  if (row.get_object().contains("probability"))
    return fmt::format("{} ({:.3f})", Word(row, "label"), Number(row, "probability"));
  return json::serialize(row.at("label"));
}

}  // namespace

Status Audit(const CommandContext& context, const std::string& task, std::int64_t shown_max) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const json::object audit, session->Audit(task, shown_max));
  if (context.json)
    PrintJson(audit);
  else
    Print(audit);
  return Status::Ok();
}

Status Suggest(const CommandContext& context, const std::string& task, const RowSource& source,
               const service::SuggestOptions& options) {
  CTT_ASSIGN_OR_RETURN(RowFile file, RowFile::Open(source, false));
  CTT_ASSIGN_OR_RETURN(std::vector<FileRow> rows, file.ReadAll());
  if (rows.empty()) return InvalidArgument(file.name() + " holds no row");
  std::vector<std::string> texts;
  for (FileRow& row : rows) texts.push_back(std::move(row.text));
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(json::object answer, session->Suggest(task, texts, options));
  for (json::value& row : answer.at("suggestions").get_array()) {
    const std::int64_t line = rows[static_cast<std::size_t>(Integer(row, "index"))].line;
    row.get_object()["line"] = line;
    if (context.json)
      PrintJson(row);
    else
      fmt::print("line {}: {}{}\n  {}\n", line, Said(row),
                 row.at("in_scope").get_bool() ? "" : ", out of scope", Word(row, "text"));
  }
  return Status::Ok();
}

}  // namespace ctt::cli
