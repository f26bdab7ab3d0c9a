#include "cli/command_line.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/console.h"

namespace ctt::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr char kTableHelp[] = ".jsonl, .csv or .tsv; - for JSON lines on standard input";
constexpr char kTextsHelp[] = ".jsonl, .csv, .tsv or .txt; - for JSON lines on standard input";

// Everything that the parser fills; lives as long as it.
struct Arguments {
  std::map<std::string, std::string> settings;
  RowSource rows;
  std::string config, task, name, file, ids_file, output, folder, health_url;
  std::vector<std::string> texts, ids, order;
  std::int64_t version = 0;
  service::NewKey new_key;
  LoadOptions load;
  std::int32_t top_k = 5;
  bool json = false;
  bool check_only = false;
  std::function<Status(const CommandContext&)> run;
};

bool Shows(const SettingField& field, bool serves) {
  return field.scope == SettingScope::kAll || (field.scope == SettingScope::kServe) == serves;
}

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", CTT_VERSION);
    app_.get_formatter()->column_width(32);
    AddServing();
    AddLearning();
    AddTasks();
    AddKeys();
    AddEncoding();
  }

  int Run(int argc, char** argv) {
    if (argc > 1 && !Knows(argv[1])) return kWrongUsage;
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? 0 : kWrongUsage;
    }
    const auto resolve = [this] { return Resolve(arguments_.settings, arguments_.config); };
    const Result<Settings> settings = resolve();
    if (!settings.ok()) {
      PrintError(settings.status(), arguments_.json);
      return kWrongUsage;
    }
    const Status status = arguments_.run({*settings, arguments_.json, resolve});
    if (status.ok()) return 0;
    PrintError(status, arguments_.json);
    return kFailed;
  }

 private:
  using Body = std::function<Status(const CommandContext&)>;

  // A word that is no command is named with the nearest ones.
  bool Knows(const char* word) {
    std::vector<std::string> names;
    for (const CLI::App* command : app_.get_subcommands({})) names.push_back(command->get_name());
    if (word[0] == '-' || std::find(names.begin(), names.end(), word) != names.end()) return true;
    const std::string near = DidYouMean(word, names);
    PrintError(InvalidArgument("no command '" + std::string(word) + "'" +
                               (near.empty() ? "; see ctt --help" : near)),
               false);
    return false;
  }

  CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& help, Body body,
                bool serves = false) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->callback([this, body = std::move(body)] { arguments_.run = body; });
    command->add_flag("--json", arguments_.json, "Answer as JSON");
    command->add_option("--config", arguments_.config, "TOML file of settings");
    for (const SettingField& field : SettingFields())
      if (Shows(field, serves)) AddSetting(*command, field);
    return command;
  }

  void AddSetting(CLI::App& command, const SettingField& field) {
    const std::string help = field.help + " [" + field.variable() +
                             (field.alias.empty() ? "" : ", " + field.alias) + "]";
    CLI::Option* option = nullptr;
    if (field.toggle != nullptr) {
      option = command.add_flag_callback(
          field.flag(), [this, name = field.name] { arguments_.settings[name] = "true"; }, help);
    } else {
      option = command.add_option_function<std::string>(
          field.flag(),
          [this, name = field.name](const std::string& value) {
            arguments_.settings[name] = value;
          },
          help);
    }
    option->group("Settings")
        ->type_name(field.text != nullptr     ? "TEXT"
                    : field.number != nullptr ? "NUMBER"
                                              : "");
  }

  void AddColumns(CLI::App* command, bool labelled) {
    RowSource& rows = arguments_.rows;
    command->add_option("--text-column", rows.text_column, "Column or key of the text")
        ->capture_default_str();
    if (labelled)
      command->add_option("--label-column", rows.label_column, "Column or key of the label")
          ->capture_default_str();
  }

  void AddServing() {
    Arguments& a = arguments_;
    CLI::App* serve = Add(
        app_, "serve", "Serve over HTTP until SIGTERM or Ctrl-C",
        [&a](const CommandContext& c) { return Serve(c, a.check_only); }, true);
    serve->add_flag("--check-config", a.check_only, "Say whether the settings are good, and end");
    Add(app_, "init", "Make a data directory and bind it to the encoder", Init);
    Add(app_, "info", "Version, instruction sets, settings in effect", Info, true);
    CLI::App* doctor = Add(app_, "doctor", "Ask a server whether it is ready",
                           [&a](const CommandContext& c) { return Health(c, a.health_url); });
    doctor->add_option("--health", a.health_url, "http://ADDRESS:PORT of the server")->required();
  }

  void AddLearning() {
    Arguments& a = arguments_;
    CLI::App* learn = Add(app_, "learn", "Learn a file of examples",
                          [&a](const CommandContext& c) { return Learn(c, a.task, a.rows); });
    AddTask(learn);
    learn->add_option("file", a.rows.path, kTableHelp)->required();
    AddColumns(learn, true);

    CLI::App* unlearn =
        Add(app_, "unlearn", "Remove examples, as if they had never been learned",
            [&a](const CommandContext& c) { return Unlearn(c, a.task, a.ids, a.file); });
    AddTask(unlearn);
    auto* which = unlearn->add_option_group("Examples");
    which->add_option("--id", a.ids, "Id of an example; may be repeated")->expected(1)->take_all();
    which->add_option("file", a.file, "One id, or one {\"id\"}, a line; - for standard input");
    which->require_option(1);

    CLI::App* predict = Add(app_, "predict", "Answer for texts", [&a](const CommandContext& c) {
      return a.texts.empty() ? PredictFile(c, a.task, a.rows, a.output)
                             : Predict(c, a.task, a.texts, a.top_k);
    });
    AddTask(predict);
    auto* source = predict->add_option_group("Texts");
    source->add_option("text", a.texts, "Texts");
    auto* file = source->add_option("--file", a.rows.path, kTextsHelp);
    source->require_option(1);
    predict->add_option("--output", a.output, "Where the answers to --file go")->needs(file);
    predict->add_option("--top-k", a.top_k, "Labels to show for a text")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000));
    AddColumns(predict, false);

    CLI::App* evaluate = Add(app_, "evaluate", "Accuracy and more on a labelled file",
                             [&a](const CommandContext& c) { return Evaluate(c, a.task, a.rows); });
    AddTask(evaluate);
    evaluate->add_option("file", a.rows.path, kTableHelp)->required();
    AddColumns(evaluate, true);

    CLI::App* continual = Add(
        app_, "continual",
        "Learn the tasks of a folder one after another, in a directory made for it; after each, "
        "evaluate all. A task not learned yet counts as accuracy 0",
        [&a](const CommandContext& c) { return Continual(c, a.folder, a.order); });
    continual->add_option("folder", a.folder, "Its subfolders have train.jsonl and test.jsonl")
        ->required();
    continual->add_option("--order", a.order, "Subfolders, in order")->delimiter(',');
  }

  CLI::Option* AddTask(CLI::App* command) {
    return command->add_option("task", arguments_.task, "Task")->required();
  }

  void AddTasks() {
    Arguments& a = arguments_;
    CLI::App* tasks = app_.add_subcommand("tasks", "List, show, rename, delete tasks");
    tasks->require_subcommand(1);
    Add(*tasks, "list", "All tasks", ListTasks);
    AddTask(Add(*tasks, "show", "One task with its labels",
                [&a](const CommandContext& c) { return ShowTask(c, a.task); }));
    CLI::App* rename = Add(*tasks, "rename", "Give a task another name",
                           [&a](const CommandContext& c) { return RenameTask(c, a.task, a.name); });
    AddTask(rename);
    rename->add_option("name", a.name, "Its new name")->required();
    AddTask(Add(*tasks, "delete", "Delete a task with all it holds",
                [&a](const CommandContext& c) { return DeleteTask(c, a.task); }));
    AddTask(Add(app_, "versions", "Head versions of a task, newest first",
                [&a](const CommandContext& c) { return ListVersions(c, a.task); }));
    CLI::App* publish =
        Add(app_, "publish", "Serve a version: publish or roll back",
            [&a](const CommandContext& c) { return Publish(c, a.task, a.version); });
    AddTask(publish);
    publish->add_option("version", a.version, "Version")->required()->check(CLI::PositiveNumber);
  }

  void AddKeys() {
    Arguments& a = arguments_;
    CLI::App* keys = app_.add_subcommand("keys", "Make, list, revoke API keys");
    keys->require_subcommand(1);
    CLI::App* create = Add(
        *keys, "create", "Make a key and show it once; from the first one on every call needs one",
        [&a](const CommandContext& c) { return CreateKey(c, a.new_key); });
    create->add_option("name", a.new_key.name, "What it is called")->required();
    create->add_option("--scope", a.new_key.scopes, "predict, learn, admin (all); may be repeated")
        ->required()
        ->expected(1)
        ->take_all()
        ->delimiter(',');
    create
        ->add_option("--task", a.new_key.tasks,
                     "Only for tasks of this name, '*' stands for any letters; may be repeated")
        ->expected(1)
        ->take_all()
        ->delimiter(',');
    create->add_option("--requests-per-second", a.new_key.requests_per_second, "0: unlimited")
        ->check(CLI::NonNegativeNumber);
    create->add_option("--requests-per-day", a.new_key.requests_per_day, "Of UTC; 0: unlimited")
        ->check(CLI::NonNegativeNumber);
    Add(*keys, "list", "Keys, without their secrets", ListKeys);
    CLI::App* revoke = Add(*keys, "revoke", "End a key",
                           [&a](const CommandContext& c) { return RevokeKey(c, a.name); });
    revoke->add_option("id", a.name, "Its id")->required();
  }

  void AddEncoding() {
    Arguments& a = arguments_;
    CLI::App* embed = Add(app_, "embed", "Embeddings of texts, float32 [texts, H], as .npy",
                          [&a](const CommandContext& c) { return Embed(c, a.rows, a.output); });
    embed->add_option("--file", a.rows.path, kTextsHelp)->required();
    embed->add_option("--output", a.output, "The .npy file")->required();
    AddColumns(embed, false);

    CLI::App* bench = app_.add_subcommand("bench", "Measure");
    bench->require_subcommand(1);
    CLI::App* encode =
        Add(*bench, "encode", "Time one pass of the encoder over a file, without tokenising",
            [&a](const CommandContext& c) { return BenchEncode(c, a.rows, a.ids_file, a.output); });
    auto* source = encode->add_option_group("Texts");
    source->add_option("--file", a.rows.path, kTextsHelp);
    source->add_option("--ids", a.ids_file, "Token ids, one text a line");
    source->require_option(1);
    encode->add_option("--output", a.output, "Embeddings, as .npy");
    AddColumns(encode, false);

    CLI::App* load =
        Add(*bench, "serve", "Send predictions to the server of --url and time them",
            [&a](const CommandContext& c) { return BenchServe(c, a.task, a.rows, a.load); });
    load->add_option("--task", a.task, "Task to ask")->required();
    load->add_option("--file", a.rows.path, kTextsHelp)->required();
    load->add_option("--connections", a.load.connections, "Open at once")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000));
    load->add_option("--seconds", a.load.seconds, "Time that is measured")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    load->add_option("--warmup", a.load.warmup_seconds, "Seconds before it, not measured")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    load->add_option("--rate", a.load.rate,
                     "Requests a second; without it, as many as are answered")
        ->check(CLI::PositiveNumber);
    load->add_option("--path", a.load.path, "Route that takes {text, task_id}")
        ->capture_default_str();
    AddColumns(load, false);

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
