#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "messages/message.hpp"
#include "tracker/password_hasher.hpp"

namespace tutti {

/// How a tracker keeps up with the others.
struct SyncConfig {
  /// Between two heartbeats: a lost delta is noticed within this and a round trip.
  std::chrono::milliseconds heartbeat{250};
  /// A delta that a live tracker did not acknowledge in this time is sent again, directly.
  std::chrono::milliseconds resend_after{60};
  /// How long an answer waits for the acknowledgements of the live trackers, at most. With hashing a password and the
  /// commit before it nobody is to wait more than half a second for a tracker that hangs.
  std::chrono::milliseconds ack_wait{200};
  /// A tracker that was not heard of for so long counts as hung: answers do not wait for it any more.
  std::chrono::milliseconds hung_after{1000};
  /// At the start: how long to wait for signs of the other trackers before serving alone.
  std::chrono::milliseconds look_around{300};
  /// How long a request waits for the state that its client has seen elsewhere.
  std::chrono::milliseconds floor_wait{500};
  /// Between two comparisons of the whole state with each other tracker.
  std::chrono::milliseconds compare_every{30'000};
  TUTTI_RECORD(SyncConfig, heartbeat, resend_after, ack_wait, hung_after, look_around, floor_wait,
               compare_every);
};
static_assert(sizeof(SyncConfig) == field_count<SyncConfig> * sizeof(std::chrono::milliseconds),
              "a field is missing in recordings");

/// What clients may take of a tracker.
struct LimitConfig {
  /// Requests of one link that are under way at once; further ones are refused.
  std::uint32_t requests_per_link = 64;
  /// Passwords waiting for a hasher, of clients that have logged in before and of all others; further ones are refused.
  std::uint32_t passwords_waiting = 256;
  /// Requests of all links together that are under way at once, also of links that are gone meanwhile.
  std::uint32_t requests_in_all = 4096;
  /// What those may take of memory together, in KiB.
  std::uint32_t request_kib_in_all = 65536;
  /// Accounts that are made from one address in a minute.
  std::uint32_t accounts_per_minute = 600;
  /// Wrong passwords a minute from one address, and for one name, on clients where that user has not logged in before.
  std::uint32_t wrong_passwords_per_address = 30;
  std::uint32_t wrong_passwords_per_user = 10;
  /// What one client, and all clients of one address together, may ask in a second: a look counts as one, a change, which
  /// every tracker writes to its disk, as five. Who has asked little may ask ten seconds' worth at once.
  std::uint32_t requests_per_second_per_client = 5000;
  std::uint32_t requests_per_second_per_address = 20'000;
  /// Groups that one user is in or asks to join, and all that the user ever was in or asked to join: those are remembered.
  std::uint32_t groups_per_user = 1000;
  std::uint32_t groups_ever_per_user = 10'000;
  /// Files that one user shares, in all groups, and all that the user ever shared.
  std::uint32_t files_per_user = 100'000;
  std::uint32_t files_ever_per_user = 1'000'000;
  /// Clients on which one user is logged in: one more login ends the session that will expire first.
  std::uint32_t sessions_per_user = 1000;
  /// Requests to join one group that wait for its owner.
  std::uint32_t requests_per_group = 10'000;
  /// Files that were ever shared in one group, and their pieces, of each of which two digests are kept.
  std::uint32_t files_per_group = 1'000'000;
  std::uint32_t pieces_per_group = 20'000'000;
  /// Pieces of all files that one user ever shared, in whatever groups.
  std::uint32_t pieces_ever_per_user = 10'000'000;
  /// Accounts in all.
  std::uint32_t users_in_all = 10'000'000;
  TUTTI_RECORD(LimitConfig, requests_per_link, passwords_waiting, requests_in_all, request_kib_in_all,
               accounts_per_minute, wrong_passwords_per_address, wrong_passwords_per_user,
               requests_per_second_per_client, requests_per_second_per_address, groups_per_user,
               groups_ever_per_user, files_per_user, files_ever_per_user, sessions_per_user,
               requests_per_group, files_per_group, pieces_per_group, pieces_ever_per_user, users_in_all);
};
static_assert(sizeof(LimitConfig) == field_count<LimitConfig> * sizeof(std::uint32_t),
              "a field is missing in recordings");

/// Everything about a tracker that can be tuned. configs/tracker.toml explains each key.
struct TrackerConfig {
  PasswordCost password;
  SyncConfig sync;
  LimitConfig limits;
  bool operator==(const TrackerConfig&) const = default;
};

/// A configuration, or what is wrong with its text (with the line).
struct ParsedTrackerConfig {
  TrackerConfig config;
  std::string fault;
};

/// Reads TOML. What the text does not name keeps its default; a key that does not exist is a fault, since it is
/// somebody's typing error.
ParsedTrackerConfig parse_tracker_config(std::string_view text);

}  // namespace tutti
