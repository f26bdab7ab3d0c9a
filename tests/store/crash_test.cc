// kill -9 at random instants: every commit that was acknowledged is there afterwards, none by half.
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/data_directory.h"
#include "store/directory/directory_artifact_store.h"
#include "tests/store/store_home.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;
constexpr char kTask[] = "t";

// One transaction of 1 to 9 rows. Each row's source tells the first and last seq of its
// transaction, so that a half one shows. Now and then the oldest living row is unlearned, or an
// artefact and its checkpoint are written. Answers the last seq once it is durable.
Result<Seq> WriteOne(DataDirectory& directory, std::mt19937_64& random) {
  CTT_ASSIGN_OR_RETURN(const std::vector<Task> tasks, directory.store().Tasks());
  CTT_ASSIGN_OR_RETURN(std::unique_ptr<Transaction> transaction, directory.store().Begin());
  TaskId task = tasks.empty() ? 0 : tasks[0].id;
  if (tasks.empty()) {
    CTT_ASSIGN_OR_RETURN(const Task made, transaction->CreateTask(kTask, "{}", 1));
    task = made.id;
  }
  CTT_ASSIGN_OR_RETURN(const LabelId label, transaction->InternLabel(task, "l"));
  CTT_ASSIGN_OR_RETURN(Seq last, transaction->LastSeq(task));
  const auto count = static_cast<Seq>(1 + random() % 9);
  const std::string source = std::to_string(last + 1) + "-" + std::to_string(last + count);
  std::vector<Example> rows;
  for (Seq i = 0; i < count; ++i) {
    ++last;
    rows.push_back(Row(last, label, std::to_string(last)));
    rows.back().source = source;
  }
  CTT_RETURN_IF_ERROR(transaction->AppendExamples(task, rows));
  CTT_ASSIGN_OR_RETURN(const ExamplePage oldest, directory.store().PageExamples(task, 0, 1));
  if (random() % 4 == 0 && !oldest.examples.empty()) {
    const std::vector<Seq> seqs = {oldest.examples[0].seq};
    CTT_RETURN_IF_ERROR(transaction->MarkUnlearned(task, seqs, ++last));
  }
  if (random() % 8 == 0) {
    CTT_ASSIGN_OR_RETURN(const Digest digest,
                         directory.artifacts().Put(std::string(3'000, 'x') + std::to_string(last)));
    CTT_RETURN_IF_ERROR(transaction->PutCheckpoint(task, {last, ToHex(digest)}));
  }
  CTT_RETURN_IF_ERROR(transaction->Commit());
  return last;
}

// The child: writes until it is killed, telling each acknowledged seq through the pipe.
[[noreturn]] void WriteUntilKilled(const fs::path& folder, int pipe, std::uint64_t seed) {
  Result<DataDirectory> directory = DataDirectory::Open(folder);
  if (!directory.ok()) ::_exit(1);
  std::mt19937_64 random(seed);
  for (;;) {
    const Result<Seq> last = WriteOne(*directory, random);
    if (!last.ok()) ::_exit(2);
    if (::write(pipe, &*last, sizeof(Seq)) != sizeof(Seq)) ::_exit(3);
  }
}

// Runs a child for `lifetime` and answers the last seq that it acknowledged (0: none).
Seq KillAfter(const fs::path& folder, std::chrono::microseconds lifetime, std::uint64_t seed) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) WriteUntilKilled(folder, ends[1], seed);
  ::close(ends[1]);
  std::this_thread::sleep_for(lifetime);
  ::kill(child, SIGKILL);
  Seq acknowledged = 0;
  for (Seq seq = 0; ::read(ends[0], &seq, sizeof seq) == sizeof seq;) acknowledged = seq;
  ::close(ends[0]);
  int how = 0;
  ::waitpid(child, &how, 0);
  EXPECT_TRUE(WIFSIGNALED(how)) << "the child ended by itself: " << WEXITSTATUS(how);
  return acknowledged;
}

// Reads the living rows: right content, and the last transaction whole (only rows of earlier ones
// are unlearned). Verify sees to the rest, gaps among it. Answers the last seq.
Seq CheckLog(DataDirectory& directory) {
  Store& store = directory.store();
  EXPECT_OK(store.Verify());
  const std::vector<Task> tasks = Value(store.Tasks());
  if (tasks.empty()) return 0;
  const TaskId task = tasks[0].id;
  Seq rows = 0;
  Seq last_first = 0;  // Of the last transaction: first seq, last seq, rows found.
  Seq last_end = 0;
  Seq last_rows = 0;
  const auto visit = [&](const Example& row) {
    ++rows;
    const Seq first = std::atoll(row.source.c_str());
    const Seq end = std::atoll(row.source.c_str() + row.source.find('-') + 1);
    EXPECT_GE(row.seq, first);
    EXPECT_LE(row.seq, end);
    EXPECT_EQ(row.phi, Phi(row.seq));
    EXPECT_EQ(row.id, std::to_string(row.seq));
    last_rows = first == last_first ? last_rows + 1 : 1;
    last_first = first;
    last_end = end;
    return Status::Ok();
  };
  const Seq last = Value(store.LastSeq(task));
  EXPECT_OK(store.ScanAt(task, last, visit));
  EXPECT_EQ(rows, Value(store.CountLiving(task)));
  EXPECT_EQ(last_rows, last_end - last_first + 1) << "the last transaction is there by half";
  EXPECT_TRUE(last == last_end || last == last_end + 1) << "it may have unlearned a row";
  if (const std::optional<Checkpoint> checkpoint = Value(store.LatestCheckpoint(task))) {
    Digest digest;
    EXPECT_TRUE(FromHex(checkpoint->digest, digest));
    EXPECT_OK(directory.artifacts().Get(digest).status());
  }
  return last;
}

TEST(CrashTest, AKilledProcessLosesNothingThatItAcknowledged) {
  const TemporaryFolder folder;
  std::mt19937_64 random(11);
  Seq acknowledged = 0;
  int without_work = 0;
  for (int kill = 0; kill < 100 && !testing::Test::HasFailure(); ++kill) {
    SCOPED_TRACE("kill " + std::to_string(kill));
    const Seq last =
        KillAfter(folder.path(), std::chrono::microseconds(random() % 60'000), random());
    without_work += last == 0;
    acknowledged = std::max(acknowledged, last);
    Result<DataDirectory> directory = DataDirectory::Open(folder.path());
    ASSERT_OK(directory.status());
    EXPECT_GE(CheckLog(*directory), acknowledged);
  }
  EXPECT_LT(without_work, 60) << "most children should get to write";
  EXPECT_GT(acknowledged, 200);
}

}  // namespace
}  // namespace ctt::store
