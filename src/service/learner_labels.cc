// The learner's label edits; see learner.h. A name is data: a label's rows stay as they are when it
// is renamed or merged, only what the label is called changes from one write of the log on.
#include <algorithm>
#include <utility>

#include "base/nearest.h"
#include "learn/labelwise.h"
#include "service/learner.h"
#include "service/learner_group.h"
#include "service/report.h"

namespace ctt::service {
namespace {

Status RequireLabel(const learn::Statistics& statistics, const std::string& label) {
  if (statistics.classes().contains(label)) return Status::Ok();
  std::vector<std::string> names;
  for (const auto& [name, sums] : statistics.classes()) names.push_back(name);
  return {Code::kNotFound, "label_not_found",
          "the task has no label '" + label.substr(0, 200) + "'" + DidYouMean(label, names)};
}

std::vector<store::LabelId> WithoutLabel(std::vector<store::LabelId> ids, const LabelNames& names,
                                         const std::string& label) {
  std::erase_if(ids, [&](store::LabelId id) { return names.at(id) == label; });
  return ids;
}

}  // namespace

std::string_view LabelEditName(LabelEdit::Kind kind) {
  switch (kind) {
    case LabelEdit::Kind::kRename:
      return "rename";
    case LabelEdit::Kind::kMerge:
      return "merge";
    case LabelEdit::Kind::kSplit:
      return "split";
    case LabelEdit::Kind::kDelete:
      return "delete";
  }
  return "unknown";
}

void Learner::EditLabels(std::string task, LabelEdit edit, Done<bool> done, const Origin& origin) {
  AuditNote note{origin, std::string(LabelEditName(edit.kind)) + "_label", task};
  PostAlone(
      [this, task = std::move(task), edit = std::move(edit)](Group& group) -> Status {
        CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(task));
        if (ledger->kind() == learn::TaskKind::kRegression)
          return NotForThisKind(task, ledger->kind(), "it has no labels to change");
        CTT_RETURN_IF_ERROR(LoadStatistics(*ledger));
        CTT_RETURN_IF_ERROR(RequireLabel(*ledger->statistics, edit.label));
        if (edit.label == edit.to) {
          return {Code::kInvalidArgument, "same_label",
                  "the label is called '" + edit.to + "' already"};
        }
        return ApplyLabelEdit(group, *ledger, edit);
      },
      std::move(done), std::move(note));
}

Status Learner::ApplyLabelEdit(Group& group, TaskLedger& ledger, const LabelEdit& edit) {
  switch (edit.kind) {
    case LabelEdit::Kind::kRename:
      return RenameLabel(group, ledger, edit);
    case LabelEdit::Kind::kMerge:
      CTT_RETURN_IF_ERROR(RequireLabel(*ledger.statistics, edit.to));
      group.known.insert(ledger.record.id);
      return group.Keep(MergeLabel(group, ledger, edit));
    case LabelEdit::Kind::kSplit:
      return SplitLabel(group, ledger, edit);
    case LabelEdit::Kind::kDelete:
      return DeleteLabel(group, ledger, edit);
  }
  return Internal("no such label edit");
}

// Writes that every label called `edit.label` is called `edit.to` from now on.
Status Learner::CallLabels(Group& group, TaskLedger& ledger, const LabelEdit& edit) {
  std::vector<store::LabelId> ids;
  for (const auto& [id, name] : ledger.label_names)
    if (name == edit.label) ids.push_back(id);
  CTT_RETURN_IF_ERROR(
      group.transaction->RenameLabels(ledger.record.id, ids, edit.to, ledger.last_seq + 1));
  ++ledger.last_seq;
  for (const store::LabelId id : ids) ledger.label_names[id] = edit.to;
  ledger.label_ids.clear();
  for (const auto& [id, name] : ledger.label_names) ledger.label_ids.emplace(name, id);
  return Status::Ok();
}

// The head of the last version with the label renamed. The sums have the new name already.
Result<learn::Head> Learner::LastHeadRelabelled(const TaskLedger& ledger,
                                                const store::Version& last,
                                                const LabelEdit& edit) const {
  CTT_ASSIGN_OR_RETURN(const auto head, LoadHead(stores_, ledger.record.id, last, feature_dim_));
  if (ledger.kind() == learn::TaskKind::kMulti)
    return learn::RenameInLabelwise(*head, edit.label, edit.to);
  if (!last.settled || !learn::HasTwins(*ledger.statistics))
    return learn::Relabel(*head, *ledger.statistics, nullptr);
  CTT_ASSIGN_OR_RETURN(learn::Rows rows, RowsAt(stores_.log, ledger.record.id, last.watermark));
  std::replace(rows.labels.begin(), rows.labels.end(), edit.label, edit.to);
  return learn::Relabel(*head, *ledger.statistics, &rows);
}

// The new version has the numbers of the last one, and is settled when that was.
Status Learner::RenameLabel(Group& group, TaskLedger& ledger, const LabelEdit& edit) {
  if (ledger.statistics->classes().contains(edit.to)) {
    return {Code::kAlreadyExists, "label_exists",
            "the task has a label '" + edit.to.substr(0, 200) + "'; merge the two"};
  }
  CTT_ASSIGN_OR_RETURN(const auto last,
                       stores_.log.FindVersion(ledger.record.id, ledger.last_version));
  if (!last) return DataLoss("the last version is not there");
  group.known.insert(ledger.record.id);
  const auto rename = [&]() -> Status {
    CTT_RETURN_IF_ERROR(ledger.statistics->RenameLabel(edit.label, edit.to));
    CTT_ASSIGN_OR_RETURN(learn::Head head, LastHeadRelabelled(ledger, *last, edit));
    CTT_RETURN_IF_ERROR(CallLabels(group, ledger, edit));
    store::Version version = *last;
    version.number = ledger.last_version + 1;
    version.watermark = ledger.last_seq;
    version.settled = ledger.settled;
    if (ledger.kind() == learn::TaskKind::kMulti)
      version.settings = learn::SerializeSettings(head.settings());
    if (ledger.settings) RenameTemperature(*ledger.settings, edit.label, edit.to);
    version.head_digest = ToHex(head.ContentDigest());
    version.has_artifact = version.settled;
    version.report = EditReport(edit, version.examples, last->report);
    version.created_us = clock_.UnixMicros();
    if (version.settled) CTT_RETURN_IF_ERROR(stores_.artifacts.Put(head.Serialize()).status());
    const bool publish = ledger.task_settings.auto_publish && ledger.live_version == last->number;
    CTT_ASSIGN_OR_RETURN(auto rates, LoadRates(stores_.log, ledger.record.id, *last));
    CTT_RETURN_IF_ERROR(PutVersion(
        group, ledger, version,
        {version.number, std::make_shared<const learn::Head>(std::move(head)), std::move(rates)},
        publish));
    if (version.settled) {
      CTT_RETURN_IF_ERROR(
          group.transaction->SetAlias(ledger.record.id, kSettledAlias, version.number));
      ledger.settled_version = version.number;
    }
    return PutSums(group, ledger);
  };
  return group.Keep(rename());
}

// Examples that hold both labels hold the one from now on: their features must not count twice.
Status Learner::TakeOverlap(TaskLedger& ledger, const LabelEdit& edit) {
  std::vector<std::int8_t> both;
  CTT_RETURN_IF_ERROR(stores_.log.ScanAt(
      ledger.record.id, ledger.last_seq, [&](const store::Example& row) -> Status {
        if (HoldsLabel(row, ledger.label_names, edit.label) &&
            HoldsLabel(row, ledger.label_names, edit.to))
          both.insert(both.end(), row.phi.begin(), row.phi.end());
        return Status::Ok();
      }));
  return ledger.statistics->TakeFromLabel(both, edit.label);
}

Status Learner::MergeLabel(Group& group, TaskLedger& ledger, const LabelEdit& edit) {
  if (ledger.kind() == learn::TaskKind::kMulti) CTT_RETURN_IF_ERROR(TakeOverlap(ledger, edit));
  CTT_RETURN_IF_ERROR(CallLabels(group, ledger, edit));
  if (ledger.statistics->classes().contains(edit.label))  // Else no example held it alone.
    CTT_RETURN_IF_ERROR(ledger.statistics->MergeLabel(edit.label, edit.to));
  if (ledger.settings) RenameTemperature(*ledger.settings, edit.label, edit.to);
  group.solve.insert(ledger.record.id);
  group.reports[ledger.record.id] =
      EditReport(edit, ledger.statistics->example_count(), LessonReport(0, ledger.settled_version));
  return PutSums(group, ledger);
}

// The examples to move, each once; all of them must be held under the label.
Result<std::vector<store::Example>> Learner::FindToSplit(Group& group, const TaskLedger& ledger,
                                                         const LabelEdit& edit) const {
  const std::set<std::string> wanted(edit.ids.begin(), edit.ids.end());
  const std::vector<std::string> ids(wanted.begin(), wanted.end());
  CTT_ASSIGN_OR_RETURN(std::vector<store::Example> examples,
                       group.transaction->FindLiving(ledger.record.id, ids));
  std::set<std::string_view> held;
  for (const store::Example& example : examples)
    if (HoldsLabel(example, ledger.label_names, edit.label)) held.insert(example.id);
  for (const std::string& id : ids) {
    if (held.contains(id)) continue;
    return Status(Code::kNotFound, "example_not_found",
                  "label '" + edit.label + "' holds no example '" + id.substr(0, 200) + "'");
  }
  return examples;
}

Status Learner::SplitLabel(Group& group, TaskLedger& ledger, const LabelEdit& edit) {
  if (!ledger.label_ids.contains(edit.to)) CTT_RETURN_IF_ERROR(CheckRoomForLabels(&ledger, 1));
  CTT_ASSIGN_OR_RETURN(std::vector<store::Example> examples, FindToSplit(group, ledger, edit));
  group.known.insert(ledger.record.id);
  if (ledger.kind() == learn::TaskKind::kMulti) {
    group.reports[ledger.record.id] = EditReport(edit, ledger.statistics->example_count(),
                                                 LessonReport(0, ledger.settled_version));
    const auto moved =
        [&](const std::vector<store::LabelId>& held) -> Result<std::vector<store::LabelId>> {
      CTT_ASSIGN_OR_RETURN(const store::LabelId to, InternLabel(group, ledger, edit.to));
      std::vector<store::LabelId> ids = WithoutLabel(held, ledger.label_names, edit.label);
      if (std::find(ids.begin(), ids.end(), to) == ids.end()) ids.push_back(to);
      return ids;
    };
    return group.Keep(SayAgain(group, ledger, std::move(examples), moved));
  }
  const auto split = [&]() -> Status {
    std::vector<store::Seq> seqs;
    std::vector<std::int8_t> phi;
    for (const store::Example& example : examples) {
      seqs.push_back(example.seq);
      phi.insert(phi.end(), example.phi.begin(), example.phi.end());
    }
    CTT_RETURN_IF_ERROR(
        group.transaction->MarkUnlearned(ledger.record.id, seqs, ledger.last_seq + 1));
    ++ledger.last_seq;
    CTT_ASSIGN_OR_RETURN(const store::LabelId label, InternLabel(group, ledger, edit.to));
    for (store::Example& example : examples) {
      example.seq = ++ledger.last_seq;
      example.label = label;
    }
    CTT_RETURN_IF_ERROR(group.transaction->AppendExamples(ledger.record.id, examples));
    const std::vector<std::string> before(examples.size(), edit.label);
    const std::vector<std::string> after(examples.size(), edit.to);
    CTT_RETURN_IF_ERROR(ledger.statistics->Remove(phi, before));
    return ledger.statistics->Add(phi, after);
  };
  group.solve.insert(ledger.record.id);
  group.reports[ledger.record.id] =
      EditReport(edit, ledger.statistics->example_count(), LessonReport(0, ledger.settled_version));
  return group.Keep(split());
}

// Unlearns multi-label examples and learns them again with the labels that new_labels gives, in one
// write of the log and one more for each. All but what they say stays.
Status Learner::SayAgain(Group& group, TaskLedger& ledger, std::vector<store::Example> examples,
                         const NewLabels& new_labels) {
  std::vector<store::Seq> seqs;
  std::vector<std::int8_t> phi;
  std::vector<learn::Target> before, after;
  for (const store::Example& example : examples) seqs.push_back(example.seq);
  CTT_RETURN_IF_ERROR(
      group.transaction->MarkUnlearned(ledger.record.id, seqs, ledger.last_seq + 1));
  ++ledger.last_seq;
  for (store::Example& example : examples) {
    CTT_ASSIGN_OR_RETURN(before.emplace_back(), TargetOf(example, ledger.label_names));
    CTT_ASSIGN_OR_RETURN(auto labels, new_labels(UnpackLabels(example.target)));
    example.target = PackLabels(std::move(labels));
    CTT_ASSIGN_OR_RETURN(after.emplace_back(), TargetOf(example, ledger.label_names));
    example.seq = ++ledger.last_seq;
    phi.insert(phi.end(), example.phi.begin(), example.phi.end());
  }
  CTT_RETURN_IF_ERROR(group.transaction->AppendExamples(ledger.record.id, examples));
  CTT_RETURN_IF_ERROR(ledger.statistics->Remove(phi, before));
  CTT_RETURN_IF_ERROR(ledger.statistics->Add(phi, after));
  group.solve.insert(ledger.record.id);
  return Status::Ok();
}

// Of a multi-label task: the examples stay, and hold the label no longer.
Status Learner::DropFromExamples(Group& group, TaskLedger& ledger, const LabelEdit& edit) {
  std::vector<store::Example> examples;
  group.known.insert(ledger.record.id);
  CTT_RETURN_IF_ERROR(group.Keep(stores_.log.ScanAt(
      ledger.record.id, ledger.last_seq, [&](const store::Example& row) -> Status {
        if (HoldsLabel(row, ledger.label_names, edit.label)) examples.push_back(row);
        return Status::Ok();
      })));
  return group.Keep(
      SayAgain(group, ledger, std::move(examples),
               [&](const std::vector<store::LabelId>& held) -> Result<std::vector<store::LabelId>> {
                 return WithoutLabel(held, ledger.label_names, edit.label);
               }));
}

Status Learner::DeleteLabel(Group& group, TaskLedger& ledger, const LabelEdit& edit) {
  const auto fits = [&](const store::Example& row) {
    return ledger.label_names.at(row.label) == edit.label;
  };
  std::vector<std::string> ids;
  if (ledger.kind() == learn::TaskKind::kMulti)
    CTT_RETURN_IF_ERROR(DropFromExamples(group, ledger, edit));
  else
    CTT_RETURN_IF_ERROR(UnlearnRows(group, ledger, fits, ids));
  group.reports[ledger.record.id] =
      EditReport(edit, ledger.statistics->example_count(), LessonReport(0, ledger.settled_version));
  return Status::Ok();
}

}  // namespace ctt::service
