#include "cli/command_line.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/nearest.h"
#include "base/rfc3339.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "service/task_settings.h"

namespace ctt::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr char kTableHelp[] = ".jsonl, .csv or .tsv; - for JSON lines on standard input";
constexpr char kIdsHelp[] = "One id, or one {\"id\"}, a line; - for standard input";
constexpr char kAdjustHelp[] =
    "Correct the answers for the labels' shares among these texts, which their answers tell";
constexpr char kTextsHelp[] = ".jsonl, .csv, .tsv or .txt; - for JSON lines on standard input";

// Everything that the parser fills; lives as long as it.
struct Arguments {
  std::map<std::string, std::string> settings;
  RowSource rows;
  std::string config, task, name, ids_file, output, folder, health_url;
  std::vector<std::string> texts, order, files;
  UnlearnSource unlearn;
  std::string since, before;
  service::LabelEdit label_edit;
  service::Publishing publishing;
  std::string version, alias = "live";
  double share = 0;
  service::NewKey new_key;
  LoadOptions load;
  service::PredictOptions options;
  service::SuggestOptions suggest;
  service::LabelDescription label;
  std::int64_t shown_max = 20;
  std::optional<double> out_of_scope_rate;
  std::optional<std::string> prior;
  std::optional<std::string> groups;
  std::string group, out_of_scope, html;
  bool json = false, route = false, joint = false;
  bool check_only = false;
  bool if_missing = false, again = false;
  std::function<Status(const CommandContext&)> run;
};

std::vector<std::string> SplitAtCommas(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t first = 0; first < list.size();) {
    const std::size_t end = std::min(list.find(',', first), list.size());
    parts.push_back(list.substr(first, end - first));
    first = end + 1;
  }
  return parts;
}

bool Shows(const SettingField& field, bool serves) {
  return field.scope == SettingScope::kAll || (field.scope == SettingScope::kServe) == serves;
}

std::int64_t Time(const std::string& text) {
  const Result<std::int64_t> time_us = ParseRfc3339(text);
  if (!time_us.ok()) throw CLI::ValidationError(time_us.status().message());
  return *time_us;
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
    if (labelled) AddCells(command);
  }

  // JSON says by the type of the label what a table cannot.
  void AddCells(CLI::App* command) {
    service::CellFormat& cells = arguments_.rows.cells;
    auto* kind = command->add_option_function<std::string>(
        "--kind",
        [&cells](const std::string& name) {
          const auto parsed = service::ParseKind(name);
          if (!parsed.ok()) throw CLI::ValidationError(parsed.status().message());
          cells.kind = *parsed;
        },
        "What the labels of a table are: single (each one label), multi (several, see "
        "--label-separator), regression (numbers)");
    kind->type_name("KIND");
    command
        ->add_option("--label-separator", cells.separator,
                     "Between the labels of a table's row; makes it a multi-label one")
        ->capture_default_str()
        ->each([&cells](const std::string&) { cells.kind = learn::TaskKind::kMulti; });
  }

  void AddServing() {
    Arguments& a = arguments_;
    CLI::App* serve = Add(
        app_, "serve", "Serve over HTTP until SIGTERM or Ctrl-C",
        [&a](const CommandContext& c) { return Serve(c, a.check_only); }, true);
    serve->add_flag("--check-config", a.check_only, "Say whether the settings are good, and end");
    Add(app_, "init", "Make a data directory and bind it to the encoder", Init);
    Add(app_, "info", "Version, instruction sets, settings in effect", Info, true);
    CLI::App* backup =
        Add(app_, "backup", "Copy the data directory as of one instant, also while it is served",
            [&a](const CommandContext& c) { return Backup(c, a.folder); });
    backup->add_option("dest", a.folder, "Where the copy goes; with --url the server's --backups");
    CLI::App* restore =
        Add(app_, "restore", "Make the data directory from a backup",
            [&a](const CommandContext& c) { return Restore(c, a.folder, a.if_missing); });
    restore->add_option("src", a.folder, "The backup's folder")->required();
    restore->add_flag(
        "--if-missing", a.if_missing,
        "Do nothing where the directory holds a database: for what starts many times");
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
            [&a](const CommandContext& c) { return Unlearn(c, a.task, a.unlearn); });
    AddTask(unlearn);
    auto* which = unlearn->add_option_group("Examples");
    service::ExampleFilter& filter = a.unlearn.filter;
    auto* by_id = which->add_option("--id", a.unlearn.ids, "Id of an example; may be repeated");
    auto* by_file = which->add_option("file", a.unlearn.file, kIdsHelp);
    by_id->expected(1)->take_all()->excludes(by_file);
    const auto add_filter = [&](const std::string& flag, auto& field, const std::string& help) {
      return which->add_option(flag, field, help)->excludes(by_id)->excludes(by_file);
    };
    add_filter("--label", filter.label, "Examples of this label");
    add_filter("--source", filter.source, "Examples of this source");
    add_filter("--since", a.since, "Learned at or after, as 2026-03-01T09:30:00Z")
        ->each([&filter](const std::string& text) { filter.since_us = Time(text); });
    add_filter("--before", a.before, "Learned before")->each([&filter](const std::string& text) {
      filter.before_us = Time(text);
    });
    which->require_option(1, 4);
    AddTask(Add(app_, "purge", "Erase what was unlearned from the files",
                [&a](const CommandContext& c) { return Purge(c, a.task); }));
    AddTask(Add(app_, "verify", "Compute sums and head again from the log, and compare",
                [&a](const CommandContext& c) { return Verify(c, a.task); }));

    AddPredict();
    AddDesk();

    CLI::App* evaluate = Add(
        app_, "evaluate", "Accuracy and more on a labelled file", [&a](const CommandContext& c) {
          return Evaluate(c, a.task, a.rows, a.out_of_scope, a.options.adjust_prior, a.html);
        });
    AddTask(evaluate);
    evaluate->add_option("file", a.rows.path, kTableHelp)->required();
    evaluate->add_option("--oos", a.out_of_scope, "Texts of no label, to measure the scope with");
    evaluate->add_flag("--adjust-prior", a.options.adjust_prior, kAdjustHelp);
    evaluate->add_option("--html", a.html, "Where a report with plots goes");
    AddColumns(evaluate, true);

    CLI::App* continual = Add(
        app_, "continual",
        "Learn the tasks of a folder one after another, in a directory made for it; after each, "
        "evaluate all. A task not learned yet counts as accuracy 0",
        [&a](const CommandContext& c) { return Continual(c, a.folder, a.order, a.joint, a.html); });
    continual->add_option("folder", a.folder, "Its subfolders have train.jsonl and test.jsonl")
        ->required();
    continual->add_option("--order", a.order, "Subfolders, in order")->delimiter(',');
    continual->add_flag("--joint", a.joint,
                        "Learn all tasks once more, together, and print the intransigence");
    continual->add_option("--html", a.html, "Where a report with plots goes");
  }

  void AddDesk() {
    Arguments& a = arguments_;
    CLI::App* audit =
        Add(app_, "audit", "What is odd about a task's examples, and what more of them would bring",
            [&a](const CommandContext& c) { return Audit(c, a.task, a.shown_max); });
    AddTask(audit);
    audit->add_option("--limit", a.shown_max, "Rows of each list")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    CLI::App* suggest =
        Add(app_, "suggest", "Which texts of a file to label next, the most telling first",
            [&a](const CommandContext& c) { return Suggest(c, a.task, a.rows, a.suggest); });
    AddTask(suggest);
    suggest->add_option("file", a.rows.path, kTextsHelp)->required();
    suggest->add_option("--count", a.suggest.count, "How many")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    AddColumns(suggest, false);
  }

  CLI::Option* AddTask(CLI::App* command) {
    return command->add_option("task", arguments_.task, "Task")->required();
  }

  void AddTasks() {
    Arguments& a = arguments_;
    CLI::App* tasks = app_.add_subcommand("tasks", "List, show, rename, delete tasks; edit labels");
    tasks->require_subcommand(1);
    Add(*tasks, "list", "All tasks", ListTasks);
    AddTask(Add(*tasks, "show", "One task with its labels",
                [&a](const CommandContext& c) { return ShowTask(c, a.task); }));
    CLI::App* rename =
        Add(*tasks, "rename", "Give a task another name", [&a](const CommandContext& c) {
          service::TaskChange change;
          change.name = a.name;
          return ChangeTask(c, a.task, change);
        });
    AddTask(rename);
    rename->add_option("name", a.name, "Its new name")->required();
    AddTaskSet(*tasks);
    AddLabels(*tasks);
    AddTask(Add(*tasks, "delete", "Delete a task with all it holds",
                [&a](const CommandContext& c) { return DeleteTask(c, a.task); }));
    AddTransfer(*tasks);
    AddTask(Add(app_, "versions", "Head versions of a task, newest first",
                [&a](const CommandContext& c) { return ListVersions(c, a.task); }));
    CLI::App* publish = Add(
        app_, "publish", "Serve a version: publish, roll back, canary, shadow",
        [&a](const CommandContext& c) { return Publish(c, a.task, a.version, a.alias, a.share); });
    AddTask(publish);
    publish
        ->add_option("version", a.version, "Version or alias; none takes a canary or shadow away")
        ->required();
    publish->add_option("--alias", a.alias, "live, canary or shadow")->capture_default_str();
    publish->add_option("--share", a.share, "Share of the requests that a canary answers");
    AddPublishing(*tasks);
  }

  void AddTransfer(CLI::App& tasks) {
    Arguments& a = arguments_;
    CLI::App* to_file =
        Add(tasks, "export", "Write a task with its examples to one file",
            [&a](const CommandContext& c) { return ExportTask(c, a.task, a.output); });
    AddTask(to_file);
    to_file->add_option("--output", a.output,
                        "File, or - for standard output; TASK.ctt.jsonl when not given");
    CLI::App* from_file = Add(
        tasks, "import", "Make a task from the file of an export",
        [&a](const CommandContext& c) { return ImportTask(c, a.files.front(), a.name, a.again); });
    from_file->add_option("file", a.files, "File of an export")->required()->expected(1);
    from_file->add_option("--name", a.name, "Name of the task; as it was called when not given");
    CLI::App* merge = Add(
        app_, "merge", "Add what exported tasks learned, exactly as if it had been learned here",
        [&a](const CommandContext& c) { return MergeTasks(c, a.task, a.files, a.again); });
    AddTask(merge);
    merge->add_option("files", a.files, "Files of exports")->required();
    Add(app_, "reencode",
        "Learn all tasks of a running server again, with another encoder or engine",
        [&a](const CommandContext& c) { return Reencode(c, a.folder); })
        ->add_option("server", a.folder, "Its address, http://HOST:PORT; it goes on serving")
        ->required();
    for (CLI::App* command : {from_file, merge})
      command->add_flag("--reencode", a.again,
                        "Learn the texts with this encoder, whatever encoder saw them");
  }

  void AddPublishing(CLI::App& tasks) {
    Arguments& a = arguments_;
    CLI::App* publishing =
        Add(tasks, "publishing", "Say which versions are served without being asked for",
            [&a](const CommandContext& c) { return SetPublishing(c, a.task, a.publishing); });
    AddTask(publishing);
    const std::map<std::string, bool> words = {{"automatic", true}, {"manual", false}};
    publishing->add_option("how", a.publishing.automatic, "automatic or manual")
        ->required()
        ->transform(CLI::CheckedTransformer(words));
    publishing
        ->add_option(
            "--max-accuracy-fall", a.publishing.max_accuracy_fall,
            "Serve a settled version only when its leave-one-out accuracy falls by at most "
            "this")
        ->check(CLI::Range(0.0, 1.0));
  }

  // `labels` alone shows them; its own subcommands edit them.
  static Status RunLabels(const CommandContext& context, const Arguments& a) {
    if (a.label_edit.label.empty()) return ListLabels(context, a.task);
    return EditLabels(context, a.task, a.label_edit, a.ids_file);
  }

  void AddLabelEdits(CLI::App& labels) {
    Arguments& a = arguments_;
    labels.require_subcommand(0, 1);
    const auto add = [&](service::LabelEdit::Kind kind, const std::string& help) {
      CLI::App* command = Add(labels, std::string(LabelEditName(kind)), help,
                              [&a](const CommandContext& c) { return RunLabels(c, a); });
      command->parse_complete_callback([&a, kind] { a.label_edit.kind = kind; });
      command->add_option("label", a.label_edit.label, "Label")->required();
      return command;
    };
    using Kind = service::LabelEdit::Kind;
    add(Kind::kRename, "Give a label another name; no score changes")
        ->add_option("to", a.label_edit.to, "Its new name")
        ->required();
    add(Kind::kMerge, "Give a label's examples to another label")
        ->add_option("to", a.label_edit.to, "The label that takes them")
        ->required();
    CLI::App* split = add(Kind::kSplit, "Give some of a label's examples to another label");
    split->add_option("to", a.label_edit.to, "The label that takes them, held or new")->required();
    auto* which = split->add_option_group("Examples");
    which->add_option("--id", a.label_edit.ids, "Id of an example; may be repeated")
        ->expected(1)
        ->take_all();
    which->add_option("--file", a.ids_file, kIdsHelp);
    which->require_option(1);
    add(Kind::kDelete, "Unlearn a label with all its examples");
  }

  void AddPredict() {
    Arguments& a = arguments_;
    CLI::App* predict =
        Add(app_, "predict", "Answer for texts, by a task or by the one they are for",
            [&a](const CommandContext& c) { return RunPredict(c, a); });
    // One list, since with --route the first word is a text already.
    predict->add_option("words", a.texts, "TASK TEXT..., or TEXT... with --route");
    auto* file = predict->add_option("--file", a.rows.path, kTextsHelp);
    predict->add_option("--output", a.output, "Where the answers to --file go")->needs(file);
    auto* route = predict->add_flag("--route", a.route, "Find the task of each text");
    predict->add_option("--group", a.group, "Find it among the tasks of this group")->needs(route);
    predict->add_option("--top-k", a.options.top_k, "Labels to show for a text")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000));
    auto* error_rate = predict->add_option(
        "--error-rate", a.options.error_rate,
        "Show the set of labels that misses the truth at this rate; of a regression task, its "
        "interval");
    error_rate->check(CLI::Range(1e-6, 0.5));
    predict
        ->add_option("--threshold", a.options.threshold,
                     "Of a multi-label task: a label holds from this probability on (0.5)")
        ->check(CLI::Range(1e-6, 1 - 1e-6));
    auto* number =
        predict->add_option("--version", a.options.version, "Version instead of the live one");
    number->check(CLI::PositiveNumber)->excludes(route);
    predict
        ->add_option("--alias", a.options.alias, "Alias instead of live: previous, canary, shadow")
        ->excludes(number)
        ->excludes(route);
    auto* explain =
        predict->add_flag("--explain", a.options.explain, "Show the nearest examples of the task");
    auto* words = predict->add_flag("--explain-words", a.options.explain_words,
                                    "Show them, and what each word of the text adds");
    route->excludes(explain)->excludes(words);
    predict->add_flag("--adjust-prior", a.options.adjust_prior, kAdjustHelp)
        ->excludes(route)
        ->excludes(error_rate)
        ->excludes(explain)
        ->excludes(words);
    AddColumns(predict, false);
    predict->parse_complete_callback([&a] { CheckPredict(a); });
  }

  // Throws what the parser throws for wrong usage.
  static void CheckPredict(Arguments& a) {
    if (!a.route) {
      if (a.texts.empty()) throw CLI::RequiredError("TASK");
      a.task = a.texts.front();
      a.texts.erase(a.texts.begin());
    }
    if (a.texts.empty() == a.rows.path.empty()) throw CLI::RequiredError("Either TEXT or --file");
  }

  static Status RunPredict(const CommandContext& context, const Arguments& a) {
    if (a.route && a.texts.empty()) return RouteFile(context, a.group, a.rows, a.output, a.options);
    if (a.route) return Route(context, a.group, a.texts, a.options);
    if (a.texts.empty()) return PredictFile(context, a.task, a.rows, a.output, a.options);
    return Predict(context, a.task, a.texts, a.options);
  }

  void AddTaskSet(CLI::App& tasks) {
    Arguments& a = arguments_;
    CLI::App* set = Add(tasks, "set", "Change what a user decides about a task",
                        [&a](const CommandContext& c) -> Status {
                          service::TaskChange change;
                          change.out_of_scope_rate = a.out_of_scope_rate;
                          if (a.groups) change.groups = SplitAtCommas(*a.groups);
                          if (a.prior) {
                            CTT_ASSIGN_OR_RETURN(change.prior, service::ParsePrior(*a.prior));
                          }
                          return ChangeTask(c, a.task, change);
                        });
    AddTask(set);
    auto* settings = set->add_option_group("Changes");
    settings
        ->add_option("--out-of-scope-rate", a.out_of_scope_rate,
                     "Share of in-scope texts that may be called out of scope")
        ->check(CLI::Range(0.0, 0.5));
    settings->add_option("--prior", a.prior, "Whether labels count as often as they were learned")
        ->check(CLI::IsMember({"empirical", "uniform"}));
    settings->add_option("--groups", a.groups, "Groups for routing, with commas; '' for none");
    settings->require_option(1, 0);
  }

  void AddLabels(CLI::App& tasks) {
    Arguments& a = arguments_;
    CLI::App* labels =
        Add(tasks, "labels", "Show labels and descriptions; rename, merge, split, delete labels",
            [&a](const CommandContext& c) { return RunLabels(c, a); });
    AddTask(labels);
    AddLabelEdits(*labels);
    CLI::App* describe =
        Add(tasks, "describe", "Say what labels are about, so that a task answers without examples",
            [&a](const CommandContext& c) {
              return DescribeLabels(c, a.task, a.label, {a.rows.path, "description"});
            });
    AddTask(describe);
    describe->add_option("label", a.label.name, "Label");
    describe->add_option("description", a.label.description,
                         "What it is about; absent: its name, spelled out");
    describe->add_option("--file", a.rows.path,
                         "Columns or keys label and description; as for ctt learn");
    describe->parse_complete_callback([&a] {
      if (a.label.name.empty() == a.rows.path.empty())
        throw CLI::RequiredError("Either LABEL or --file");
    });
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
