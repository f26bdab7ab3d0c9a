#include "cli/command_line.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/console.h"

namespace ctt::cli {
namespace {

constexpr int kWrongUsage = 2;

// Everything that the parser fills; lives as long as it.
struct Arguments {
  std::map<std::string, std::string> settings;
  std::string config, task, name, file, ids_file, output, folder;
  std::vector<std::string> texts, ids, order;
  std::int64_t version = 0;
  std::int32_t top_k = 5;
  bool json = false;
  std::function<int(const CommandContext&)> run;
};

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.set_version_flag("--version", CTT_VERSION);
    AddServing();
    AddLearning();
    AddTasks();
    AddEncoding();
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? 0 : kWrongUsage;
    }
    const Result<Settings> settings = Resolve(arguments_.settings, arguments_.config);
    if (!settings.ok()) {
      PrintError(settings.status());
      return kWrongUsage;
    }
    return arguments_.run({*settings, arguments_.json});
  }

 private:
  using Body = std::function<int(const CommandContext&)>;

  CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& help, Body body) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->callback([this, body = std::move(body)] { arguments_.run = body; });
    command->add_flag("--json", arguments_.json, "Answer as JSON");
    command->add_option("--config", arguments_.config, "TOML file of settings");
    for (const SettingField& field : SettingFields()) {
      const std::string help_line = field.help + " [" + field.variable() + "]";
      if (field.toggle != nullptr) {
        command->add_flag_callback(
            field.flag(), [this, name = field.name] { arguments_.settings[name] = "true"; },
            help_line);
      } else {
        command->add_option_function<std::string>(
            field.flag(),
            [this, name = field.name](const std::string& value) {
              arguments_.settings[name] = value;
            },
            help_line);
      }
    }
    return command;
  }

  void AddServing() {
    Add(app_, "serve", "Serve over HTTP", Serve);
    Add(app_, "init", "Make a data directory", Init);
    Add(app_, "info", "Version, instruction sets, settings in effect", Info);
  }

  void AddLearning() {
    Arguments& a = arguments_;
    CLI::App* learn = Add(app_, "learn", "Learn a file",
                          [&a](const CommandContext& c) { return Learn(c, a.task, a.file); });
    learn->add_option("task", a.task, "Task")->required();
    learn->add_option("file", a.file, ".jsonl, .csv, .tsv, or - for JSON lines")->required();

    CLI::App* unlearn =
        Add(app_, "unlearn", "Remove examples, exactly",
            [&a](const CommandContext& c) { return Unlearn(c, a.task, a.ids, a.file); });
    unlearn->add_option("task", a.task, "Task")->required();
    auto* ids = unlearn->add_option("--id", a.ids, "Id of an example; may be repeated");
    auto* file = unlearn->add_option("file", a.file, "File with one id a line");
    file->excludes(ids);

    CLI::App* predict = Add(app_, "predict", "Answer for texts", [&a](const CommandContext& c) {
      return Predict(c, a.task, a.texts, a.file, a.output, a.top_k);
    });
    predict->add_option("task", a.task, "Task")->required();
    auto* texts = predict->add_option("text", a.texts, "Texts");
    auto* from = predict->add_option("--file", a.file, ".jsonl, .csv, .tsv, .txt, or -");
    from->excludes(texts);
    predict->add_option("--output", a.output, "Where the answers to --file go")->needs(from);
    predict->add_option("--top-k", a.top_k, "Labels to show")->check(CLI::PositiveNumber);
    predict->callback([this, body = Body([&a](const CommandContext& c) {
                               return Predict(c, a.task, a.texts, a.file, a.output, a.top_k);
                             })] {
      if (arguments_.texts.empty() && arguments_.file.empty())
        throw CLI::RequiredError("a TEXT or --file");
      arguments_.run = body;
    });

    CLI::App* evaluate = Add(app_, "evaluate", "Accuracy and more on a labelled file",
                             [&a](const CommandContext& c) { return Evaluate(c, a.task, a.file); });
    evaluate->add_option("task", a.task, "Task")->required();
    evaluate->add_option("file", a.file, ".jsonl, .csv, .tsv, or -")->required();

    CLI::App* continual =
        Add(app_, "continual", "Learn the tasks of a folder one after another",
            [&a](const CommandContext& c) { return Continual(c, a.folder, a.order); });
    continual->add_option("folder", a.folder, "Folders with train.jsonl and test.jsonl")
        ->required();
    continual->add_option("--order", a.order, "Tasks by folder, in order")->delimiter(',');
  }

  void AddTasks() {
    Arguments& a = arguments_;
    CLI::App* tasks = app_.add_subcommand("tasks", "List, show, rename, delete tasks");
    tasks->require_subcommand(1);
    Add(*tasks, "list", "All tasks", ListTasks);
    Add(*tasks, "show", "One task with its labels",
        [&a](const CommandContext& c) { return ShowTask(c, a.task); })
        ->add_option("task", a.task, "Task")
        ->required();
    CLI::App* rename = Add(*tasks, "rename", "Give a task another name",
                           [&a](const CommandContext& c) { return RenameTask(c, a.task, a.name); });
    rename->add_option("task", a.task, "Task")->required();
    rename->add_option("name", a.name, "Its new name")->required();
    Add(*tasks, "delete", "Delete a task with all it holds",
        [&a](const CommandContext& c) { return DeleteTask(c, a.task); })
        ->add_option("task", a.task, "Task")
        ->required();

    Add(app_, "versions", "Head versions of a task",
        [&a](const CommandContext& c) { return ListVersions(c, a.task); })
        ->add_option("task", a.task, "Task")
        ->required();
    CLI::App* publish =
        Add(app_, "publish", "Serve a version: publish or roll back",
            [&a](const CommandContext& c) { return Publish(c, a.task, a.version); });
    publish->add_option("task", a.task, "Task")->required();
    publish->add_option("version", a.version, "Version")->required();
  }

  void AddEncoding() {
    Arguments& a = arguments_;
    CLI::App* embed = Add(app_, "embed", "Embeddings of texts, as .npy",
                          [&a](const CommandContext& c) { return Embed(c, a.file, a.output); });
    embed->add_option("--file", a.file, ".jsonl, .csv, .tsv, .txt, or -")->required();
    embed->add_option("--output", a.output, "The .npy file")->required();

    CLI::App* bench = app_.add_subcommand("bench", "Measure");
    bench->require_subcommand(1);
    CLI::App* encode =
        Add(*bench, "encode", "Encoding speed over a file",
            [&a](const CommandContext& c) { return BenchEncode(c, a.file, a.ids_file, a.output); });
    auto* source = encode->add_option_group("source");
    source->add_option("--file", a.file, "Texts: .jsonl, .csv, .tsv, .txt, or -");
    source->add_option("--ids", a.ids_file, "Token ids, one text a line");
    source->require_option(1);
    encode->add_option("--output", a.output, "Embeddings, as .npy");

    CLI::App* model = app_.add_subcommand("model", "The encoder's files");
    model->require_subcommand(1);
    Add(*model, "info", "What the model is", ModelInfo);
    Add(*model, "verify", "Check every tensor and the digest", ModelVerify);
  }

  CLI::App app_{"ctt, the continual tiny transformer: many text classifiers over one encoder",
                "ctt"};
  Arguments arguments_;
};

}  // namespace

int Main(int argc, char** argv) { return CommandLine().Run(argc, argv); }

}  // namespace ctt::cli
