#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/course.h"
#include "cli/html_report.h"
#include "cli/learn_file.h"
#include "cli/session.h"

namespace ctt::cli {
namespace {

namespace fs = std::filesystem;

// Folders below `root` that hold train.jsonl and test.jsonl, by their relative path.
Result<std::vector<std::string>> FindTasks(const fs::path& root) {
  std::error_code error;
  std::vector<std::string> tasks;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_directory() && fs::exists(it->path() / "train.jsonl") &&
        fs::exists(it->path() / "test.jsonl")) {
      tasks.push_back(fs::relative(it->path(), root).string());
    }
  }
  if (error) return NotFound("cannot read folder " + root.string() + ": " + error.message());
  if (tasks.empty())
    return NotFound(root.string() + " has no folder with train.jsonl and test.jsonl");
  std::sort(tasks.begin(), tasks.end());
  return tasks;
}

std::string TaskName(std::string folder) {
  std::replace(folder.begin(), folder.end(), '/', ':');
  return folder;
}

// Of a multi-label task, of rows whose labels are all right; of a regression task R^2, at least 0.
Result<double> Accuracy(Session& session, const fs::path& folder, const std::string& task) {
  CTT_ASSIGN_OR_RETURN(RowFile file, RowFile::Open({(folder / "test.jsonl").string()}, true));
  CTT_ASSIGN_OR_RETURN(std::vector<FileRow> rows, file.ReadAll());
  if (rows.empty()) return InvalidArgument(file.name() + " holds no row");
  std::vector<service::EvaluateRow> labelled;
  for (FileRow& row : rows) labelled.push_back(ToEvaluate(std::move(row)));
  CTT_ASSIGN_OR_RETURN(const std::string text, session.Evaluate(task, labelled, {}, false));
  CTT_ASSIGN_OR_RETURN(const json::value figures, ParseJson(text));
  const json::object& object = figures.get_object();
  if (const json::value* r2 = object.if_contains("r2"); r2 != nullptr)
    return r2->is_null() ? 0 : std::max(r2->to_number<double>(), 0.0);
  return object.at("right").to_number<double>() / object.at("n").to_number<double>();
}

Result<Course> Run(Session& session, const fs::path& root, const std::vector<std::string>& order) {
  const double start_s = SteadySeconds();
  Course course;
  course.order = order;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::string train = (root / order[i] / "train.jsonl").string();
    CTT_ASSIGN_OR_RETURN(const LearnedFile learned,
                         LearnFile(session, TaskName(order[i]), {train}));
    std::vector<double> row(order.size(), 0.0);
    Progress progress(fmt::format("evaluate after {}/{} tasks", i + 1, order.size()));
    for (std::size_t j = 0; j <= i; ++j) {
      progress.Set(static_cast<std::int64_t>(j), static_cast<double>(j) / (i + 1));
      CTT_ASSIGN_OR_RETURN(row[j], Accuracy(session, root / order[j], TaskName(order[j])));
    }
    course.matrix.push_back(std::move(row));
  }
  for (const std::string& folder : order) {
    CTT_ASSIGN_OR_RETURN(const service::TaskInfo info, session.ShowTask(TaskName(folder)));
    course.digests[folder] = info.head_digest;
  }
  course.seconds = SteadySeconds() - start_s;
  return course;
}

// Every task learned before any is judged.
Result<std::vector<double>> RunJointly(Session& session, const fs::path& root,
                                       const std::vector<std::string>& order) {
  for (const std::string& folder : order)
    CTT_RETURN_IF_ERROR(
        LearnFile(session, TaskName(folder), {(root / folder / "train.jsonl").string()}).status());
  std::vector<double> accuracies;
  for (const std::string& folder : order) {
    CTT_ASSIGN_OR_RETURN(const double accuracy, Accuracy(session, root / folder, TaskName(folder)));
    accuracies.push_back(accuracy);
  }
  return accuracies;
}

// Untouched by what was there before and by what comes after.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "ctt-continual-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void Print(const Course& course) {
  std::size_t width = 0;
  for (const std::string& task : course.order) width = std::max(width, task.size());
  fmt::print("accuracy of task 1, 2, ... after learning\n");
  for (std::size_t i = 0; i < course.order.size(); ++i) {
    fmt::print("{:>3} {:<{}}", i + 1, course.order[i], width);
    for (std::size_t j = 0; j <= i; ++j) fmt::print(" {:.4f}", course.matrix[i][j]);
    fmt::print("\n");
  }
  fmt::print("ACC {:.4f}  BWT {:.4f}  FWT {:.4f}  {:.1f} s\n", course.Acc(), course.Bwt(),
             course.Fwt(), course.seconds);
  fmt::print("forgetting {:.4f}  retention {:.4f}", course.Forgetting(), course.Retention());
  if (!course.joint.empty()) fmt::print("  intransigence {:.4f}", course.Intransigence());
  fmt::print("\nhead digests\n");
  for (const auto& [task, digest] : course.digests)
    fmt::print("    {:<{}} {}\n", task, width, digest);
}

// The folders in the order asked; each once, and each there.
Result<std::vector<std::string>> Order(const std::string& folder,
                                       const std::vector<std::string>& asked) {
  CTT_ASSIGN_OR_RETURN(std::vector<std::string> tasks, FindTasks(folder));
  if (asked.empty()) return tasks;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (std::find(tasks.begin(), tasks.end(), asked[i]) == tasks.end())
      return NotFound("no task '" + asked[i] + "' below " + folder + DidYouMean(asked[i], tasks));
    if (std::find(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(i), asked[i]) !=
        asked.begin() + static_cast<std::ptrdiff_t>(i))
      return InvalidArgument("--order names '" + asked[i] + "' twice");
  }
  return asked;
}

// A session of its own in a scratch folder, never in a server's directory.
Result<std::unique_ptr<Session>> OpenScratch(Settings settings, const ScratchFolder& folder) {
  if (folder.path().empty()) return Internal("cannot make a folder for temporary files");
  settings.data = folder.path().string();
  settings.artifacts.clear();
  settings.url.clear();
  return Session::Open(settings);
}

json::object Describe(const Course& course) {
  json::object object{{"order", json::value_from(course.order)},
                      {"matrix", json::value_from(course.matrix)},
                      {"ACC", course.Acc()},
                      {"BWT", course.Bwt()},
                      {"FWT", course.Fwt()},
                      {"forgetting", course.Forgetting()},
                      {"retention", course.Retention()}};
  if (!course.joint.empty()) {
    object["joint"] = json::value_from(course.joint);
    object["intransigence"] = course.Intransigence();
  }
  object["head_digests"] = json::value_from(course.digests);
  object["seconds"] = course.seconds;
  return object;
}

}  // namespace

Status Continual(const CommandContext& context, const std::string& folder,
                 const std::vector<std::string>& order, bool joint, const std::string& html) {
  CTT_ASSIGN_OR_RETURN(const std::vector<std::string> tasks, Order(folder, order));
  for (const std::string& task : tasks) {
    const Status status = service::CheckTaskName(TaskName(task));
    if (!status.ok()) return status.WithContext("folder '" + task + "'");
  }
  Course course;
  {
    const ScratchFolder scratch;
    CTT_ASSIGN_OR_RETURN(const auto session, OpenScratch(context.settings, scratch));
    CTT_ASSIGN_OR_RETURN(course, Run(*session, folder, tasks));
  }
  if (joint) {
    const ScratchFolder scratch;
    CTT_ASSIGN_OR_RETURN(const auto session, OpenScratch(context.settings, scratch));
    CTT_ASSIGN_OR_RETURN(course.joint, RunJointly(*session, folder, tasks));
  }
  if (!html.empty()) CTT_RETURN_IF_ERROR(WriteReport(html, ContinualReport(course)));
  if (context.json)
    PrintJson(Describe(course));
  else
    Print(course);
  return Status::Ok();
}

}  // namespace ctt::cli
