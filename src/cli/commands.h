#pragma once
// The commands of ctt. Each takes its arguments as the command line gave them and prints its
// answer; an error is printed by the caller. docs/cli.md is the contract.
//
// Accuracies, rates and probabilities are fractions, 0 to 1. Threads: the main thread.
#include <cstdint>
#include <string>
#include <vector>

#include "cli/row_file.h"
#include "cli/settings.h"
#include "service/types.h"

namespace ctt::cli {

struct CommandContext {
  Settings settings;
  bool json = false;
};

Status Serve(const CommandContext& context);
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
                   const service::PredictOptions& options, const std::string& output);
Status Evaluate(const CommandContext& context, const std::string& task, const RowSource& source);

Status ListTasks(const CommandContext& context);
Status ShowTask(const CommandContext& context, const std::string& task);
Status RenameTask(const CommandContext& context, const std::string& task, const std::string& name);
Status DeleteTask(const CommandContext& context, const std::string& task);
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
Status Restore(const CommandContext& context, const std::string& folder);

Status Continual(const CommandContext& context, const std::string& folder,
                 const std::vector<std::string>& order);
Status Embed(const CommandContext& context, const RowSource& source, const std::string& output);
// Texts from `source`, or when its path is empty token ids from the file `ids`.
Status BenchEncode(const CommandContext& context, const RowSource& source, const std::string& ids,
                   const std::string& output);
Status ModelInfo(const CommandContext& context);
Status ModelVerify(const CommandContext& context);

}  // namespace ctt::cli
