#include "http/server.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/resource.h>

#include "http/connection.h"
#include "http/io_loop.h"
#include "http/runner.h"
#include "http/tls_identity.h"

namespace ctt::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr auto kPauseWithoutFiles = std::chrono::milliseconds(100);
constexpr auto kCutWait = std::chrono::seconds(2);
constexpr std::int64_t kTlsWatchMs = 2000;

Status BadListen(const std::string& listen) {
  return {Code::kInvalidArgument, "bad_listen_address",
          "'" + listen + "' is not ADDRESS:PORT, such as 127.0.0.1:8000 or [::1]:8000"};
}

Result<tcp::endpoint> ParseListen(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return BadListen(listen);
  std::string host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  std::uint16_t port = 0;
  const char* end = listen.data() + listen.size();
  const auto parsed = std::from_chars(listen.data() + colon + 1, end, port);
  error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error || parsed.ec != std::errc() || parsed.ptr != end) return BadListen(listen);
  return tcp::endpoint(address, port);
}

std::string Text(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

Status CannotListen(const std::string& listen, const error_code& error) {
  const bool taken = error == asio::error::address_in_use;
  return {Code::kUnavailable, taken ? "address_in_use" : "cannot_listen",
          "cannot listen on " + listen + ": " + error.message()};
}

// Each connection is an open file: the soft limit is raised to what they need, if it may be.
void RaiseFileLimit(std::int32_t connections_max) {
  const rlim_t wanted = static_cast<rlim_t>(connections_max) + 512;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Null: plain HTTP.
Result<std::unique_ptr<TlsIdentity>> LoadTls(const ServerOptions& options) {
  if (options.tls_certificate.empty() && options.tls_key.empty())
    return std::unique_ptr<TlsIdentity>();
  if (options.tls_certificate.empty() || options.tls_key.empty()) {
    return Status(Code::kInvalidArgument, "bad_certificate",
                  "TLS needs a certificate and its key, both");
  }
  return TlsIdentity::Load(options.tls_certificate, options.tls_key);
}

}  // namespace

struct Server::State {
  const ServerOptions options;
  const Clock& clock;
  telemetry::Metrics& metrics;
  telemetry::Log& log;
  std::string address;
  std::uint16_t port = 0;
  std::vector<std::shared_ptr<IoLoop>> loops;
  std::unique_ptr<Runner> runner;
  std::unique_ptr<TlsIdentity> tls;         // Null: plain.
  std::shared_ptr<tcp::acceptor> acceptor;  // Belongs to loops[0].
  std::atomic<std::int32_t> connections = 0;
  std::once_flag stop_once;
  bool drained = false;

  State(const ServerOptions& given, const Clock& given_clock, telemetry::Metrics& given_metrics,
        telemetry::Log& given_log)
      : options(given), clock(given_clock), metrics(given_metrics), log(given_log) {}

  void WatchTls();
  Status ReloadTls();
  Status Listen(const tcp::endpoint& endpoint);
  asio::awaitable<void> Accept(std::shared_ptr<tcp::acceptor> from);
  void Take(tcp::socket socket, const std::shared_ptr<IoLoop>& loop);
  void TurnAway(tcp::socket socket);
  void CloseAcceptor();
  bool WaitForConnections(std::chrono::steady_clock::time_point until) const;
  bool Stop(std::int64_t drain_timeout_ms);
};

// On loops[0], for as long as it runs.
void Server::State::WatchTls() {
  loops[0]->After(kTlsWatchMs, [this] {
    if (tls->FilesChanged()) (void)ReloadTls();
    WatchTls();
  });
}

Status Server::State::ReloadTls() {
  if (tls == nullptr) return Status::Ok();
  const Status status = tls->Reload();
  if (status.ok()) {
    log.Write(telemetry::LogLevel::kInfo, "certificate_reloaded");
  } else {
    log.Write(telemetry::LogLevel::kError, "certificate_not_reloaded",
              {{"why", std::string_view(status.message())}});
  }
  return status;
}

Status Server::State::Listen(const tcp::endpoint& endpoint) {
  acceptor = std::make_shared<tcp::acceptor>(loops[0]->context());
  error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return CannotListen(options.listen, error);
  address = Text(acceptor->local_endpoint());
  port = acceptor->local_endpoint().port();
  return Status::Ok();
}

asio::awaitable<void> Server::State::Accept(std::shared_ptr<tcp::acceptor> from) {
  for (std::size_t next = 0; from->is_open(); next = (next + 1) % loops.size()) {
    const std::shared_ptr<IoLoop>& loop = loops[next];
    // Named first: GCC 15 forgets to destroy what a binding on a co_await alone would own.
    auto accepted = co_await from->async_accept(loop->context(), kAwait);
    auto& [error, socket] = accepted;
    if (!error) {
      Take(std::move(socket), loop);
    } else if (from->is_open()) {  // Out of files or memory, or a client that left already.
      asio::steady_timer pause(from->get_executor(), kPauseWithoutFiles);
      co_await pause.async_wait(kAwait);
    }
  }
}

void Server::State::Take(tcp::socket socket, const std::shared_ptr<IoLoop>& loop) {
  if (connections.load() >= options.connections_max) return TurnAway(std::move(socket));
  ++connections;
  auto shared = std::make_shared<tcp::socket>(std::move(socket));
  loop->Post([this, shared, loop] {
    TlsContextPtr context = tls == nullptr ? nullptr : tls->context();
    ServeConnection(std::move(*shared), std::move(context), loop, *runner, options,
                    [this] { --connections; });
  });
}

// One write that does not wait: the answer fits any socket's buffer.
void Server::State::TurnAway(tcp::socket socket) {
  if (tls != nullptr) return runner->CountRefused(503);  // No handshake for those, only the end.
  const std::string id = runner->MakeRequestId();
  const Reply reply =
      ProblemReply({503, "too_many_connections", "the server has no connection left", {}}, id);
  const auto size = static_cast<std::int64_t>(reply.body.size());
  const std::string bytes = HeadBytes(reply, id, size, {.close = true}) + reply.body;
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(bytes), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  runner->CountRefused(reply.status);
}

// What the kernel has accepted already is answered too.
void Server::State::CloseAcceptor() {
  loops[0]->Post([this, acceptor = std::exchange(acceptor, nullptr)] {
    error_code error;
    acceptor->non_blocking(true, error);
    while (!error) {
      tcp::socket socket(loops[0]->context());
      acceptor->accept(socket, error);
      if (!error) Take(std::move(socket), loops[0]);
    }
    acceptor->close(error);
  });
}

bool Server::State::WaitForConnections(std::chrono::steady_clock::time_point until) const {
  while (connections.load() > 0) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

bool Server::State::Stop(std::int64_t drain_timeout_ms) {
  const auto start = std::chrono::steady_clock::now();
  runner->SetDraining();
  metrics.SetReady(false);
  CloseAcceptor();
  for (const auto& loop : loops)
    loop->Post([loop = loop.get()] { loop->ForEach([](Sweepable& one) { one.Drain(); }); });
  const bool all_answered = WaitForConnections(start + std::chrono::milliseconds(drain_timeout_ms));
  if (!all_answered) {
    for (const auto& loop : loops)
      loop->Post([loop = loop.get()] { loop->ForEach([](Sweepable& one) { one.Cut(); }); });
    WaitForConnections(std::chrono::steady_clock::now() + kCutWait);
  }
  for (const auto& loop : loops) loop->Stop();
  runner.reset();  // Its threads finish what they began.
  log.Write(telemetry::LogLevel::kInfo, "stopped", {{"all_answered", all_answered}});
  return all_answered;
}

namespace {

Result<tcp::endpoint> CheckListen(const ServerOptions& options) {
  CTT_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, ParseListen(options.listen));
  if (endpoint.address().is_loopback() || options.insecure || options.has_keys) return endpoint;
  return Status(Code::kFailedPrecondition, "insecure_listen",
                options.listen +
                    " can be reached from other machines, and the data directory has no keys: "
                    "make one (ctt keys create), listen on 127.0.0.1, or accept the risk with "
                    "--insecure");
}

}  // namespace

Status Server::Check(const ServerOptions& options) {
  CTT_RETURN_IF_ERROR(CheckListen(options).status());
  return LoadTls(options).status();
}

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, const Clock& clock,
                                              telemetry::Metrics& metrics, telemetry::Log& log,
                                              telemetry::Tracer* tracer) {
  CTT_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, CheckListen(options));
  RaiseFileLimit(options.connections_max);
  auto state = std::make_unique<State>(options, clock, metrics, log);
  CTT_ASSIGN_OR_RETURN(state->tls, LoadTls(options));
  for (std::int32_t i = 0; i < std::max(1, options.io_threads); ++i)
    state->loops.push_back(std::make_shared<IoLoop>());
  state->runner = std::make_unique<Runner>(state->options, clock, metrics, log, tracer);
  CTT_RETURN_IF_ERROR(state->Listen(endpoint));
  asio::co_spawn(
      state->loops[0]->context(),
      [state = state.get(), from = state->acceptor] { return state->Accept(from); },
      asio::detached);
  if (state->tls != nullptr) state->loops[0]->Post([state = state.get()] { state->WatchTls(); });
  for (const auto& loop : state->loops) loop->Start();
  log.Write(telemetry::LogLevel::kInfo, "listening",
            {{"address", std::string_view(state->address)}});
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { Stop(0); }

void Server::Serve(service::Service& service) {
  state_->runner->SetService(&service);
  state_->metrics.SetReady(true);
}

Status Server::ReloadTls() { return state_->ReloadTls(); }

bool Server::Stop(std::int64_t drain_timeout_ms) {
  std::call_once(state_->stop_once, [&] { state_->drained = state_->Stop(drain_timeout_ms); });
  return state_->drained;
}

const std::string& Server::address() const { return state_->address; }
std::uint16_t Server::port() const { return state_->port; }

}  // namespace ctt::http
