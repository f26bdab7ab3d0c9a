// The commands of the learner: each checks first, then writes; see learner.h.
#include <algorithm>
#include <utility>

#include <openssl/rand.h>

#include "base/json.h"
#include "service/learner.h"
#include "service/learner_group.h"

namespace ctt::service {
namespace {

std::string RandomId() {
  unsigned char bytes[12];
  CTT_CHECK(RAND_bytes(bytes, sizeof bytes) == 1);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) {
    id += kDigits[byte >> 4];
    id += kDigits[byte & 15];
  }
  return id;
}

// What an Idempotency-Key stands for: the same task and rows.
std::string RequestDigest(const std::string& task, const std::vector<EncodedRow>& rows) {
  json::array content;
  for (const EncodedRow& row : rows) {
    json::value said = json::string(row.row.label);
    if (row.row.number) said = *row.row.number;
    if (row.row.labels) said = json::value_from(*row.row.labels);
    content.push_back({row.row.text, std::move(said), row.row.id});
  }
  return ToHex(Sha256(task + json::serialize(content)));
}

std::string AnswerJson(const LearnAnswer& answer) {
  json::array ids, states;
  for (const std::string& id : answer.ids) ids.push_back(json::string(id));
  for (const RowState state : answer.states) states.push_back(static_cast<std::int64_t>(state));
  return json::serialize(json::object{{"task", answer.task},
                                      {"created", answer.created},
                                      {"ids", std::move(ids)},
                                      {"states", std::move(states)},
                                      {"accepted", answer.accepted},
                                      {"examples", answer.examples},
                                      {"classes", answer.classes},
                                      {"head_version", answer.head_version}});
}

LearnAnswer ParseAnswer(std::string_view text) {  // REQUIRES: AnswerJson wrote it.
  const json::object object = json::parse(json::string_view(text.data(), text.size())).as_object();
  LearnAnswer answer;
  answer.task = std::string(object.at("task").as_string());
  answer.created = object.at("created").as_bool();
  for (const json::value& id : object.at("ids").as_array()) answer.ids.emplace_back(id.as_string());
  for (const json::value& state : object.at("states").as_array())
    answer.states.push_back(static_cast<RowState>(state.as_int64()));
  answer.accepted = object.at("accepted").as_int64();
  answer.examples = object.at("examples").as_int64();
  answer.classes = object.at("classes").as_int64();
  answer.head_version = object.at("head_version").as_int64();
  return answer;
}

}  // namespace

void Learner::Learn(std::string task, std::vector<EncodedRow> rows, LearnOptions options,
                    Done<LearnAnswer> done) {
  struct Work {
    std::string task;
    std::vector<EncodedRow> rows;
    LearnOptions options;
    LearnAnswer answer;
    std::string digest;
    bool repeated = false;
  };
  auto work = std::make_shared<Work>();
  work->task = std::move(task);
  work->rows = std::move(rows);
  work->options = std::move(options);
  Command command;
  command.alone = !work->options.idempotency_key.empty();
  command.note = std::make_shared<AuditNote>(AuditNote{work->options.origin, "learn", work->task});
  const std::string key = work->task + "\n" + work->options.idempotency_key;
  command.apply = [this, work, key, keyed = command.alone](Group& group) -> Status {
    if (keyed) {
      work->digest = RequestDigest(work->task, work->rows);
      CTT_ASSIGN_OR_RETURN(auto known, stores_.log.FindIdempotent(key));
      if (known && known->created_us <= clock_.UnixMicros() - store::kIdempotentKeptMicros)
        known.reset();
      if (known && known->request_digest != work->digest) {
        return {Code::kFailedPrecondition, "idempotency_key_reused",
                "this Idempotency-Key was used for another request"};
      }
      work->repeated = known.has_value();
      if (known) work->answer = ParseAnswer(known->answer);
      if (known) return Status::Ok();
    }
    return LearnCommand(group, work->task, work->rows, work->options, work->answer);
  };
  command.seal = [this, work, key, keyed = command.alone,
                  note = command.note](Group& group) -> Status {
    note->rows = work->answer.accepted;
    note->written = !work->repeated && (work->answer.accepted > 0 || work->answer.created);
    if (work->repeated) return Status::Ok();
    CTT_ASSIGN_OR_RETURN(const TaskLedger* ledger, Find(work->task));
    work->answer.examples = ledger->statistics->example_count();
    work->answer.classes = ledger->statistics->label_count();
    work->answer.head_version = work->answer.examples > 0 ? ledger->last_version : 0;
    if (!keyed) return Status::Ok();
    return group.transaction->PutIdempotent(key, work->digest, AnswerJson(work->answer),
                                            clock_.UnixMicros());
  };
  command.finish = [this, work, done = std::move(done)](const Status& status) {
    if (!status.ok()) return done(status);
    if (!work->repeated) metrics_.CountLearned(work->task, work->answer.accepted);
    done(std::move(work->answer));
  };
  Post(std::move(command));
}

Status Learner::LearnCommand(Group& group, const std::string& task, std::vector<EncodedRow>& rows,
                             const LearnOptions& options, LearnAnswer& answer) {
  Result<TaskLedger*> ledger = Find(task);
  const bool absent = !ledger.ok() && ledger.status().code() == Code::kNotFound;
  if (!ledger.ok() && !(absent && options.create_task)) return ledger.status();
  const learn::TaskKind kind = KindOf(rows.front().row);
  CTT_RETURN_IF_ERROR(CheckKind(absent ? nullptr : *ledger, kind));
  CTT_RETURN_IF_ERROR(CheckLabels(absent ? nullptr : *ledger, rows));
  if (absent) {
    const bool said = kind != learn::TaskKind::kSingle;
    ledger = Create(group, task, said ? std::optional(kind) : std::nullopt);
  }
  CTT_RETURN_IF_ERROR(ledger.status());
  if (kind != (*ledger)->kind()) CTT_RETURN_IF_ERROR(group.Keep(TakeKind(group, **ledger, kind)));
  answer.task = task;
  answer.created = absent;
  return LearnRows(group, **ledger, rows, answer);
}

// All rows are of one kind: the first stands for them.
Status Learner::CheckKind(const TaskLedger* ledger, learn::TaskKind kind) const {
  if (ledger == nullptr || ledger->kind() == kind) return Status::Ok();
  if (!ledger->task_settings.kind && ledger->last_seq == 0) return Status::Ok();  // It tells.
  return {Code::kInvalidArgument, "other_kind",
          "row 1: it gives " + std::string(WhatRowsGive(kind)) + " as 'label', but task '" +
              ledger->record.name + "' is of kind '" + std::string(TaskKindName(ledger->kind())) +
              "', whose rows give " + std::string(WhatRowsGive(ledger->kind()))};
}

// The kind of a task that was made without one. REQUIRES: it never held an example.
Status Learner::TakeKind(Group& group, TaskLedger& ledger, learn::TaskKind kind) {
  group.known.insert(ledger.record.id);
  TaskSettings settings = ledger.task_settings;
  settings.kind = kind;
  CTT_RETURN_IF_ERROR(PutTaskSettings(group, ledger, settings));
  ledger.statistics.emplace(feature_dim_, kind);
  return Status::Ok();
}

Status Learner::CheckLabels(const TaskLedger* ledger, const std::vector<EncodedRow>& rows) const {
  std::set<std::string> fresh;
  for (const EncodedRow& row : rows)
    for (std::string& label : TargetOf(row.row).labels)
      if (ledger == nullptr || !ledger->label_ids.contains(label)) fresh.insert(std::move(label));
  return CheckRoomForLabels(ledger, fresh.size());
}

Status Learner::CheckRoomForLabels(const TaskLedger* ledger, std::size_t fresh) const {
  const std::size_t known = ledger == nullptr ? 0 : ledger->label_ids.size();
  if (static_cast<std::int64_t>(known + fresh) <= labels_max_) return Status::Ok();
  return {Code::kTooLarge, "too_many_labels",
          "a task holds at most " + std::to_string(labels_max_) + " labels"};
}

Status Learner::LearnRows(Group& group, TaskLedger& ledger, std::vector<EncodedRow>& rows,
                          LearnAnswer& answer) {
  CTT_RETURN_IF_ERROR(LoadStatistics(ledger));
  answer.states.assign(rows.size(), RowState::kLearned);
  group.known.insert(ledger.record.id);
  CTT_RETURN_IF_ERROR(group.Keep(ReplaceLiving(group, ledger, rows, answer)));
  for (EncodedRow& row : rows) {
    if (row.row.id.empty()) row.row.id = RandomId();
    answer.ids.push_back(row.row.id);
  }
  return group.Keep(AppendRows(group, ledger, rows, answer));
}

// Rows whose id lives: the same content is left alone, another takes its place.
Status Learner::ReplaceLiving(Group& group, TaskLedger& ledger, const std::vector<EncodedRow>& rows,
                              LearnAnswer& answer) {
  std::vector<std::string> ids;
  std::map<std::string_view, std::size_t> row_of;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].row.id.empty()) continue;
    ids.push_back(rows[i].row.id);
    row_of[rows[i].row.id] = i;
  }
  if (ids.empty()) return Status::Ok();
  CTT_ASSIGN_OR_RETURN(const std::vector<store::Example> living,
                       group.transaction->FindLiving(ledger.record.id, ids));
  std::vector<store::Seq> seqs;
  std::vector<std::int8_t> phi;
  std::vector<learn::Target> targets;
  for (const store::Example& example : living) {
    const std::size_t i = row_of.at(example.id);
    CTT_ASSIGN_OR_RETURN(learn::Target target, TargetOf(example, ledger.label_names));
    const bool same = target == TargetOf(rows[i].row) && example.phi == rows[i].phi &&
                      (!example.text || *example.text == rows[i].row.text);
    answer.states[i] = same ? RowState::kUnchanged : RowState::kReplaced;
    if (same) continue;
    seqs.push_back(example.seq);
    phi.insert(phi.end(), example.phi.begin(), example.phi.end());
    targets.push_back(std::move(target));
  }
  if (seqs.empty()) return Status::Ok();
  CTT_RETURN_IF_ERROR(
      group.transaction->MarkUnlearned(ledger.record.id, seqs, ledger.last_seq + 1));
  ++ledger.last_seq;
  return ledger.statistics->Remove(phi, targets);
}

// The row's label, or what stands for several or a number.
Status Learner::PackTarget(Group& group, TaskLedger& ledger, const LearnRow& row,
                           store::Example& example) {
  CTT_ASSIGN_OR_RETURN(
      example.label,
      InternLabel(group, ledger, KindOf(row) == learn::TaskKind::kSingle ? row.label : ""));
  const learn::Target target = TargetOf(row);
  if (row.number) example.target = PackNumber(target.units);
  if (!row.labels) return Status::Ok();
  std::vector<store::LabelId> ids;
  for (const std::string& label : target.labels) {
    CTT_ASSIGN_OR_RETURN(const store::LabelId id, InternLabel(group, ledger, label));
    ids.push_back(id);
  }
  example.target = PackLabels(std::move(ids));
  return Status::Ok();
}

Status Learner::AppendRows(Group& group, TaskLedger& ledger, std::vector<EncodedRow>& rows,
                           LearnAnswer& answer) {
  std::vector<store::Example> examples;
  std::vector<std::int8_t> phi;
  std::vector<learn::Target> targets;
  const std::int64_t now_us = clock_.UnixMicros();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (answer.states[i] == RowState::kUnchanged) continue;
    LearnRow& row = rows[i].row;
    phi.insert(phi.end(), rows[i].phi.begin(), rows[i].phi.end());
    targets.push_back(TargetOf(row));
    store::Example& example = examples.emplace_back(store::Example{
        ++ledger.last_seq, 0, row.id, row.text, rows[i].phi, 0, row.source, now_us, {}});
    CTT_RETURN_IF_ERROR(PackTarget(group, ledger, row, example));
  }
  if (examples.empty()) return Status::Ok();
  CTT_RETURN_IF_ERROR(group.transaction->AppendExamples(ledger.record.id, examples));
  CTT_RETURN_IF_ERROR(ledger.statistics->Add(phi, targets));
  answer.accepted = static_cast<std::int64_t>(examples.size());
  group.solve.insert(ledger.record.id);
  return Status::Ok();
}

Result<store::LabelId> Learner::InternLabel(Group& group, TaskLedger& ledger,
                                            const std::string& name) {
  const auto known = ledger.label_ids.find(name);
  if (known != ledger.label_ids.end()) return known->second;
  CTT_ASSIGN_OR_RETURN(const store::LabelId id,
                       group.transaction->InternLabel(ledger.record.id, name));
  ledger.label_ids[name] = id;
  ledger.label_names[id] = name;
  return id;
}

void Learner::CreateTask(std::string task, std::optional<learn::TaskKind> kind, Done<bool> done,
                         const Origin& origin) {
  AuditNote note{origin, "create_task", task};
  PostAlone(
      [this, task = std::move(task), kind](Group& group) -> Status {
        if (Find(task).ok()) {
          return {Code::kAlreadyExists, "task_exists", "task '" + task + "' exists already"};
        }
        CTT_ASSIGN_OR_RETURN(const TaskLedger* ledger, Create(group, task, kind));
        group.served[ledger->record.id] = Entry(*ledger);
        return Status::Ok();
      },
      std::move(done), std::move(note));
}

void Learner::ChangeTask(std::string task, TaskChange change, Done<bool> done,
                         const Origin& origin) {
  AuditNote note{origin, "change_task", task};
  std::vector<std::string> tasks = {task};
  if (change.name) tasks.push_back(*change.name);
  if (change.name) note = {origin, "rename_task", task, task + " -> " + *change.name};
  PostAlone(
      [this, task = std::move(task), change = std::move(change)](Group& group) -> Status {
        CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(task));
        const std::shared_ptr<ServedTask> entry = Candidate(group, *ledger);
        const store::TaskId id = ledger->record.id;
        if (change.name && *change.name != task)
          CTT_RETURN_IF_ERROR(Rename(group, *ledger, *change.name));
        const TaskSettings settings = Changed(ledger->task_settings, change);
        const bool other_prior = settings.prior != ledger->task_settings.prior;
        if (settings != ledger->task_settings) {
          group.known.insert(id);
          ledger->record.settings = TaskSettingsJson(settings);
          CTT_RETURN_IF_ERROR(
              group.Keep(group.transaction->SetTaskSettings(id, ledger->record.settings)));
          ledger->task_settings = settings;
        }
        entry->name = ledger->record.name;
        entry->settings = settings;
        group.served[id] = entry;
        if (!other_prior || entry->examples == 0) return Status::Ok();
        CTT_RETURN_IF_ERROR(group.Keep(LoadStatistics(*ledger)));
        group.solve.insert(id);
        return Status::Ok();
      },
      std::move(done), std::move(note), std::move(tasks));
}

Status Learner::Rename(Group& group, TaskLedger& ledger, const std::string& name) {
  if (Find(name).ok())
    return {Code::kAlreadyExists, "task_exists", "task '" + name + "' exists already"};
  group.known.insert(ledger.record.id);
  CTT_RETURN_IF_ERROR(group.Keep(group.transaction->RenameTask(ledger.record.id, name)));
  group.removed.push_back(ledger.record.name);
  ledger.record.name = name;
  return Status::Ok();
}

void Learner::DeleteTask(std::string task, Done<bool> done, const Origin& origin) {
  AuditNote note{origin, "delete_task", task};
  PostAlone(
      [this, task = std::move(task)](Group& group) -> Status {
        CTT_ASSIGN_OR_RETURN(const TaskLedger* ledger, Find(task));
        group.known.insert(ledger->record.id);
        CTT_RETURN_IF_ERROR(group.Keep(group.transaction->DeleteTask(ledger->record.id)));
        group.removed.push_back(task);
        group.deleted.push_back(ledger->record.id);
        return Status::Ok();
      },
      [this, done = std::move(done)](Result<bool> deleted) {
        // Files that stay behind are no harm: the next start or purge takes them.
        if (deleted.ok()) (void)CollectGarbage();
        done(std::move(deleted));
      },
      std::move(note));
}

void Learner::TakeSnapshot(store::TaskId task, Done<Snapshot> done) {
  auto snapshot = std::make_shared<Snapshot>();
  Command command;
  command.alone = true;
  command.task_id = task;
  command.apply = [this, task, snapshot](Group&) -> Status {
    CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(task));
    snapshot->id = task;
    snapshot->watermark = ledger->last_seq;
    snapshot->settled = ledger->settled;
    snapshot->prior = ledger->task_settings.prior;
    if (ledger->settled) return Status::Ok();
    CTT_RETURN_IF_ERROR(LoadStatistics(*ledger));
    if (ledger->statistics->example_count() > 0)
      snapshot->statistics = std::make_shared<const learn::Statistics>(*ledger->statistics);
    return Status::Ok();
  };
  command.finish = [snapshot, done = std::move(done)](const Status& status) {
    if (!status.ok()) return done(status);
    done(*snapshot);
  };
  Post(std::move(command));
}

void Learner::Adopt(store::TaskId task, store::Seq watermark, learn::Settled settled,
                    Done<bool> done) {
  auto found = std::make_shared<learn::Settled>(std::move(settled));
  auto published = std::make_shared<bool>(false);
  Command command;
  command.alone = true;
  command.task_id = task;
  command.note = std::make_shared<AuditNote>(AuditNote{{"settler", {}}, "settle", {}});
  command.apply = [this, task, watermark, found, published,
                   note = command.note](Group& group) -> Status {
    CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(task));
    note->task = ledger->record.name;
    return AdoptSettled(group, *ledger, watermark, *found, *published);
  };
  command.finish = [published, done = std::move(done)](const Status& status) {
    if (!status.ok()) return done(status);
    done(*published);
  };
  Post(std::move(command));
}

}  // namespace ctt::service
