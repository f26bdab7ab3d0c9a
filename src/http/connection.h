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

#include <boost/asio/ip/tcp.hpp>

#include "http/io_loop.h"
#include "http/runner.h"

namespace ctt::http {

// Serves a socket until it closes, then calls `closed`. On the loop's thread. What is given must
// outlive the connection; the loop keeps it alive.
void ServeConnection(boost::asio::ip::tcp::socket socket, const std::shared_ptr<IoLoop>& loop,
                     Runner& runner, const ServerOptions& options, std::function<void()> closed);

// The bytes of an answer up to its body. `close`: the connection ends with it. `body_bytes` < 0:
// chunked.
std::string HeadBytes(const Reply& reply, std::string_view request_id, std::int64_t body_bytes,
                      bool http_1_0, bool close);

}  // namespace ctt::http
