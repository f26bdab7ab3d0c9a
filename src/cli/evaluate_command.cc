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

void PrintScope(const json::object& figures) {
  const json::value* scope = figures.if_contains("out_of_scope");
  if (scope == nullptr) return;
  const json::object& row = scope->get_object();
  fmt::print(
      "{} texts of no label: AUROC {:.4f}, FPR95 {:.4f}, {:.4f} rejected, {:.4f} of the "
      "rows right and kept\n",
      Number(row, "n"), Number(row, "auroc"), Number(row, "fpr95"), Number(row, "recall"),
      Number(row, "right_and_kept"));
}

// "0.8123", or "-" where it is not defined.
std::string Maybe(const json::object& figures, std::string_view key) {
  const json::value& value = figures.at(key);
  return value.is_null() ? "-" : fmt::format("{:.4f}", value.to_number<double>());
}

void PrintLabelwise(const json::object& figures) {
  const json::array& interval = figures.at("subset_accuracy_interval").get_array();
  fmt::print(
      "{}: {} rows, all labels right in {:.4f} ({:.4f} to {:.4f}), micro F1 {:.4f}, macro F1 "
      "{:.4f}, Hamming loss {:.4f}, log-loss {:.4f}, ECE {:.4f}; {:.4f} in scope\n",
      std::string_view(figures.at("task").get_string()), Number(figures, "n"),
      Number(figures, "subset_accuracy"), interval[0].to_number<double>(),
      interval[1].to_number<double>(), Number(figures, "micro_f1"), Number(figures, "macro_f1"),
      Number(figures, "hamming_loss"), Number(figures, "log_loss"), Number(figures, "ece"),
      Number(figures, "in_scope_rate"));
  for (const json::value& value : figures.at("labels").get_array()) {
    const json::object& label = value.get_object();
    fmt::print("  {:<30} {:>6} rows, precision {:.4f}, recall {:.4f}, F1 {:.4f}\n",
               std::string_view(label.at("label").get_string()), Number(label, "support"),
               Number(label, "precision"), Number(label, "recall"), Number(label, "f1"));
  }
}

void PrintNumbers(const json::object& figures) {
  fmt::print(
      "{}: {} rows, MAE {:.4f}, RMSE {:.4f}, R2 {}, Pearson {}, Spearman {}; intervals at error "
      "rate {}: {} hold the truth, -+ {}; {:.4f} in scope\n",
      std::string_view(figures.at("task").get_string()), Number(figures, "n"),
      Number(figures, "mae"), Number(figures, "rmse"), Maybe(figures, "r2"),
      Maybe(figures, "pearson"), Maybe(figures, "spearman"), Number(figures, "interval_error_rate"),
      Maybe(figures, "interval_coverage"), Maybe(figures, "interval_half_width"),
      Number(figures, "in_scope_rate"));
}

void PrintSingle(const json::object& figures) {
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
}

void Print(const json::object& figures) {
  const std::string_view kind(figures.at("kind").get_string());
  if (kind == "multi")
    PrintLabelwise(figures);
  else if (kind == "regression")
    PrintNumbers(figures);
  else
    PrintSingle(figures);
  PrintScope(figures);
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
                const std::string& out_of_scope, bool adjust_prior, const std::string& html) {
  CTT_ASSIGN_OR_RETURN(RowFile file, RowFile::Open(source, true));
  CTT_ASSIGN_OR_RETURN(std::vector<FileRow> rows, file.ReadAll());
  if (rows.empty()) return InvalidArgument(file.name() + " holds no row");
  std::vector<service::EvaluateRow> labelled;
  for (FileRow& row : rows) labelled.push_back(ToEvaluate(std::move(row)));
  std::vector<std::string> others;
  if (!out_of_scope.empty()) {
    CTT_ASSIGN_OR_RETURN(others, ReadTexts({out_of_scope, source.text_column}));
  }
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const std::string text,
                       session->Evaluate(task, labelled, others, adjust_prior));
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
