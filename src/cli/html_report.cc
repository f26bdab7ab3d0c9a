#include "cli/html_report.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

namespace ctt::cli {
namespace {

constexpr std::size_t kConfusionsShown = 30;
constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#1c2733;--faint:#8795a3;--line:#d7dee5;--mark:#1f6feb;--page:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#dbe4ec;--faint:#7d8b99;--line:#2d3945;--mark:#58a6ff;--page:#12181f}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:right}
td:first-child,th:first-child{text-align:left}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem}
dd{margin:0;font-variant-numeric:tabular-nums}svg{max-width:100%}svg text{fill:var(--ink);font-size:11px}
.bar{fill:var(--mark)}.line{stroke:var(--faint);fill:none}.grid{stroke:var(--line)})";

std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Page(const std::string& title, const std::string& body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>"
      "<style>{1}</style></head>\n<body><h1>{0}</h1>\n{2}</body></html>\n",
      Escape(title), kStyle, body);
}

double Number(const json::value& object, const char* key) {
  return object.at(key).to_number<double>();
}
std::string Word(const json::value& object, const char* key) {
  return Escape(std::string_view(object.at(key).get_string()));
}

std::string Term(const std::string& name, const std::string& value) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>", name, value);
}
std::string Term(const std::string& name, double value) {
  return Term(name, fmt::format("{:.4f}", value));
}

std::string WithInterval(const json::object& figures, const std::string& name) {
  const json::array& interval = figures.at(name + "_interval").get_array();
  return fmt::format("{:.4f} ({:.4f} to {:.4f}, 95 %)", Number(figures, name.c_str()),
                     interval[0].to_number<double>(), interval[1].to_number<double>());
}

std::string LabelwiseTerms(const json::object& figures) {
  return Term("all labels right", WithInterval(figures, "subset_accuracy")) +
         Term("micro F1", Number(figures, "micro_f1")) +
         Term("macro F1", Number(figures, "macro_f1")) +
         Term("Hamming loss", Number(figures, "hamming_loss")) +
         Term("log-loss", Number(figures, "log_loss")) + Term("ECE", Number(figures, "ece"));
}

std::string NumberTerms(const json::object& figures) {
  std::string list = Term("mean absolute error", Number(figures, "mae")) +
                     Term("root mean squared error", Number(figures, "rmse"));
  const std::pair<const char*, const char*> optional[] = {
      {"R2", "r2"},
      {"Pearson", "pearson"},
      {"Spearman", "spearman"},
      {"intervals that hold the truth", "interval_coverage"},
      {"half their width", "interval_half_width"}};
  for (const auto& [name, key] : optional)
    if (!figures.at(key).is_null()) list += Term(name, Number(figures, key));
  return list;
}

std::string SingleTerms(const json::object& figures) {
  return Term("accuracy", WithInterval(figures, "accuracy")) +
         Term("macro F1", Number(figures, "macro_f1")) +
         Term("weighted F1", Number(figures, "weighted_f1")) +
         Term("log-loss", Number(figures, "log_loss")) + Term("ECE", Number(figures, "ece")) +
         Term(fmt::format("sets at error rate {}", Number(figures, "set_error_rate")),
              fmt::format("{:.4f} hold the truth, {:.2f} labels on average",
                          Number(figures, "set_coverage"), Number(figures, "set_size")));
}

bool IsOfKind(const json::object& figures, std::string_view kind) {
  return std::string_view(figures.at("kind").get_string()) == kind;
}

std::string Summary(const json::object& figures) {
  std::string list = Term("rows", fmt::format("{:.0f}", Number(figures, "n"))) +
                     (IsOfKind(figures, "multi")        ? LabelwiseTerms(figures)
                      : IsOfKind(figures, "regression") ? NumberTerms(figures)
                                                        : SingleTerms(figures)) +
                     Term("in scope", Number(figures, "in_scope_rate"));
  if (const json::value* scope = figures.if_contains("out_of_scope"); scope != nullptr) {
    list += Term("texts of no label", fmt::format("{:.0f}", Number(*scope, "n"))) +
            Term("AUROC", Number(*scope, "auroc")) + Term("FPR95", Number(*scope, "fpr95")) +
            Term("of them rejected", Number(*scope, "recall")) +
            Term("rows right and kept", Number(*scope, "right_and_kept"));
  }
  return "<dl>" + list + "</dl>\n";
}

// Accuracy of each bin of confidence against the diagonal; a bar's opacity follows its rows.
std::string ReliabilityPlot(const json::array& bins) {
  constexpr double kSide = 300, kLeft = 40, kTop = 10;
  double most = 1;
  for (const json::value& bin : bins) most = std::max(most, Number(bin, "count"));
  std::string svg = fmt::format(
      "<svg width=\"360\" height=\"350\" role=\"img\" aria-label=\"reliability\">"
      "<rect class=\"grid\" x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" fill=\"none\"/>",
      kLeft, kTop, kSide);
  const double width = kSide / static_cast<double>(bins.size());
  for (std::size_t i = 0; i < bins.size(); ++i) {
    const double count = Number(bins[i], "count"), height = kSide * Number(bins[i], "accuracy");
    if (count == 0) continue;
    svg += fmt::format(
        "<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
        "opacity=\"{:.2f}\"><title>{:.0f} rows, confidence {:.3f}, accuracy {:.3f}</title></rect>",
        kLeft + width * static_cast<double>(i) + 1, kTop + kSide - height, width - 2, height,
        0.25 + 0.75 * count / most, count, Number(bins[i], "confidence"),
        Number(bins[i], "accuracy"));
  }
  svg += fmt::format("<line class=\"line\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", kLeft,
                     kTop + kSide, kLeft + kSide, kTop);
  for (const double tick : {0.0, 0.5, 1.0}) {
    svg += fmt::format(
        "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\">{}</text>"
        "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"end\">{}</text>",
        kLeft + kSide * tick, kTop + kSide + 16, tick, kLeft - 6, kTop + kSide * (1 - tick) + 4,
        tick);
  }
  return svg + "<text x=\"190\" y=\"344\" text-anchor=\"middle\">confidence</text></svg>\n";
}

std::string ClassTable(const json::array& classes) {
  std::string rows;
  for (const json::value& row : classes) {
    rows += fmt::format(
        "<tr><td>{}</td><td>{:.0f}</td><td>{:.4f}</td><td>{:.4f}</td><td>{:.4f}</td><td>"
        "<svg width=\"100\" height=\"10\"><rect class=\"bar\" width=\"{:.1f}\" "
        "height=\"10\"/></svg></td></tr>\n",
        Word(row, "label"), Number(row, "support"), Number(row, "precision"), Number(row, "recall"),
        Number(row, "f1"), 100 * Number(row, "f1"));
  }
  return "<table><tr><th>label</th><th>rows</th><th>precision</th><th>recall</th><th>F1</th>"
         "<th></th></tr>\n" +
         rows + "</table>\n";
}

std::string ConfusionTable(const json::array& confusion) {
  std::string rows;
  for (std::size_t i = 0; i < std::min(confusion.size(), kConfusionsShown); ++i)
    rows +=
        fmt::format("<tr><td>{}</td><td>{}</td><td>{:.0f}</td></tr>\n", Word(confusion[i], "truth"),
                    Word(confusion[i], "answer"), Number(confusion[i], "count"));
  if (rows.empty()) return "<p>none</p>\n";
  const std::string rest =
      confusion.size() > kConfusionsShown
          ? fmt::format("<p>and {} pairs more</p>\n", confusion.size() - kConfusionsShown)
          : "";
  return "<table><tr><th>truth</th><th>answer</th><th>rows</th></tr>\n" + rows + "</table>\n" +
         rest;
}

// R as a heat map: row i after task i, column j the accuracy on task j.
std::string MatrixPlot(const Course& course) {
  constexpr double kCell = 44, kLeft = 220, kTop = 20;
  const auto tasks = static_cast<double>(course.order.size());
  std::string svg = fmt::format(
      "<svg width=\"{:.0f}\" height=\"{:.0f}\" role=\"img\" "
      "aria-label=\"accuracy matrix\">",
      kLeft + kCell * tasks + 10, kTop + kCell * tasks + 10);
  for (std::size_t i = 0; i < course.order.size(); ++i) {
    const double y = kTop + kCell * static_cast<double>(i);
    svg += fmt::format(
        "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"end\">{} {}</text>"
        "<text x=\"{:.0f}\" y=\"14\" text-anchor=\"middle\">{}</text>",
        kLeft - 8, y + 26, i + 1, Escape(course.order[i]),
        kLeft + kCell * (static_cast<double>(i) + 0.5), i + 1);
    for (std::size_t j = 0; j <= i; ++j) {
      const double x = kLeft + kCell * static_cast<double>(j), share = course.matrix[i][j];
      svg += fmt::format(
          "<rect class=\"bar\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" "
          "height=\"{:.0f}\" opacity=\"{:.3f}\"/><text x=\"{:.0f}\" y=\"{:.0f}\" "
          "text-anchor=\"middle\">{:.1f}</text>",
          x + 1, y + 1, kCell - 2, kCell - 2, 0.08 + 0.5 * share * share, x + kCell / 2, y + 26,
          100 * share);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace

std::string EvaluateReport(const json::object& figures) {
  const std::string task(figures.at("task").get_string());
  std::string body = Summary(figures);
  if (!IsOfKind(figures, "regression"))
    body += "<h2>Reliability</h2>\n" + ReliabilityPlot(figures.at("reliability").get_array());
  if (IsOfKind(figures, "single"))
    body += "<h2>Labels taken for another</h2>\n" +
            ConfusionTable(figures.at("confusion").get_array()) + "<h2>Labels</h2>\n" +
            ClassTable(figures.at("classes").get_array());
  if (IsOfKind(figures, "multi"))
    body += "<h2>Labels</h2>\n" + ClassTable(figures.at("labels").get_array());
  return Page("ctt evaluate " + task, body);
}

std::string ContinualReport(const Course& course) {
  std::string list = Term("ACC", course.Acc()) + Term("BWT", course.Bwt()) +
                     Term("FWT", course.Fwt()) + Term("forgetting", course.Forgetting()) +
                     Term("retention", course.Retention());
  if (!course.joint.empty()) list += Term("intransigence", course.Intransigence());
  std::string digests;
  for (const auto& [task, digest] : course.digests)
    digests += fmt::format("<tr><td>{}</td><td><code>{}</code></td></tr>\n", Escape(task), digest);
  return Page("ctt continual", "<dl>" + list +
                                   "</dl>\n<h2>Accuracy on task 1, 2, ... (columns) after "
                                   "learning each (rows), in percent</h2>\n" +
                                   MatrixPlot(course) + "<h2>Digests of the heads</h2>\n<table>" +
                                   digests + "</table>\n");
}

Status WriteReport(const std::string& path, const std::string& html) {
  std::ofstream file(path, std::ios::binary);
  file << html;
  file.close();
  if (!file) return NotFound("cannot write " + path);
  return Status::Ok();
}

}  // namespace ctt::cli
