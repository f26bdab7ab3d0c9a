#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/learn_file.h"
#include "cli/row_file.h"
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
  std::replace(folder.begin(), folder.end(), '/', '.');
  return folder;
}

// R_ij: accuracy on task j after learning tasks 1..i; b_j: accuracy of answering nothing, 0.
struct Course {
  std::vector<std::string> order;
  std::vector<std::vector<double>> matrix;  // [i, j], j <= i.
  std::map<std::string, std::string> digests;
  double seconds = 0;

  double Acc() const {
    double sum = 0;
    for (const double value : matrix.back()) sum += value;
    return sum / static_cast<double>(order.size());
  }
  double Bwt() const {
    if (order.size() < 2) return 0;
    double sum = 0;
    for (std::size_t j = 0; j + 1 < order.size(); ++j) sum += matrix.back()[j] - matrix[j][j];
    return sum / static_cast<double>(order.size() - 1);
  }
};

Result<double> Accuracy(service::Service& service, const fs::path& folder,
                        const std::string& task) {
  CTT_ASSIGN_OR_RETURN(RowFile file, RowFile::Open((folder / "test.jsonl").string(), true));
  CTT_ASSIGN_OR_RETURN(std::vector<FileRow> rows, file.ReadAll());
  std::vector<service::EvaluateRow> labelled;
  for (FileRow& row : rows) labelled.push_back({std::move(row.text), std::move(row.label)});
  CTT_ASSIGN_OR_RETURN(const learn::Metrics metrics, service.Evaluate(task, labelled));
  return metrics.accuracy;
}

Result<Course> Run(service::Service& service, const fs::path& root,
                   const std::vector<std::string>& order) {
  const double start_s = SteadySeconds();
  Course course{order, {}, {}, 0};
  Progress progress("continual", static_cast<std::int64_t>(order.size()));
  for (std::size_t i = 0; i < order.size(); ++i) {
    CTT_ASSIGN_OR_RETURN(
        const LearnedFile learned,
        LearnFile(service, TaskName(order[i]), (root / order[i] / "train.jsonl").string()));
    std::vector<double> row;
    for (std::size_t j = 0; j <= i; ++j) {
      CTT_ASSIGN_OR_RETURN(const double accuracy,
                           Accuracy(service, root / order[j], TaskName(order[j])));
      row.push_back(accuracy);
    }
    course.matrix.push_back(std::move(row));
    progress.Set(static_cast<std::int64_t>(i + 1));
  }
  for (const std::string& folder : order) {
    CTT_ASSIGN_OR_RETURN(const service::TaskInfo info, service.ShowTask(TaskName(folder)));
    course.digests[folder] = info.head_digest;
  }
  course.seconds = SteadySeconds() - start_s;
  return course;
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
  for (std::size_t i = 0; i < course.order.size(); ++i) {
    fmt::print("{:<32}", course.order[i]);
    for (const double value : course.matrix[i]) fmt::print(" {:.4f}", value);
    fmt::print("\n");
  }
  fmt::print("ACC {:.4f}  BWT {:.4f}  FWT {:.4f}  {:.1f} s\n", course.Acc(), course.Bwt(), 0.0,
             course.seconds);
}

}  // namespace

int Continual(const CommandContext& context, const std::string& folder,
              const std::vector<std::string>& order) {
  Result<std::vector<std::string>> tasks = FindTasks(folder);
  if (!tasks.ok()) return PrintError(tasks.status());
  for (const std::string& name : order) {
    if (std::find(tasks->begin(), tasks->end(), name) == tasks->end())
      return PrintError(NotFound("no task '" + name + "' below " + folder));
  }
  const ScratchFolder scratch;
  Settings settings = context.settings;
  settings.data = scratch.path().string();
  auto session = Session::Open(settings);
  if (!session.ok()) return PrintError(session.status());
  const Result<Course> course = Run((*session)->service(), folder, order.empty() ? *tasks : order);
  if (!course.ok()) return PrintError(course.status());
  if (!context.json) {
    Print(*course);
    return 0;
  }
  // FWT compares an untrained head with b_j; a task that was not learned has no head and answers
  // nothing, so both are 0.
  PrintJson({{"order", json::value_from(course->order)},
             {"matrix", json::value_from(course->matrix)},
             {"ACC", course->Acc()},
             {"BWT", course->Bwt()},
             {"FWT", 0.0},
             {"head_digests", json::value_from(course->digests)},
             {"seconds", course->seconds}});
  return 0;
}

}  // namespace ctt::cli
