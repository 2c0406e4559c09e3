#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/bytes.hpp"

namespace tutti {

/// One tracker of the file that all programs are given. Trackers and clients read the same file, so a tracker is
/// known everywhere by its number: its place in the file, from 1.
struct TrackerEntry {
  std::uint32_t number = 0;
  std::string host;            ///< an ip or a host name; an IPv6 address without its brackets
  std::uint16_t port = 0;      ///< P: clients. The two ports after it belong to the tracker as well
  std::optional<LinkKey> key;  ///< that its links have to prove; none: learned at the first contact
  std::size_t line = 0;        ///< of the file, from 1; where the port stands

  /// P, where clients are served: `host:port` or `[ipv6]:port`.
  std::string client_endpoint() const { return endpoint(0); }
  /// P + 1, where the tracker publishes what it does to the other trackers.
  std::string topic_endpoint() const { return endpoint(1); }
  /// P + 2, where the other trackers fetch what they missed.
  std::string repair_endpoint() const { return endpoint(2); }
  bool operator==(const TrackerEntry&) const = default;

 private:
  std::string endpoint(std::uint16_t offset) const;
};

/// The trackers of a file in its order, or the first thing that is wrong with it.
struct TrackerInfo {
  std::vector<TrackerEntry> trackers;
  std::string fault;           ///< a sentence; empty: none
  std::size_t fault_line = 0;  ///< from 1; 0: the file as a whole

  explicit operator bool() const { return fault.empty(); }
};

/// Reads the text of a tracker file: one tracker a line as `ip:port` or `ip port`, or the ip and the port on two
/// lines in turn; after the port, optionally, the tracker's public key in Z85 (ZeroMQ RFC 32, 40 characters).
/// IPv6 addresses stand in brackets. Blank lines and what follows a `#` at the start of a word are skipped.
TrackerInfo parse_tracker_info(std::string_view text);

}  // namespace tutti
