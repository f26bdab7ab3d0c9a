#pragma once
// Connection: one client's socket, its requests one after another (pipelined ones wait in the
// kernel), each given to the Runner, each answer written before the next request is read.
//
// Limits: the time and bytes of headers and body, of the answer's writing, of idleness
// (ServerOptions). What cannot be read as HTTP is answered with a problem, then the connection
// closes; unread bytes are drained for a moment so that the client sees the answer.
//
// Threads: belongs to its loop.
#include <functional>
#include <memory>

#include "http/channel.h"
#include "http/io_loop.h"
#include "http/runner.h"

namespace ctt::http {

// Serves a socket until it closes, then calls `closed`. On the loop's thread. What is given must
// outlive the connection; the loop keeps it alive.
// `tls`: what to show, null for a plain connection.
void ServeConnection(Channel::Socket socket, TlsContextPtr tls, const std::shared_ptr<IoLoop>& loop,
                     Runner& runner, const ServerOptions& options, std::function<void()> closed);

struct HeadOptions {
  bool http_1_0 = false;
  bool close = false;   // The connection ends with this answer.
  bool secure = false;  // It came through TLS.
};
// The bytes of an answer up to its body. `body_bytes` < 0: chunked.
std::string HeadBytes(const Reply& reply, std::string_view request_id, std::int64_t body_bytes,
                      const HeadOptions& options);

}  // namespace ctt::http
