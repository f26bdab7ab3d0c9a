#include <deque>

#include <gtest/gtest.h>

#include "base/json.h"
#include "http/answer_spool.h"
#include "http/example_reader.h"
#include "http/learn_stream.h"

namespace ctt::http {
namespace {

using service::LearnAnswer;
using service::LearnRow;

// "line:text|label|id|source" or "line!reason", one a row.
std::string Show(const std::vector<ReadRow>& rows) {
  std::string shown;
  for (const ReadRow& read : rows) {
    shown += std::to_string(read.line);
    if (read.row.ok()) {
      shown += ":" + read.row->text + "|" + read.row->label + "|" + read.row->id + "|" +
               read.row->source;
    } else {
      shown += "!" + std::string(read.row.status().reason());
    }
    shown += ";";
  }
  return shown;
}

std::string ReadAll(std::unique_ptr<ExampleReader> reader, std::string_view body,
                    std::size_t piece) {
  std::vector<ReadRow> rows;
  Status status;
  for (; status.ok() && !body.empty(); body.remove_prefix(std::min(piece, body.size())))
    status = reader->Feed(body.substr(0, piece), rows);
  if (status.ok()) status = reader->End(rows);
  return Show(rows) + (status.ok() ? "" : std::string(status.reason()));
}

struct ReaderCase {
  const char* why;
  std::string body;
  const char* rows;
};

TEST(ExampleReaderTest, NdjsonInPiecesOfAnySize) {
  const ReaderCase cases[] = {
      {"two rows",
       "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"b\",\"label\":\"y\",\"id\":\"1\",\"source\":"
       "\"s\"}\n",
       "1:a|x||;2:b|y|1|s;"},
      {"last line end may lack", "{\"text\":\"a\",\"label\":\"x\"}", "1:a|x||;"},
      {"CRLF and blank lines", "\r\n \n{\"text\":\"a\",\"label\":\"x\"}\r\n\n", "3:a|x||;"},
      {"bad rows between", "{\n{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"a\"}\n",
       "1!invalid_json;2:a|x||;3!missing_field;"},
      {"too long, and on",
       "{\"text\":\"" + std::string(100, 'a') + "\"}\n{\"text\":\"a\",\"label\":\"x\"}\n",
       "1!row_too_long;2:a|x||;"},
      {"nothing", "", ""},
  };
  for (const ReaderCase& row : cases)
    for (const std::size_t piece : {1, 2, 7, 1000})
      EXPECT_EQ(ReadAll(ExampleReader::Ndjson(64), row.body, piece), row.rows)
          << row.why << " by " << piece;
}

TEST(ExampleReaderTest, CsvInPiecesOfAnySize) {
  const ReaderCase cases[] = {
      {"plain", "text,label\na,x\nb,y\n", "2:a|x||;3:b|y||;"},
      {"columns in any order, others passed over", "n,label,id,text,source\n1,x,i,a,s\n",
       "2:a|x|i|s;"},
      {"CRLF, no end, byte order mark", "\xEF\xBB\xBFtext,label\r\na,x\r\nb,y", "2:a|x||;3:b|y||;"},
      {"quotes", "text,label\n\"a, \"\"b\"\"\nc\",\"x\"\nd,y\n", "2:a, \"b\"\nc|x||;4:d|y||;"},
      {"quoted CRLF stays", "text,label\r\n\"a\r\nb\",x\r\n", "2:a\r\nb|x||;"},
      {"empty fields", "text,label,id\n,,\n", "2:|||;"},
      {"quoted empty", "text,label\n\"\",\"\"\n", "2:|||;"},
      {"blank lines", "text,label\n\n\r\na,x\n\n", "4:a|x||;"},
      {"quote inside a plain field", "text,label\na\"b,x\n", "2:a\"b|x||;"},
      {"carriage return inside a field", "text,label\na\rb,x\n", "2:a\rb|x||;"},
      {"field count", "text,label\na\na,x,y\nb,y\n",
       "2!wrong_column_count;3!wrong_column_count;4:b|y||;"},
      {"after a closing quote", "text,label\n\"a\"b,x\nb,y\n", "2!bad_csv;3:b|y||;"},
      {"a quote that does not end", "text,label\nb,y\n\"a,x\n", "2:b|y||;3!bad_csv;"},
      {"too long, then on at the next line", "text,label\n\"" + std::string(100, 'a') + "\nb,y\n",
       "2!row_too_long;3:b|y||;"},
      {"no text column", "txt,label\na,x\n", "missing_column"},
      {"no header", "", "missing_column"},
      {"header alone", "text,label", ""},
  };
  for (const ReaderCase& row : cases)
    for (const std::size_t piece : {1, 2, 7, 1000})
      EXPECT_EQ(ReadAll(ExampleReader::Csv(64), row.body, piece), row.rows)
          << row.why << " by " << piece;
}

TEST(AnswerSpoolTest, FirstInFirstOutThroughTheFile) {
  AnswerSpool spool;
  std::string wanted, got;
  // Far more than memory may hold. What is taken first is the memory's part, so that what comes
  // next must queue up behind the file.
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 60; ++i) {
      const std::string bytes(1000 + i, static_cast<char>('a' + (round + i) % 26));
      spool.Append(bytes);
      wanted += bytes;
    }
    if (round % 25 == 24) got += spool.Take();
  }
  EXPECT_GT(wanted.size(), 2 * AnswerSpool::kMemoryBytesMax);
  while (!spool.empty()) got += spool.Take();
  EXPECT_TRUE(got == wanted);
  EXPECT_EQ(spool.Take(), "");
}

// Runs what is posted when told to.
class HandLoop final : public Loop {
 public:
  void Post(std::function<void()> work) override { posted_.push_back(std::move(work)); }
  void After(std::int64_t, std::function<void()> work) override { Post(std::move(work)); }
  void RunAll() {
    while (!posted_.empty()) {
      const auto work = std::move(posted_.front());
      posted_.pop_front();
      work();
    }
  }

 private:
  std::deque<std::function<void()>> posted_;
};

// A service that keeps its calls until the test answers them.
struct HandService {
  struct Call {
    std::vector<LearnRow> rows;
    service::Done<LearnAnswer> done;
  };
  std::deque<Call> calls;
  std::int64_t version = 0;
  std::string learned;  // Labels, in the order of their learning.
  std::int64_t examples = 0;

  void AnswerFirst() {
    Call call = std::move(calls.front());
    calls.pop_front();
    for (const LearnRow& row : call.rows)
      if (row.label == "refused")
        return call.done(Status(Code::kTooLarge, "too_many_labels", "no"));
    LearnAnswer answer;
    answer.head_version = ++version;
    for (const LearnRow& row : call.rows) {
      learned += row.label;
      answer.ids.push_back(row.id.empty() ? "made" : row.id);
      answer.states.push_back(row.label == "same" ? service::RowState::kUnchanged
                                                  : service::RowState::kLearned);
      answer.accepted += row.label == "same" ? 0 : 1;
    }
    examples += answer.accepted;
    answer.examples = examples;
    answer.classes = 2;
    call.done(std::move(answer));
  }
  void FailFirst(Status status) {
    Call call = std::move(calls.front());
    calls.pop_front();
    call.done(std::move(status));
  }
};

struct StreamHome {
  std::shared_ptr<HandLoop> loop = std::make_shared<HandLoop>();
  HandService service;
  std::shared_ptr<LearnStream> stream;

  explicit StreamHome(std::int32_t chunk_rows = 2, std::int32_t chunks_max = 2) {
    LearnVerbs verbs;
    verbs.check = [](const LearnRow& row) {
      return row.text.empty() ? Status(Code::kInvalidArgument, "empty_text", "the text is empty")
                              : Status::Ok();
    };
    verbs.learn = [this](std::vector<LearnRow> rows, service::Done<LearnAnswer> done) {
      service.calls.push_back({std::move(rows), std::move(done)});
    };
    verbs.describe = [] { return LearnAnswer{}; };
    stream = std::make_shared<LearnStream>(LearnStream::Options{"t", chunk_rows, chunks_max},
                                           ExampleReader::Csv(1000), std::move(verbs), loop, [] {});
    stream->Feed("text,label,id\n");
  }
  void AnswerAll() {
    while (!service.calls.empty()) {
      service.AnswerFirst();
      loop->RunAll();
    }
  }
  std::vector<std::size_t> Waiting() const {  // Rows of the calls that wait.
    std::vector<std::size_t> sizes;
    for (const auto& call : service.calls) sizes.push_back(call.rows.size());
    return sizes;
  }
  std::string Output() { return stream->output().Take(); }
};
using Sizes = std::vector<std::size_t>;

TEST(LearnStreamTest, ARowAloneWaitsForNothing) {
  StreamHome home(100);
  home.stream->Feed("a,x,1\n");
  EXPECT_EQ(home.Waiting(), Sizes{1});
  EXPECT_EQ(home.Output(), "");  // Not before the commit.
  home.AnswerAll();
  EXPECT_EQ(home.Output(), "{\"row\":2,\"id\":\"1\",\"state\":\"learned\",\"head_version\":1}\n");
  EXPECT_FALSE(home.stream->finished());
}

TEST(LearnStreamTest, RowsGatherWhileOneIsUnderWay) {
  StreamHome home(3, 2);
  home.stream->Feed("a,x,\n");
  home.stream->Feed("a,x,\nb,x,\n");
  EXPECT_EQ(home.Waiting(), Sizes{1});  // Two rows wait for more.
  home.stream->Feed("c,x,\nd,x,\n");
  EXPECT_EQ(home.Waiting(), (Sizes{1, 3}));
  home.stream->Feed("e,x,\nf,x,\ng,x,\n");
  EXPECT_EQ(home.Waiting(), (Sizes{1, 3}));  // chunks_max.
  home.service.AnswerFirst();
  home.loop->RunAll();
  EXPECT_EQ(home.Waiting(), (Sizes{3, 3}));
  home.stream->End();
  home.AnswerAll();
  EXPECT_TRUE(home.stream->finished());
}

TEST(LearnStreamTest, LinesComeInTheOrderOfTheRows) {
  StreamHome home(1, 2);
  home.stream->Feed("a,x,1\nb,y,2\n");
  ASSERT_EQ(home.Waiting(), (Sizes{1, 1}));
  std::swap(home.service.calls[0], home.service.calls[1]);
  home.service.AnswerFirst();
  home.loop->RunAll();
  EXPECT_EQ(home.Output(), "");
  home.stream->End();
  home.AnswerAll();
  EXPECT_EQ(
      home.Output(),
      "{\"row\":2,\"id\":\"1\",\"state\":\"learned\",\"head_version\":2}\n"
      "{\"row\":3,\"id\":\"2\",\"state\":\"learned\",\"head_version\":1}\n"
      "{\"task\":\"t\",\"accepted\":2,\"unchanged\":0,\"rejected\":0,\"examples\":2,\"classes\":2,"
      "\"head_version\":2}\n");
}

TEST(LearnStreamTest, BadRowsAreReportedAndTheOthersLearned) {
  StreamHome home(10);
  home.stream->Feed("a,x,1\n,y,\nbroken\nb,same,2\n");
  home.stream->End();
  home.AnswerAll();
  EXPECT_EQ(
      home.Output(),
      "{\"row\":2,\"id\":\"1\",\"state\":\"learned\",\"head_version\":1}\n"
      "{\"row\":3,\"error\":{\"code\":\"empty_text\",\"detail\":\"the text is empty\"}}\n"
      "{\"row\":4,\"error\":{\"code\":\"wrong_column_count\",\"detail\":\"the row has 1 fields, "
      "the header 3\"}}\n"
      "{\"row\":5,\"id\":\"2\",\"state\":\"unchanged\",\"head_version\":1}\n"
      "{\"task\":\"t\",\"accepted\":1,\"unchanged\":1,\"rejected\":2,\"examples\":1,\"classes\":2,"
      "\"head_version\":1}\n");
}

TEST(LearnStreamTest, WhatTheServiceRefusesIsFoundByHalves) {
  StreamHome home(8);
  home.stream->Feed("a,1,\nb,2,\nc,refused,\nd,4,\ne,5,\nf,6,\ng,7,\n");
  home.stream->End();
  home.AnswerAll();
  EXPECT_EQ(home.service.learned, "124567");
  const std::string output = home.Output();
  EXPECT_NE(output.find("{\"row\":4,\"error\":{\"code\":\"too_many_labels\""), std::string::npos);
  EXPECT_NE(output.find("\"accepted\":6,\"unchanged\":0,\"rejected\":1"), std::string::npos);
}

TEST(LearnStreamTest, ARowWaitsForTheOneWithItsId) {
  StreamHome home(4, 3);
  home.stream->Feed("a,x,1\nb,y,1\nc,z,2\n");
  EXPECT_EQ(home.Waiting(), Sizes{1});
  home.stream->End();
  EXPECT_EQ(home.Waiting(), Sizes{1});
  home.AnswerAll();
  EXPECT_EQ(home.service.learned, "xyz");
  EXPECT_TRUE(home.stream->finished());
}

TEST(LearnStreamTest, AFullQueueSlowsTheStreamDown) {
  StreamHome home;
  home.stream->Feed("a,x,\n");
  home.service.FailFirst({Code::kResourceExhausted, "queue_full", "full"});
  home.loop->RunAll();
  EXPECT_EQ(home.Waiting(), Sizes{1});
  home.stream->End();
  home.AnswerAll();
  EXPECT_NE(home.Output().find("\"accepted\":1"), std::string::npos);
}

TEST(LearnStreamTest, AStoppingServiceEndsTheStream) {
  StreamHome home(1, 1);
  home.stream->Feed("a,x,\nb,y,\nc,z,\n");
  home.service.FailFirst({Code::kUnavailable, "stopping", "stopping"});
  home.loop->RunAll();
  EXPECT_TRUE(home.stream->finished());
  EXPECT_TRUE(home.service.calls.empty());  // What was not begun is dropped.
  const std::string output = home.Output();
  EXPECT_NE(output.find("{\"row\":2,\"error\":{\"code\":\"stopping\""), std::string::npos);
  EXPECT_NE(output.find("\"head_version\":0,\"error\":{\"code\":\"stopping\""), std::string::npos);
  EXPECT_EQ(output.find("\"row\":3"), std::string::npos);
}

TEST(LearnStreamTest, WhatIsUnderWayIsAnsweredWhenTheBodyBreaksOff) {
  StreamHome home(1, 1);
  home.stream->Feed("a,x,1\nb,y,2\n");
  home.stream->Break({Code::kInvalidArgument, "broken_stream", "gone"});
  EXPECT_FALSE(home.stream->finished());
  home.AnswerAll();
  const std::string output = home.Output();
  EXPECT_EQ(home.service.learned, "x");
  EXPECT_NE(output.find("{\"row\":2,\"id\":\"1\""), std::string::npos);
  EXPECT_NE(output.find("\"error\":{\"code\":\"broken_stream\""), std::string::npos);
}

TEST(LearnStreamTest, AStreamRefusedAsAWholeWritesNothing) {
  StreamHome home;
  LearnVerbs verbs;
  verbs.check = [](const LearnRow&) { return Status::Ok(); };
  verbs.describe = [] { return LearnAnswer{}; };
  const auto stream = std::make_shared<LearnStream>(
      LearnStream::Options{"t", 2, 2}, ExampleReader::Csv(1000), verbs, home.loop, [] {});
  stream->Feed("txt,label\na,b\n");
  EXPECT_TRUE(stream->finished());
  ASSERT_TRUE(stream->refusal().has_value());
  EXPECT_EQ(stream->refusal()->reason(), "missing_column");
  EXPECT_TRUE(stream->output().empty());
}

TEST(LearnStreamTest, AnEmptyStreamHasASummary) {
  StreamHome home;
  home.stream->End();
  EXPECT_EQ(
      home.Output(),
      "{\"task\":\"t\",\"accepted\":0,\"unchanged\":0,\"rejected\":0,\"examples\":0,\"classes\":0,"
      "\"head_version\":0}\n");
  EXPECT_TRUE(home.stream->finished());
}

TEST(LearnStreamTest, InputIsWantedWhileFewRowsWait) {
  StreamHome home(1, 1);
  std::string rows;
  for (int i = 0; i < 600; ++i) rows += "a,x,\n";
  EXPECT_TRUE(home.stream->wants_input());
  home.stream->Feed(rows);
  EXPECT_FALSE(home.stream->wants_input());
  for (int i = 0; i < 100; ++i) {
    home.service.AnswerFirst();
    home.loop->RunAll();
  }
  EXPECT_TRUE(home.stream->wants_input());
}

}  // namespace
}  // namespace ctt::http
