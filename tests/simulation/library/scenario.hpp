#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/time.hpp"
#include "messages/peer_peer.hpp"
#include "tests/simulation/library/swarm_disk.hpp"
#include "tests/simulation/library/swarm_network.hpp"

namespace tutti::simulation {

/// What goes wrong, and what people do amid it. What lasts is mended: after its time, or when quiet comes. A flipped bit, what a disk
/// or log has lost, connections that broke and a removal stay as they are.
enum class FaultKind : std::uint8_t {
  kill,         ///< `who` dies (kill -9) and comes back
  power,        ///< so does its machine: what was not synced is lost, nobody is told
  stop,         ///< SIGSTOP
  quit,         ///< a client ends in an orderly way and comes back
  cut,          ///< nothing gets through between `who` and `other`; without `other`: between it and everybody
  cut_one_way,  ///< nothing from `who` to `other`
  reset,        ///< all connections between them break
  slow_path,    ///< `amount` ms more, each way
  slow_line,    ///< the line of `who` is `amount` times as slow
  full_disk,    ///< nothing more goes onto the disk of `who`
  slow_disk,    ///< it is `amount` times as slow
  flip_bit,     ///< of a file of `who`
  lose_disk,    ///< a tracker's disk is empty
  old_disk,     ///< a tracker's disk is as it was `amount` batches ago
  forget_logs,  ///< a tracker's logs begin behind what it has
  remove_member,  ///< the owner removes `who` from its group
  limit,          ///< whoever sits at `who` lets it send, and ask for, `amount` KB a second
  pause,          ///< and has its downloads rest
  cancel,         ///< and ends what it fetches, and begins anew
  recheck,        ///< and has what it has fetched looked at again
};
inline constexpr std::size_t fault_kinds = 20;
/// Those that make bad weather are drawn together (a removal, too, though it is a deed), and those that people do with their own
/// clients.
inline constexpr std::size_t weather_kinds = 16;
std::string_view name_of(FaultKind kind);
std::optional<FaultKind> fault_named(std::string_view name);
/// What people do, and no machine or network: no fault.
inline bool is_deed(FaultKind kind) { return kind >= FaultKind::remove_member; }

struct Fault {
  Duration at{};
  FaultKind kind = FaultKind::kill;
  std::string who;
  std::string other;
  Duration lasts = std::chrono::seconds(1);
  std::uint64_t amount = 10;
};
std::string text_of(const Fault& fault);

struct ClientSpec {
  std::string name;
  std::string line;
  Duration arrives{};
  std::optional<Duration> leaves_after;  ///< it has all that it fetches, or gave all for so long
  DiskPace disk;
};

struct FileSpec {
  std::string name;
  std::string group;  ///< its owner is the first source of the first file in it
  std::uint64_t bytes = 1U << 20U;
  std::vector<std::string> sources;
  std::vector<std::string> leechers;
  Duration fetched_at{};    ///< not before
  std::uint32_t files = 0;  ///< it is a directory in which so many have these bytes; 0: it is a file
  std::vector<std::string> partial = {};  ///< those of the leechers who want but some of it (wanted_by_some)
};

/// A whole story. Everything in it is named, so that a part can be left out and the rest stays as it was.
struct Scenario {
  std::string name;
  std::uint32_t trackers = 2;
  std::string tracker_line;
  NetworkSettings network;
  std::map<std::string, Line> lines;
  std::vector<ClientSpec> clients;
  std::vector<FileSpec> files;
  std::vector<Fault> faults;
  /// When the faults are over, everything that needs no faults to be away has to come true in so much more time.
  Duration quiet = std::chrono::minutes(3);
  /// Pieces are chosen at random instead: what the rules of the picker are measured against.
  bool picks_at_random = false;
  /// What each client may ask for ahead, in bytes.
  std::uint64_t request_memory = 24U << 20U;
  /// How many fetch a file from a client at a time.
  std::size_t places = fetchers_named_max;
  /// What a tracker needs to hash a password. Most of the time of a large swarm that logs in goes into that.
  Duration password_takes = std::chrono::milliseconds(100);
  /// Every actor checks itself after each delivery. Most of the time of a large swarm goes into that.
  bool checks_invariants = true;
};

/// A scenario or what is wrong with its text.
struct ParsedScenario {
  Scenario scenario;
  std::string fault;
};

/// Reads TOML; configs/simulation/bad_weather.toml shows each key. A key that does not exist is a fault.
ParsedScenario parse_scenario(std::string_view text);

/// A small swarm in bad weather, all of it from the seed.
Scenario random_scenario(std::uint64_t seed);

}  // namespace tutti::simulation
