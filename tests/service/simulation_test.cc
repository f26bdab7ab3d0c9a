// Several replicas on one log, thousands of times, each time as one seed decides: calls that are
// refused, deaths at any call, lost and late news, answers that never come and are asked for again,
// purges and roll-backs between. What DESIGN promises must hold after each step:
//   - what is served is what the log says of that version, so replicas at one version are equal;
//   - a task that is left alone answers the same bits from beginning to end;
//   - what a replica acknowledged, it serves;
//   - committed rows name artefacts that are there;
// and whenever everything has come to rest:
//   - what was acknowledged is held, once, and nothing else is;
//   - every version is what its examples give when they are summed and solved afresh;
//   - all replicas show the same, and settled, what one learns that was told the set in another
//   order.
//
// CTT_SIMULATION_SEED=N runs one seed and tells its story.
#include <algorithm>
#include <deque>
#include <iostream>
#include <optional>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/service/simulated_replica.h"
#include "text/ngrams.h"

namespace ctt::service {
namespace {

namespace fs = std::filesystem;

constexpr int kReplicas = 3;
constexpr int kClients = 4;  // The last one has a task of its own, which comes and goes.
constexpr char kBusy[] = "busy", kStill[] = "still", kPassing[] = "passing";
const char* const kLabels[] = {"a", "b", "c"};

fs::path Parent() {  // In memory where there is such a place: it is not the disk that is tested.
  return ::access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path();
}

// What a client wants, until some replica says that it is so.
struct Wish {
  enum class Kind { kLearn, kLearnOnce, kUnlearn, kMove, kDelete };
  Kind kind = Kind::kLearn;
  std::vector<EncodedRow> rows;  // kLearn: with ids. kLearnOnce: without, under `key`.
  std::string key, to;
  std::vector<std::string> names;  // kUnlearn, kMove: what rows are called below.
  int under_way = 0, attempts = 0;
  bool granted = false;
};

struct HeldRow {
  std::string id, label;
  std::vector<std::int8_t> phi;
};

struct Client {
  int number = 0;
  std::string task;
  std::map<std::string, HeldRow> held;  // By the name in its text.
  std::shared_ptr<Wish> wish;
  int rows = 0, keys = 0;
};

struct TakenSnapshot {
  int replica = 0, life = 0;
  Learner::Snapshot snapshot;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, const fs::path& folder) : world_(seed, folder) {
    for (int i = 0; i < kReplicas; ++i) replicas_.emplace_back(world_, i);
    for (int i = 0; i < kClients; ++i)
      clients_.push_back({i, i + 1 < kClients ? kBusy : kPassing, {}, nullptr, 0, 0});
  }

  // Empty, or the first promise that was broken.
  const std::string& Run() {
    world_.odds.pause_every = 1 + world_.Draw(8);
    for (Replica& replica : replicas_) Start(replica);
    LearnStill();
    const std::uint64_t refuse = world_.Draw(3) * 4, die = world_.Draw(3) * 2;
    for (int round = 0; round < 3 && world_.broken().empty(); ++round) {
      world_.odds.refuse = refuse;
      world_.odds.die = die;
      for (int step = 0; step < 60 && world_.broken().empty(); ++step) {
        Step();
        LookAtCatalogs();
      }
      ComeToRest();
      if (world_.broken().empty()) CheckAtRest();
    }
    if (world_.broken().empty()) CheckSettled();
    return world_.broken();
  }
  const std::string& history() const { return world_.history(); }

 private:
  void Say(const std::string& what) { world_.Say(what); }
  Replica* AnyServing() {
    std::vector<Replica*> serving;
    for (Replica& replica : replicas_)
      if (replica.serving()) serving.push_back(&replica);
    return serving.empty() ? nullptr : serving[world_.Draw(serving.size())];
  }
  void Start(Replica& replica) {
    Say("start " + std::to_string(replica.number()));
    replica.Start();
  }
  void Kill(Replica& replica) {
    Say("kill " + std::to_string(replica.number()));
    replica.Kill();
  }
  // Whoever died in a call, or did not get to serve, is gone.
  void Bury() {
    for (Replica& replica : replicas_)
      if (replica.started() && replica.dead() && replica.idle()) replica.End();
  }
  bool ResumeOne() {
    std::vector<Replica*> ready;
    for (Replica& replica : replicas_)
      if (replica.started() && world_.MayResume(replica.process())) ready.push_back(&replica);
    if (ready.empty()) return false;
    world_.Resume(ready[world_.Draw(ready.size())]->process());
    return true;
  }
  void RunOut() {
    const auto busy = [&] {
      return std::any_of(replicas_.begin(), replicas_.end(), [](const Replica& replica) {
        return replica.started() && !replica.idle();
      });
    };
    while (busy() && world_.broken().empty())
      if (!ResumeOne()) world_.Break("nobody can go on: a deadlock");
    if (!world_.broken().empty()) return;
    Bury();
  }

  // A task that nothing is done to afterwards.
  void LearnStill() {
    RunOut();
    std::vector<EncodedRow> rows;
    for (int i = 0; i < 6; ++i)
      rows.push_back(MakeRow("still" + std::to_string(i), kLabels[i % 2]));
    Replica& replica = replicas_.front();
    replica.Ask<LearnAnswer>(
        [&](Done<LearnAnswer> done) { replica.learner().Learn(kStill, rows, {}, std::move(done)); },
        [&](const Result<LearnAnswer>& answer) { CTT_CHECK(answer.ok()); });
    RunOut();
    still_digest_ = ToHex((*replica.catalog().Find(kStill))->head->ContentDigest());
    for (Replica& each : replicas_) each.Follow();
    RunOut();
  }

  void Step() {
    world_.clock.now_us += static_cast<std::int64_t>(world_.Draw(2'000'000));
    const std::uint64_t draw = world_.Draw(100);
    if (draw < 52) {
      if (!ResumeOne()) ActOf(clients_[world_.Draw(kClients)]);
    } else if (draw < 80) {
      ActOf(clients_[world_.Draw(kClients)]);
    } else if (draw < 88) {
      Replica* replica = AnyServing();
      if (replica != nullptr && replica->idle()) replica->Follow();
    } else if (draw < 93) {
      Settle();
    } else if (draw < 97) {
      MoveAlias();
    } else if (draw < 98) {
      if (world_.odds.die > 0)
        if (Replica* replica = AnyServing()) Kill(*replica);
    } else if (draw < 99) {
      Purge();
    }
    Bury();
    for (Replica& replica : replicas_)
      if (!replica.started() && world_.Draw(8) == 0) Start(replica);
  }

  // --- Clients: each has one wish at a time, on rows that no other one touches. ---

  void ActOf(Client& client) {
    if (client.wish != nullptr && client.wish->granted) client.wish = nullptr;
    if (client.wish == nullptr) client.wish = NewWish(client);
    const bool impatient = client.wish->kind == Wish::Kind::kLearnOnce && world_.Draw(4) == 0;
    if (client.wish->under_way > 0 && !impatient) return;
    if (Replica* replica = AnyServing()) Send(client, *replica);
  }

  std::shared_ptr<Wish> NewWish(Client& client) {
    auto wish = std::make_shared<Wish>();
    const std::uint64_t draw = world_.Draw(10);
    if (client.held.size() < 4 || draw < 5) {
      wish->kind = world_.Draw(2) == 0 ? Wish::Kind::kLearn : Wish::Kind::kLearnOnce;
      MakeRows(client, *wish);
    } else if (client.task == kPassing && draw < 7) {
      wish->kind = Wish::Kind::kDelete;
    } else {
      wish->kind = draw < 8 ? Wish::Kind::kUnlearn : Wish::Kind::kMove;
      auto row = std::next(client.held.begin(),
                           static_cast<std::ptrdiff_t>(world_.Draw(client.held.size())));
      wish->names.push_back(row->first);
      if (wish->kind == Wish::Kind::kUnlearn && ++row != client.held.end())
        wish->names.push_back(row->first);
      if (wish->kind == Wish::Kind::kMove) {
        const std::string& now = client.held.at(wish->names.front()).label;
        wish->to = kLabels[(now.front() - 'a' + 1 + world_.Draw(2)) % 3];
      }
    }
    return wish;
  }

  void MakeRows(Client& client, Wish& wish) {
    const std::uint64_t count = 1 + world_.Draw(4);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string name = std::to_string(client.number) + "." + std::to_string(++client.rows);
      wish.rows.push_back(MakeRow(name, kLabels[world_.Draw(3)]));
      wish.names.push_back(wish.rows.back().row.text);
      if (wish.kind == Wish::Kind::kLearnOnce) wish.rows.back().row.id.clear();
    }
    if (wish.kind == Wish::Kind::kLearnOnce)
      wish.key = std::to_string(client.number) + "#" + std::to_string(++client.keys);
  }

  void Send(Client& client, Replica& replica) {
    Wish& wish = *client.wish;
    ++wish.attempts;
    ++wish.under_way;
    Say("client " + std::to_string(client.number) + " asks " + std::to_string(replica.number()) +
        ": " + std::to_string(static_cast<int>(wish.kind)) + " " +
        (wish.names.empty() ? client.task : wish.names.front()));
    switch (wish.kind) {
      case Wish::Kind::kLearn:
      case Wish::Kind::kLearnOnce:
        return SendLearn(client, replica);
      case Wish::Kind::kUnlearn:
        return replica.Ask<UnlearnAnswer>(
            [&](Done<UnlearnAnswer> done) {
              replica.learner().Unlearn(client.task, IdsOf(client, wish), std::move(done));
            },
            [this, &client, &replica, held = client.wish](const Result<UnlearnAnswer>& answer) {
              if (answer.ok()) ReadYourWrite(replica, client.task, answer->head_version);
              Hear(client, *held, answer.status());
            });
      case Wish::Kind::kMove:
        return SendMove(client, replica);
      case Wish::Kind::kDelete:
        return replica.Ask<bool>(
            [&](Done<bool> done) { replica.learner().DeleteTask(client.task, std::move(done)); },
            [this, &client, held = client.wish](const Result<bool>& done) {
              Hear(client, *held, done.status());
            });
    }
  }

  void SendLearn(Client& client, Replica& replica) {
    LearnOptions options;
    options.idempotency_key = client.wish->key;
    replica.Ask<LearnAnswer>(
        [&](Done<LearnAnswer> done) {
          replica.learner().Learn(client.task, client.wish->rows, options, std::move(done));
        },
        [this, &client, &replica, wish = client.wish](const Result<LearnAnswer>& answer) {
          if (answer.ok()) {
            ReadYourWrite(replica, client.task, wish->attempts == 1 ? answer->head_version : 0);
            for (std::size_t i = 0; i < wish->rows.size() && !wish->granted; ++i)
              client.held[wish->names[i]] = {answer->ids[i], wish->rows[i].row.label,
                                             wish->rows[i].phi};
          }
          Hear(client, *wish, answer.status());
        });
  }

  void SendMove(Client& client, Replica& replica) {
    const HeldRow& row = client.held.at(client.wish->names.front());
    LabelEdit edit;
    edit.kind = LabelEdit::Kind::kSplit;
    edit.label = row.label;
    edit.to = client.wish->to;
    edit.ids = {row.id};
    replica.Ask<bool>(
        [&](Done<bool> done) { replica.learner().EditLabels(client.task, edit, std::move(done)); },
        [this, &client, wish = client.wish](const Result<bool>& done) {
          Hear(client, *wish, done.status());
        });
  }

  std::vector<std::string> IdsOf(const Client& client, const Wish& wish) const {
    std::vector<std::string> ids;
    for (const std::string& name : wish.names) ids.push_back(client.held.at(name).id);
    return ids;
  }

  // Refused means perhaps. What is not found when it is asked for again was granted the first time.
  void Hear(Client& client, Wish& wish, const Status& status) {
    --wish.under_way;
    const bool again = wish.attempts > 1 && status.code() == Code::kNotFound;
    Say("client " + std::to_string(client.number) + " hears " + status.ToString());
    if (!status.ok() && status.code() != Code::kUnavailable && !again)
      world_.Break("a wish is denied: " + status.ToString());
    if ((!status.ok() && !again) || wish.granted) return;
    wish.granted = true;
    if (wish.kind == Wish::Kind::kUnlearn)
      for (const std::string& name : wish.names) client.held.erase(name);
    if (wish.kind == Wish::Kind::kMove) client.held.at(wish.names.front()).label = wish.to;
    if (wish.kind == Wish::Kind::kDelete) client.held.clear();
  }

  void ReadYourWrite(Replica& replica, const std::string& task, std::int64_t version) {
    const auto served = replica.catalog().Find(task);
    if (version > 0 && served.ok() && (*served)->last_version < version)
      world_.Break("an answer names a version that its replica does not know");
  }

  // --- What happens beside the clients. ---

  void Settle() {
    if (!snapshots_.empty() && world_.Draw(2) == 0) return Adopt();
    Replica* replica = AnyServing();
    if (replica == nullptr) return;
    const auto tasks = replica->catalog().List();
    const auto& task = tasks[world_.Draw(tasks.size())];
    if (task->name == kStill) return;
    Say("settle " + task->name + " on " + std::to_string(replica->number()));
    replica->Ask<Learner::Snapshot>(
        [&](Done<Learner::Snapshot> done) {
          replica->learner().TakeSnapshot(task->id, std::move(done));
        },
        [this, number = replica->number(),
         life = replica->life()](const Result<Learner::Snapshot>& snapshot) {
          if (snapshot.ok() && snapshot->statistics != nullptr)
            snapshots_.push_back({number, life, *snapshot});
        });
  }

  // What a settler does between its two commands, however late it is.
  void Adopt() {
    const TakenSnapshot taken = snapshots_.front();
    snapshots_.pop_front();
    Replica& replica = replicas_[static_cast<std::size_t>(taken.replica)];
    if (!replica.serving() || replica.life() != taken.life) return;
    const Learner::Snapshot& snapshot = taken.snapshot;
    const auto rows = RowsAt(world_.log(), snapshot.id, snapshot.watermark);
    // The task is gone, or a row of it was purged.
    if (!rows.ok() || static_cast<std::int64_t>(rows->phi.size()) !=
                          kTestDim * snapshot.statistics->example_count())
      return;
    Result<learn::Settled> settled = learn::Settle(*snapshot.statistics, *rows, {}, nullptr);
    if (!settled.ok()) return world_.Break("settling: " + settled.status().ToString());
    Say("adopt on " + std::to_string(replica.number()));
    replica.Ask<bool>(
        [&](Done<bool> done) {
          replica.learner().Adopt(snapshot.id, snapshot.watermark, *std::move(settled),
                                  std::move(done));
        },
        [](const Result<bool>&) {});
  }

  void MoveAlias() {
    Replica* replica = AnyServing();
    if (replica == nullptr) return;
    AliasChange change;
    change.version_alias = "previous";
    if (world_.Draw(2) == 0) {
      change.alias = "canary";
      change.share = 0.5;
      change.version_alias = "live";
    }
    Say("move " + change.alias + " on " + std::to_string(replica->number()));
    replica->Ask<bool>(
        [&](Done<bool> done) { replica->learner().SetAlias(kBusy, change, std::move(done)); },
        [](const Result<bool>&) {});
  }

  void Purge() {
    Replica* replica = AnyServing();
    if (replica == nullptr) return;
    Say("purge on " + std::to_string(replica->number()));
    replica->Ask<PurgeAnswer>(
        [&](Done<PurgeAnswer> done) { replica->learner().Purge(kBusy, std::move(done)); },
        [](const Result<PurgeAnswer>&) {});
  }

  // --- Promises. ---

  // Of every entry that is new in a catalog.
  void LookAtCatalogs() {
    for (Replica& replica : replicas_) {
      if (!replica.serving()) continue;
      for (const auto& task : replica.catalog().List()) {
        auto& shown = replica.shown()[task->name];
        if (shown == task) continue;
        shown = task;
        LookAt(*task);
      }
    }
  }

  void LookAt(const ServedTask& task) {
    if (task.name == kStill && (task.version != 1 || task.head_digest != still_digest_))
      world_.Break("the task that was left alone answers otherwise");
    if (task.version > 0) LookAt(task, {task.version, task.head, task.rates});
    if (task.canary.number > 0) LookAt(task, task.canary);
  }

  void LookAt(const ServedTask& task, const ServedVersion& served) {
    const auto version = world_.log().FindVersion(task.id, served.number);
    if (!version.ok() || !*version) {
      // A deleted task may be served until its replica hears of it.
      if (task.name != kPassing) world_.Break("a version is served that the log does not have");
      return;
    }
    const std::string digest = served.head == nullptr ? "" : ToHex(served.head->ContentDigest());
    if (digest != (*version)->head_digest)
      world_.Break("version " + std::to_string(served.number) + " of " + task.name +
                   " is served with another head than the log says");
  }

  // No faults any more; every wish is granted, every replica has caught up.
  void ComeToRest() {
    Say("come to rest");
    world_.odds.refuse = world_.odds.die = 0;
    RunOut();
    for (Replica& replica : replicas_)
      if (!replica.started()) Start(replica);
    RunOut();
    for (Client& client : clients_) {
      if (client.wish == nullptr || client.wish->granted || !world_.broken().empty()) continue;
      Send(client, *AnyServing());
      RunOut();
      if (!client.wish->granted) world_.Break("without faults, a wish is not granted");
    }
    for (Replica& replica : replicas_)
      if (world_.broken().empty()) replica.Follow();
    RunOut();
    LookAtCatalogs();
    if (world_.Draw(3) != 0) return;
    world_.clock.now_us += store::kIdempotentKeptMicros + 1;  // Keys are free again.
    for (Client& client : clients_) client.keys = 0;
  }

  void CheckAtRest() {
    const std::vector<store::TaskMark> marks = *world_.log().Marks();
    std::map<std::string, store::TaskMark> by_name;
    for (const store::TaskMark& mark : marks) by_name[mark.task.name] = mark;
    CheckHeld(by_name);
    telemetry::Log silent{telemetry::LogLevel::kOff};
    Process nobody;  // The odds are zero by now; no call pauses.
    SimulatedArtifacts artifacts(world_, nobody);
    world_.odds.pause_every = std::uint64_t{1} << 62;
    for (const auto& [name, mark] : by_name) {
      CheckVersions({world_.log(), artifacts, silent}, mark);
      CheckReplicas(mark);
    }
    world_.odds.pause_every = 1 + world_.Draw(8);
    for (Replica& replica : replicas_)
      if (replica.catalog().size() != static_cast<std::int64_t>(marks.size()))
        world_.Break("a catalog has other tasks than the log");
  }

  void CheckHeld(const std::map<std::string, store::TaskMark>& marks) {
    std::map<std::string, std::map<std::string, HeldRow>> wanted;
    for (const Client& client : clients_)
      wanted[client.task].insert(client.held.begin(), client.held.end());
    for (auto& [task, rows] : wanted) {
      const auto mark = marks.find(task);
      if (mark == marks.end()) {
        if (!rows.empty()) world_.Break("a task that was acknowledged is lost");
        continue;
      }
      const LabelNames names = *NamesNow(world_.log(), mark->second.task.id);
      const store::ExamplePage page = *world_.log().PageExamples(mark->second.task.id, 0, 10'000);
      for (const store::Example& example : page.examples) {
        const auto row = rows.find(example.text.value_or(""));
        if (row == rows.end()) {
          world_.Break("held twice, or never acknowledged: " + example.text.value_or("?"));
        } else if (row->second.label != names.at(example.label) || row->second.id != example.id) {
          world_.Break("held with another label or id: " + *example.text);
        } else {
          rows.erase(row);
        }
      }
      if (!rows.empty()) world_.Break("acknowledged but lost: " + rows.begin()->first);
    }
  }

  void CheckVersions(const Stores& stores, const store::TaskMark& mark) {
    const store::TaskId task = mark.task.id;
    const auto versions = world_.log().Versions(task);
    for (const store::Version& version : versions.value()) {
      if (version.examples == 0) continue;
      const auto settings = learn::ParseSettings(version.settings);
      const auto sums = StatisticsOfLog(stores, task, version.watermark, kTestDim,
                                        learn::TaskKindOf(settings->kind));
      if (sums.status().reason() == "version_purged") continue;
      const auto head =
          sums.ok() ? SolveAgain(stores, task, version, *sums) : Result<learn::Head>(sums.status());
      if (!head.ok() || ToHex(head->ContentDigest()) != version.head_digest)
        world_.Break("version " + std::to_string(version.number) + " of " + mark.task.name +
                     " is not what its examples give: " + head.status().ToString());
    }
    const auto checkpoint = *world_.log().LatestCheckpoint(task);
    if (!checkpoint) return;
    const auto parsed = learn::Statistics::Parse(world_.artifacts[checkpoint->digest]);
    const auto sums =
        StatisticsOfLog(stores, task, checkpoint->watermark, kTestDim, learn::TaskKind::kSingle);
    if (sums.status().reason() == "version_purged") return;
    if (!parsed.ok() || !sums.ok() || parsed->ContentDigest() != sums->ContentDigest())
      world_.Break("the checkpoint of " + mark.task.name + " is not what the log gives");
  }

  void CheckReplicas(const store::TaskMark& mark) {
    const auto alias = [&](const char* name) {
      const auto found = mark.aliases.find(name);
      return found == mark.aliases.end() ? 0 : found->second;
    };
    const std::int64_t living = *world_.log().CountLiving(mark.task.id);
    for (Replica& replica : replicas_) {
      const auto found = replica.catalog().Find(mark.task.name);
      const auto expect = [&](bool right, const char* what) {
        if (right) return;
        world_.Break("replica " + std::to_string(replica.number()) + " does not catch up with " +
                     mark.task.name + ": " + what);
      };
      expect(found.ok(), "it is not there");
      if (!found.ok()) continue;
      const ServedTask& served = **found;
      expect(served.id == mark.task.id, "its id");
      expect(served.watermark == mark.last_seq, "its watermark");
      expect(served.last_version == mark.last_version, "its last version");
      expect(served.version == (living > 0 ? alias("live") : 0) || served.version == alias("live"),
             "its live version");
      expect(served.previous == alias("previous"), "the version before");
      expect(served.canary.number == alias("canary"), "its canary");
      expect(served.examples == living, "how many examples it has");
    }
  }

  // In the end the task is settled, and is what one replica settles that learns the set at once.
  void CheckSettled() {
    const auto busy = *world_.log().Mark(kBusy);
    if (!busy || *world_.log().CountLiving(busy->task.id) == 0) return;
    snapshots_.clear();
    Replica& replica = replicas_[world_.Draw(kReplicas)];
    replica.Ask<Learner::Snapshot>(
        [&](Done<Learner::Snapshot> done) {
          replica.learner().TakeSnapshot(busy->task.id, std::move(done));
        },
        [&](const Result<Learner::Snapshot>& snapshot) {
          if (snapshot.ok() && snapshot->statistics != nullptr)
            snapshots_.push_back({replica.number(), replica.life(), *snapshot});
        });
    RunOut();
    if (!snapshots_.empty()) Adopt();
    RunOut();
    const auto number = *world_.log().Alias(busy->task.id, kSettledAlias);
    const auto version = *world_.log().FindVersion(busy->task.id, number.value_or(0));
    if (!version || version->head_digest != SettledAfresh())
      world_.Break("settled, it is not what a fresh learner makes of the same set");
  }

  std::string SettledAfresh() {
    std::vector<std::pair<std::string, HeldRow>> set;
    for (const Client& client : clients_)
      if (client.task == kBusy) set.insert(set.end(), client.held.begin(), client.held.end());
    for (std::size_t i = set.size(); i > 1; --i) std::swap(set[i - 1], set[world_.Draw(i)]);
    learn::Statistics sums(kTestDim, learn::TaskKind::kSingle);
    learn::Rows rows;
    rows.labels = {"c", "a", "b"};
    for (const auto& [text, row] : set) {
      CTT_CHECK(sums.Add(row.phi, std::vector{row.label}).ok());
      rows.label_index.push_back(row.label == "c" ? 0 : row.label == "a" ? 1 : 2);
      rows.phi.insert(rows.phi.end(), row.phi.begin(), row.phi.end());
      rows.ngrams.push_back(text::HashedNGrams(text));
    }
    const auto settled = learn::Settle(sums, rows, {}, nullptr);
    CTT_CHECK(settled.ok());
    return ToHex(settled->head.ContentDigest());
  }

  World world_;
  std::deque<Replica> replicas_;
  std::vector<Client> clients_;
  std::deque<TakenSnapshot> snapshots_;
  std::string still_digest_;
};

class Folder {
 public:
  Folder() : path_((Parent() / "ctt_simulation_XXXXXX").string()) {
    CTT_CHECK(::mkdtemp(path_.data()));
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path path() const { return path_; }

 private:
  std::string path_;
};

// The story of a seed, and what it broke.
std::pair<std::string, std::string> Play(std::uint64_t seed) {
  const Folder folder;
  Simulation simulation(seed, folder.path());
  const std::string broken = simulation.Run();
  return {simulation.history(), broken};
}

constexpr std::uint64_t kSeedsOfAShard = 125;

class SimulationTest : public testing::TestWithParam<int> {};

TEST_P(SimulationTest, PromisesHold) {
  const std::uint64_t first = static_cast<std::uint64_t>(GetParam()) * kSeedsOfAShard;
  for (std::uint64_t seed = first; seed < first + kSeedsOfAShard; ++seed) {
    const auto [history, broken] = Play(seed);
    ASSERT_EQ(broken, "") << "seed " << seed << "; its story: CTT_SIMULATION_SEED=" << seed
                          << " test_service --gtest_filter=Simulation.OneSeed";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulationTest, testing::Range(0, 16));

TEST(Simulation, ASeedAlwaysTellsTheSameStory) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) EXPECT_EQ(Play(seed).first, Play(seed).first);
}

TEST(Simulation, OneSeed) {
  const char* seed = std::getenv("CTT_SIMULATION_SEED");
  if (seed == nullptr) GTEST_SKIP() << "for CTT_SIMULATION_SEED=N";
  const auto [history, broken] = Play(std::stoull(seed));
  std::cout << history;
  EXPECT_EQ(broken, "");
}

}  // namespace
}  // namespace ctt::service
