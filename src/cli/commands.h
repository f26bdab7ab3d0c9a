#pragma once
// The commands of ctt. Each takes its arguments as the command line gave them and prints its
// answer; an error is printed by the caller. docs/cli.md is the contract.
//
// Accuracies, rates and probabilities are fractions, 0 to 1. Threads: the main thread.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/load_bench.h"
#include "cli/row_file.h"
#include "cli/settings.h"
#include "service/key_ring.h"
#include "service/types.h"

namespace ctt::cli {

struct CommandContext {
  Settings settings;
  bool json = false;
  std::function<Result<Settings>()> resolve;  // The settings as they would be now.
};

// Until SIGTERM or SIGINT; SIGHUP reads settings and certificate again. `check_only`: says whether
// the settings are good, and ends.
Status Serve(const CommandContext& context, bool check_only);
Status Init(const CommandContext& context);
Status Info(const CommandContext& context);
// Is the server at `url` ready? kUnavailable: no.
Status Health(const CommandContext& context, const std::string& url);

Status Learn(const CommandContext& context, const std::string& task, const RowSource& source);
// What to unlearn: ids, or the file of them, or else a filter.
struct UnlearnSource {
  std::vector<std::string> ids;
  std::string file;
  service::ExampleFilter filter;
};
Status Unlearn(const CommandContext& context, const std::string& task, UnlearnSource source);
Status Purge(const CommandContext& context, const std::string& task);
Status Verify(const CommandContext& context, const std::string& task);
Status Predict(const CommandContext& context, const std::string& task,
               const std::vector<std::string>& texts, const service::PredictOptions& options);
Status PredictFile(const CommandContext& context, const std::string& task, const RowSource& source,
                   const std::string& output, const service::PredictOptions& options);
// As Predict and PredictFile, with the task found among those of `group` ("": all).
Status Route(const CommandContext& context, const std::string& group,
             const std::vector<std::string>& texts, const service::PredictOptions& options);
Status RouteFile(const CommandContext& context, const std::string& group, const RowSource& source,
                 const std::string& output, const service::PredictOptions& options);
// `out_of_scope`: a file of texts of no label, or empty; `html`: where a report goes, or empty.
Status Evaluate(const CommandContext& context, const std::string& task, const RowSource& source,
                const std::string& out_of_scope, bool adjust_prior, const std::string& html);

// What is odd about a task's examples; each list shows at most `shown_max`.
Status Audit(const CommandContext& context, const std::string& task, std::int64_t shown_max);
// Which texts of a file to label next.
Status Suggest(const CommandContext& context, const std::string& task, const RowSource& source,
               const service::SuggestOptions& options);

Status ListTasks(const CommandContext& context);
Status ShowTask(const CommandContext& context, const std::string& task);
// Rename, or another setting; prints the task as it is then.
Status ChangeTask(const CommandContext& context, const std::string& task,
                  const service::TaskChange& change);
Status DeleteTask(const CommandContext& context, const std::string& task);
// To a file of its own (task_file.h); `output` empty: TASK.ctt.jsonl.
Status ExportTask(const CommandContext& context, const std::string& task,
                  const std::string& output);
// `name` empty: as it was called. `again`: encodes the texts again, whatever encoder saw them.
Status ImportTask(const CommandContext& context, const std::string& file, const std::string& name,
                  bool again);
// Adds what the files hold to a task, which is made when it is not there.
Status MergeTasks(const CommandContext& context, const std::string& task,
                  const std::vector<std::string>& files, bool again);
// Learns every task of the server at `url` in the data directory, with this encoder. Again: only
// what changed.
Status Reencode(const CommandContext& context, const std::string& url);
Status ListLabels(const CommandContext& context, const std::string& task);
// One label, with a description or spelled out; or those of a file when `label` is empty.
Status DescribeLabels(const CommandContext& context, const std::string& task,
                      const service::LabelDescription& label, const RowSource& source);
// The ids of a split come from `edit`, or from the file `ids` when that is named.
Status EditLabels(const CommandContext& context, const std::string& task, service::LabelEdit edit,
                  const std::string& ids);
Status ListVersions(const CommandContext& context, const std::string& task);
// `version` is a number, an alias, or "none", which takes the alias away.
Status Publish(const CommandContext& context, const std::string& task, const std::string& version,
               const std::string& alias, double share);
Status SetPublishing(const CommandContext& context, const std::string& task,
                     const service::Publishing& publishing);

// Through a server when settings.url is set, and then to its own folder: `folder` is empty.
Status Backup(const CommandContext& context, const std::string& folder);
// `if_missing`: a directory that holds a database is left as it is, and that is no error.
Status Restore(const CommandContext& context, const std::string& folder, bool if_missing);

Status CreateKey(const CommandContext& context, const service::NewKey& wanted);
Status ListKeys(const CommandContext& context);
Status RevokeKey(const CommandContext& context, const std::string& id);

Status Continual(const CommandContext& context, const std::string& folder,
                 const std::vector<std::string>& order, bool joint, const std::string& html);
Status Embed(const CommandContext& context, const RowSource& source, const std::string& output);
// Texts from `source`, or when its path is empty token ids from the file `ids`.
Status BenchEncode(const CommandContext& context, const RowSource& source, const std::string& ids,
                   const std::string& output);
// Sends the texts of `source` as predictions of `task` to the server of settings.url.
Status BenchServe(const CommandContext& context, const std::string& task, const RowSource& source,
                  LoadOptions options);
Status ModelInfo(const CommandContext& context);
Status ModelVerify(const CommandContext& context);

}  // namespace ctt::cli
