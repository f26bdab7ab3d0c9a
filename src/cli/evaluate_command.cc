#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/html_report.h"
#include "cli/session.h"

namespace ctt::cli {
namespace {

double Number(const json::object& object, std::string_view key) {
  return object.at(key).to_number<double>();
}

void Print(const json::object& figures) {
  const json::array& interval = figures.at("accuracy_interval").get_array();
  fmt::print(
      "{}: {} rows, accuracy {:.4f} ({:.4f} to {:.4f}), macro F1 {:.4f}, log-loss {:.4f}, "
      "ECE {:.4f}\n",
      std::string_view(figures.at("task").get_string()), Number(figures, "n"),
      Number(figures, "accuracy"), interval[0].to_number<double>(), interval[1].to_number<double>(),
      Number(figures, "macro_f1"), Number(figures, "log_loss"), Number(figures, "ece"));
  fmt::print(
      "sets at error rate {}: {:.4f} hold the truth, {:.2f} labels on average; {:.4f} in scope\n",
      Number(figures, "set_error_rate"), Number(figures, "set_coverage"),
      Number(figures, "set_size"), Number(figures, "in_scope_rate"));
  if (const json::value* scope = figures.if_contains("out_of_scope"); scope != nullptr) {
    const json::object& row = scope->get_object();
    fmt::print(
        "{} texts of no label: AUROC {:.4f}, FPR95 {:.4f}, {:.4f} rejected, {:.4f} of the "
        "rows right and kept\n",
        Number(row, "n"), Number(row, "auroc"), Number(row, "fpr95"), Number(row, "recall"),
        Number(row, "right_and_kept"));
  }
}

Result<std::vector<std::string>> ReadTexts(const RowSource& source) {
  CTT_ASSIGN_OR_RETURN(RowFile file, RowFile::Open(source, false));
  CTT_ASSIGN_OR_RETURN(std::vector<FileRow> rows, file.ReadAll());
  if (rows.empty()) return InvalidArgument(file.name() + " holds no row");
  std::vector<std::string> texts;
  for (FileRow& row : rows) texts.push_back(std::move(row.text));
  return texts;
}

}  // namespace

Status Evaluate(const CommandContext& context, const std::string& task, const RowSource& source,
                const std::string& out_of_scope, const std::string& html) {
  CTT_ASSIGN_OR_RETURN(RowFile file, RowFile::Open(source, true));
  CTT_ASSIGN_OR_RETURN(std::vector<FileRow> rows, file.ReadAll());
  if (rows.empty()) return InvalidArgument(file.name() + " holds no row");
  std::vector<service::EvaluateRow> labelled;
  for (FileRow& row : rows) labelled.push_back({std::move(row.text), std::move(row.label)});
  std::vector<std::string> others;
  if (!out_of_scope.empty()) {
    CTT_ASSIGN_OR_RETURN(others, ReadTexts({out_of_scope, source.text_column, {}}));
  }
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const std::string text, session->Evaluate(task, labelled, others));
  CTT_ASSIGN_OR_RETURN(const json::value figures, ParseJson(text));
  if (!figures.is_object()) return Internal("the answer is no JSON object");
  if (!html.empty()) CTT_RETURN_IF_ERROR(WriteReport(html, EvaluateReport(figures.get_object())));
  if (context.json)
    fmt::print("{}\n", text);
  else
    Print(figures.get_object());
  return Status::Ok();
}

}  // namespace ctt::cli
