#include "http/connection.h"

#include <array>
#include <limits>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <fmt/format.h>

#include "http/learn_stream.h"

namespace ctt::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = beast::http;
using asio::awaitable;
using boost::system::error_code;
using Socket = Channel::Socket;
using Parser = wire::request_parser<wire::buffer_body>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kHeadReadBytes = 4 * 1024;  // What an idle connection holds.
constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kStreamReadBytes = 64 * 1024;
constexpr std::size_t kWriteBytes = 256 * 1024;
constexpr std::int64_t kFirstRequestMs = 500;
constexpr std::int64_t kLingerMs = 2000;
constexpr std::int64_t kGoodbyeMs = 1000;
constexpr std::int64_t kLingerBytesMax = 16 * 1024 * 1024;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

Method MethodOf(wire::verb verb) {
  switch (verb) {
    case wire::verb::get:
      return Method::kGet;
    case wire::verb::head:
      return Method::kHead;
    case wire::verb::post:
      return Method::kPost;
    case wire::verb::put:
      return Method::kPut;
    case wire::verb::patch:
      return Method::kPatch;
    case wire::verb::delete_:
      return Method::kDelete;
    case wire::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

// RFC 6750: "Bearer KEY"; the scheme in any case of letters.
std::string KeyOf(const std::string& authorization, const std::string& api_key) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view given = authorization;
  if (!EqualsIgnoringCase(given.substr(0, kScheme.size()), kScheme)) return api_key;
  const std::size_t start = given.find_first_not_of(' ', kScheme.size());
  return std::string(start == std::string_view::npos ? "" : given.substr(start));
}

RequestHead HeadOf(Parser& parser) {
  const auto& message = parser.get();
  const auto field = [&](auto name) {
    const auto value = message[name];
    return std::string(value.data(), value.size());
  };
  RequestHead head;
  head.method = MethodOf(message.method());
  head.target.assign(message.target().data(), message.target().size());
  head.host_count = static_cast<std::int32_t>(message.count(wire::field::host));
  head.http_1_0 = message.version() < 11;
  if (const auto length = parser.content_length()) head.content_length = *length;
  head.chunked = parser.chunked();
  head.expects_continue = EqualsIgnoringCase(field(wire::field::expect), "100-continue");
  head.content_type = field(wire::field::content_type);
  head.content_encoding = field(wire::field::content_encoding);
  head.request_id = field("X-Request-Id");
  // Two of them are as none.
  if (message.count("Traceparent") == 1) head.traceparent = field("Traceparent");
  head.key = KeyOf(field(wire::field::authorization), field("X-Api-Key"));
  if (message.count("Idempotency-Key") > 0) head.idempotency_key = field("Idempotency-Key");
  if (message.count(wire::field::if_match) > 0) head.if_match = field(wire::field::if_match);
  if (message.count("If-Version-At-Least") > 0)
    head.version_at_least = field("If-Version-At-Least");
  return head;
}

// Nothing to answer: the client closed, or reading failed.
bool IsGone(const error_code& error) {
  return error == wire::error::end_of_stream || error == wire::error::partial_message ||
         error.category() != wire::make_error_code(wire::error::bad_method).category();
}

Problem TooSlow(const char* what) {
  return {408, "request_timeout", std::string(what) + " did not arrive in time", {}};
}

// Stands for a client that nobody can answer.
Problem ClientGone() { return {499, "client_closed", {}, {}}; }

Problem ReadProblem(const error_code& error) {
  if (error == wire::error::header_limit)
    return {431, "headers_too_large", "the headers of the request are too large", {}};
  if (error == wire::error::bad_version)
    return {400, "bad_http_version", "this server speaks HTTP/1.1 and HTTP/1.0", {}};
  return {400, "bad_request", "the request is not valid HTTP: " + error.message(), {}};
}

class Connection final : public Sweepable, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, TlsContextPtr tls, std::shared_ptr<IoLoop> loop, Runner& runner,
             const ServerOptions& options, std::function<void()> closed)
      : channel_(std::move(socket), std::move(tls)),
        loop_(std::move(loop)),
        runner_(runner),
        options_(options),
        closed_(std::move(closed)),
        buffer_(static_cast<std::size_t>(options.header_bytes_max) + kStreamReadBytes),
        signal_(channel_.get_executor(), asio::steady_timer::time_point::max()) {}

  void Start() {
    loop_->Add(this);
    asio::co_spawn(
        channel_.get_executor(), [self = shared_from_this()] { return self->ServeRequests(); },
        [self = shared_from_this()](const std::exception_ptr&) { self->Close(); });
  }

  void Sweep(std::int64_t now_us) override {
    if (now_us < deadline_us_) return;
    deadline_us_ = kNever;
    timed_out_ = true;
    CancelIo();
  }
  void Drain() override {
    draining_ = true;
    if (stream_ != nullptr)
      stream_->Break({Code::kUnavailable, "draining", "the server is stopping"});
    error_code ignored;
    if (!idle_ || channel_.socket().available(ignored) > 0) return;
    // The first request of a client that has just come may still be on its way.
    if (any_request_) return CancelIo();
    SetDeadline(kFirstRequestMs);
  }
  void Cut() override {
    draining_ = cut_ = true;
    error_code ignored;
    channel_.socket().close(ignored);
    signal_.cancel();
    if (stream_ != nullptr) stream_broken_ = true;
  }

 private:
  awaitable<void> ServeRequests();
  awaitable<bool> Handshake();
  awaitable<bool> WaitForRequest();
  awaitable<bool> ServeRequest();
  awaitable<bool> Answer(Parser& parser, Runner::Opened opened);
  awaitable<std::optional<Problem>> ReadBody(Parser& parser, const Runner::Opened& opened);
  awaitable<error_code> ReadSome(Parser& parser, char* data, std::size_t& size);
  awaitable<Reply> RunCall(std::shared_ptr<Call> call);
  void WatchForEnd(const std::shared_ptr<Call>& call);
  awaitable<bool> WriteReply(const Reply& reply, const Call& call, bool close);
  awaitable<void> WriteRefusal(const Problem& problem);
  awaitable<bool> Write(std::string_view bytes);
  awaitable<void> Linger();

  awaitable<bool> AnswerStream(Parser& parser, std::shared_ptr<Call> call);
  awaitable<void> ReadStream(Parser& parser);
  awaitable<void> WriteStream(const Call& call, bool close);
  awaitable<bool> WriteStreamLines(std::string lines, const Call& call, bool close);
  awaitable<void> WaitForChange();

  void SetDeadline(std::int64_t ms) { deadline_us_ = loop_->NowMicros() + ms * 1000; }
  void CancelIo() {
    error_code ignored;
    channel_.socket().cancel(ignored);
    signal_.cancel();
  }
  void Close() {
    error_code ignored;
    channel_.socket().close(ignored);
    loop_->Remove(this);
    if (closed_) std::exchange(closed_, nullptr)();
  }

  Channel channel_;
  const std::shared_ptr<IoLoop> loop_;
  Runner& runner_;
  const ServerOptions& options_;
  std::function<void()> closed_;
  beast::flat_buffer buffer_;
  asio::steady_timer signal_;  // Cancelled when what a coroutine waits for has changed.
  std::int64_t deadline_us_ = kNever;
  bool timed_out_ = false;
  bool idle_ = true;
  bool any_request_ = false;
  bool draining_ = false;
  bool cut_ = false;

  std::shared_ptr<LearnStream> stream_;
  bool stream_reading_ = false;  // The body has not ended.
  bool stream_writing_ = false;  // The writer still runs.
  bool stream_broken_ = false;   // The client can no longer be written to.
  bool stream_head_sent_ = false;
  std::int64_t stream_bytes_ = 0;
};

// GCC 12 destroys an aggregate made inside a co_await expression twice: what is passed to a
// coroutine here is a named value.

awaitable<void> Connection::ServeRequests() {
  error_code ignored;
  channel_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  const bool ready = co_await Handshake();
  if (!ready) co_return;
  while (!draining_ || !any_request_) {
    const bool arrived = co_await WaitForRequest();
    if (!arrived) break;
    any_request_ = true;
    const bool keep = co_await ServeRequest();
    if (!keep) break;
  }
  if (!channel_.secure() || cut_) co_return;
  SetDeadline(kGoodbyeMs);
  co_await channel_.Goodbye(kAwait);
}

awaitable<bool> Connection::Handshake() {
  if (!channel_.secure()) co_return true;
  idle_ = false;
  SetDeadline(options_.header_timeout_ms);
  const auto [error] = co_await channel_.Handshake(kAwait);
  co_return !error && !timed_out_;
}

awaitable<bool> Connection::WaitForRequest() {
  if (buffer_.size() > 0) co_return true;
  if (buffer_.capacity() > kHeadReadBytes) buffer_.shrink_to_fit();
  idle_ = true;
  SetDeadline(draining_ ? kFirstRequestMs : options_.idle_timeout_ms);
  const auto [error, size] =
      co_await channel_.async_read_some(buffer_.prepare(kHeadReadBytes), kAwait);
  idle_ = false;
  buffer_.commit(size);
  co_return !error && size > 0;
}

awaitable<bool> Connection::ServeRequest() {
  SetDeadline(options_.header_timeout_ms);
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(options_.header_bytes_max));
  parser.body_limit(boost::none);  // Counted here, by route.
  const auto [error, size] = co_await wire::async_read_header(channel_, buffer_, parser, kAwait);
  if (timed_out_) {
    const Problem problem = TooSlow("the headers");
    co_await WriteRefusal(problem);
    co_return false;
  }
  if (error && IsGone(error)) co_return false;
  if (error) {
    const Problem problem = ReadProblem(error);
    co_await WriteRefusal(problem);
    co_return false;
  }
  parser.eager(true);
  Runner::Opened opened = runner_.Open(HeadOf(parser), loop_);
  const bool keep = co_await Answer(parser, std::move(opened));
  co_return keep;
}

// Answers a request whose headers are read. true: the connection goes on.
awaitable<bool> Connection::Answer(Parser& parser, Runner::Opened opened) {
  const std::shared_ptr<Call> call = opened.call;
  if (opened.refusal) {
    // A body that is not read ends the connection, unless there is none.
    const bool bodiless =
        parser.is_done() || (!call->head.chunked && call->head.content_length.value_or(0) == 0);
    const bool keep = bodiless && parser.keep_alive() && !draining_;
    const bool sent = co_await WriteReply(*opened.refusal, *call, !keep);
    if (sent && !bodiless) co_await Linger();
    co_return sent&& keep;
  }
  if (call->head.expects_continue && !parser.is_done()) {
    const bool sent = co_await Write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!sent) co_return false;
  }
  if (opened.is_stream) {
    const bool keep = co_await AnswerStream(parser, call);
    co_return keep;
  }
  const std::optional<Problem> problem = co_await ReadBody(parser, opened);
  if (problem && problem->status == 499) co_return false;
  if (problem) {
    const Reply reply = ProblemReply(*problem, call->request_id);
    const bool sent = co_await WriteReply(reply, *call, true);
    if (sent) co_await Linger();
    co_return false;
  }
  deadline_us_ = kNever;  // The runner has its own.
  const Reply reply = co_await RunCall(call);
  const bool keep = parser.keep_alive() && !draining_;
  const bool sent = co_await WriteReply(reply, *call, !keep);
  co_return sent&& keep;
}

// One read of the body: at most `size` bytes, which is set to what came.
awaitable<error_code> Connection::ReadSome(Parser& parser, char* data, std::size_t& size) {
  auto& body = parser.get().body();
  body.data = data;
  body.size = size;
  body.more = true;
  const auto [error, read] = co_await wire::async_read_some(channel_, buffer_, parser, kAwait);
  size -= body.size;
  co_return error == wire::error::need_buffer ? error_code() : error;
}

// Reads the body into the call. 499: nobody is there to answer.
awaitable<std::optional<Problem>> Connection::ReadBody(Parser& parser,
                                                       const Runner::Opened& opened) {
  SetDeadline(options_.body_timeout_ms);
  std::string& body = opened.call->body;
  body.reserve(std::min<std::size_t>(opened.call->head.content_length.value_or(0), 1024 * 1024));
  std::array<char, kReadBytes> piece;
  while (!parser.is_done()) {
    std::size_t size = piece.size();
    const error_code error = co_await ReadSome(parser, piece.data(), size);
    body.append(piece.data(), size);
    if (timed_out_) co_return TooSlow("the body");
    if (error && IsGone(error)) co_return ClientGone();
    if (error) co_return ReadProblem(error);
    if (body.size() > static_cast<std::size_t>(opened.body_bytes_max))
      co_return BodyTooLarge(opened.body_bytes_max);
  }
  co_return std::nullopt;
}

awaitable<Reply> Connection::RunCall(std::shared_ptr<Call> call) {
  // The answer may be there before Run returns; otherwise it comes on this thread and wakes us.
  auto reply = std::make_shared<std::optional<Reply>>();
  runner_.Run(call, [reply, self = shared_from_this()](Reply given) {
    *reply = std::move(given);
    self->signal_.cancel();
  });
  if (!*reply) WatchForEnd(call);
  while (!*reply && !cut_) co_await WaitForChange();
  error_code ignored;
  channel_.socket().cancel(ignored);  // The watch.
  co_return reply->value_or(Reply{});
}

// While an answer is made nothing is read: the end of the client's stream shows as a socket that
// can be read and holds nothing. A client that only ended its sending is taken for gone as well.
void Connection::WatchForEnd(const std::shared_ptr<Call>& call) {
  channel_.socket().async_wait(
      Socket::wait_read, [self = shared_from_this(), gone = call->gone](const error_code& error) {
        error_code closed;
        if (!error && self->channel_.socket().available(closed) == 0) gone->store(true);
      });
}

awaitable<bool> Connection::WriteReply(const Reply& reply, const Call& call, bool close) {
  const auto size = static_cast<std::int64_t>(reply.body.size());
  std::string bytes =
      HeadBytes(reply, call.request_id, size, {call.head.http_1_0, close, channel_.secure()});
  const bool has_body = call.head.method != Method::kHead;
  if (has_body) bytes += reply.body;
  const bool sent = co_await Write(bytes);
  runner_.Close(call, reply.status, has_body ? size : 0);
  co_return sent;
}

// For what never became a Call.
awaitable<void> Connection::WriteRefusal(const Problem& problem) {
  const std::string id = runner_.MakeRequestId();
  const Reply reply = ProblemReply(problem, id);
  const auto size = static_cast<std::int64_t>(reply.body.size());
  const std::string bytes =
      HeadBytes(reply, id, size, {false, true, channel_.secure()}) + reply.body;
  runner_.CountRefused(problem.status);
  const bool sent = co_await Write(bytes);
  if (sent) co_await Linger();
}

// In pieces, each with the whole write time: only a client that takes nothing is cut.
awaitable<bool> Connection::Write(std::string_view bytes) {
  timed_out_ = false;
  while (!bytes.empty()) {
    SetDeadline(options_.write_timeout_ms);
    const std::string_view piece = bytes.substr(0, kWriteBytes);
    const auto [error, size] =
        co_await asio::async_write(channel_, asio::buffer(piece.data(), piece.size()), kAwait);
    if (error) co_return false;
    bytes.remove_prefix(size);
  }
  co_return true;
}

// Closing while unread bytes wait would reset the connection, and the client would lose the answer.
awaitable<void> Connection::Linger() {
  error_code ignored;
  if (!channel_.secure()) channel_.socket().shutdown(Socket::shutdown_send, ignored);
  SetDeadline(kLingerMs);
  std::array<char, kReadBytes> piece;
  for (std::int64_t total = 0; total < kLingerBytesMax;) {
    const auto [error, size] = co_await channel_.async_read_some(asio::buffer(piece), kAwait);
    if (error || timed_out_) break;
    total += static_cast<std::int64_t>(size);
  }
}

// Reads and writes at once: the answer's lines go out while rows still come in.
awaitable<bool> Connection::AnswerStream(Parser& parser, std::shared_ptr<Call> call) {
  stream_broken_ = stream_head_sent_ = false;
  stream_bytes_ = 0;
  stream_ = runner_.OpenStream(call, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->signal_.cancel();
  });
  const bool close_always = call->head.http_1_0;
  stream_reading_ = stream_writing_ = true;
  asio::co_spawn(
      channel_.get_executor(),
      [self = shared_from_this(), call, close_always] {
        return self->WriteStream(*call, close_always);
      },
      [self = shared_from_this()](const std::exception_ptr& thrown) {
        self->stream_broken_ = self->stream_broken_ || thrown != nullptr;
        self->stream_writing_ = false;
        self->signal_.cancel();
      });
  co_await ReadStream(parser);
  stream_reading_ = false;
  SetDeadline(options_.write_timeout_ms);
  while (stream_writing_) co_await WaitForChange();
  const std::optional<Status> refusal = stream_->refusal();
  stream_.reset();
  bool keep = parser.is_done() && parser.keep_alive() && !draining_ && !close_always;
  if (refusal && !stream_broken_) {
    const Reply reply = ProblemReply(ProblemOf(*refusal), call->request_id);
    const bool sent = co_await WriteReply(reply, *call, !keep);
    keep = keep && sent;
  } else {
    runner_.Close(*call, stream_broken_ ? 499 : 200, stream_bytes_);
    keep = keep && !stream_broken_;
  }
  if (!keep && !stream_broken_ && !parser.is_done()) co_await Linger();
  co_return keep;
}

awaitable<void> Connection::ReadStream(Parser& parser) {
  std::vector<char> piece(kStreamReadBytes);
  while (!parser.is_done() && !stream_broken_ && !stream_->finished()) {
    if (!stream_->wants_input()) {
      if (!stream_writing_) break;
      co_await WaitForChange();
      continue;
    }
    SetDeadline(options_.body_timeout_ms);
    std::size_t size = piece.size();
    const error_code error = co_await ReadSome(parser, piece.data(), size);
    deadline_us_ = kNever;
    if (size > 0 && stream_->wants_input()) stream_->Feed({piece.data(), size});
    if (!error) continue;
    const bool late = std::exchange(timed_out_, false);
    stream_->Break(
        late ? Status(Code::kDeadlineExceeded, "request_timeout", "the stream paused for too long")
             : Status(Code::kInvalidArgument, "broken_stream",
                      "the stream broke off before its end"));
    co_return;
  }
  if (parser.is_done()) stream_->End();
}

awaitable<void> Connection::WriteStream(const Call& call, bool close) {
  while (!stream_broken_) {
    if (!stream_->output().empty()) {
      std::string lines = stream_->output().Take();
      const bool sent = co_await WriteStreamLines(std::move(lines), call, close);
      stream_broken_ = !sent;
      if (!sent) stream_->Break({Code::kCancelled, "client_closed", "the client went away"});
      continue;
    }
    if (stream_->finished()) break;
    co_await WaitForChange();
  }
  if (stream_broken_ || stream_->refusal() || call.head.http_1_0) co_return;
  const auto [error, size] =
      co_await asio::async_write(channel_, asio::buffer("0\r\n\r\n", 5), kAwait);
  stream_broken_ = bool(error);
}

awaitable<bool> Connection::WriteStreamLines(std::string lines, const Call& call, bool close) {
  std::string bytes;
  if (!std::exchange(stream_head_sent_, true)) {
    const Reply reply{200, "application/x-ndjson", {}, {}};
    bytes = HeadBytes(reply, call.request_id, -1,
                      {call.head.http_1_0, close || draining_, channel_.secure()});
  }
  stream_bytes_ += static_cast<std::int64_t>(lines.size());
  if (call.head.http_1_0) {
    bytes += lines;
  } else {
    bytes += fmt::format("{:x}\r\n{}\r\n", lines.size(), lines);
  }
  // While rows come in, the reader keeps the time, and what is written gives it anew.
  if (!stream_reading_) SetDeadline(options_.write_timeout_ms);
  const auto [error, size] = co_await asio::async_write(channel_, asio::buffer(bytes), kAwait);
  if (!error && deadline_us_ != kNever) SetDeadline(options_.body_timeout_ms);
  co_return !error;
}

// May wake for nothing: ask again what you wait for.
awaitable<void> Connection::WaitForChange() { co_await signal_.async_wait(kAwait); }

}  // namespace

void ServeConnection(Socket socket, TlsContextPtr tls, const std::shared_ptr<IoLoop>& loop,
                     Runner& runner, const ServerOptions& options, std::function<void()> closed) {
  std::make_shared<Connection>(std::move(socket), std::move(tls), loop, runner, options,
                               std::move(closed))
      ->Start();
}

}  // namespace ctt::http
