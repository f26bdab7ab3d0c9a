#pragma once
// A layer below SQLite that checks every page of the database file.
//
// SQLite checks its own structures but not the values inside them, so a flipped bit in a label's
// name or in features would become an answer. This layer keeps 8 bytes at the end of each page
// (SQLite's "reserved bytes") for a digest of the page's other bytes and its number. It is written
// when a page goes to the database file and compared at every read of one; a page that differs is
// SQLITE_IOERR_DATA, which SqliteError turns into kDataLoss with the page's number. Any damage
// within one aligned 8-byte word is found for certain, other damage but for chance 2^-64; a page
// written to the wrong place is found as well.
//
// The write-ahead log is left alone: its frames carry SQLite's own checksums (see wal_audit.h).
// Memory-mapped reads would pass by the check and are off. Other programs can read such a file, but
// must not write it.
#include <cstdint>
#include <span>
#include <string>

namespace ctt::store {

inline constexpr int kPageSize = 8192;  // Eight or nine examples with a short text.
inline constexpr int kPageCheckSize = 8;

// The digest that belongs at the end of `page` [kPageSize]; pages count from 1.
std::uint64_t PageCheck(std::span<const unsigned char> page, std::int64_t number);

// Registers the layer above the VFS `base` (empty: the default one), once, and returns its name.
// Empty when there is no such base.
std::string RegisterCheckedVfs(const std::string& base);

// The number of the last page on this thread that failed its check.
std::int64_t LastDamagedPage();

}  // namespace ctt::store
