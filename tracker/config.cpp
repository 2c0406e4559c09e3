#include "tracker/config.hpp"

#include <toml++/toml.h>

#include <functional>
#include <map>

namespace tutti {

namespace {

// One key: where its number goes and between what it may be.
struct Key {
  std::int64_t least;
  std::int64_t most;
  std::function<void(std::int64_t)> set;
};
using Keys = std::map<std::string, Key, std::less<>>;

Key milliseconds_key(std::chrono::milliseconds& target, std::int64_t least, std::int64_t most) {
  return {least, most, [&target](std::int64_t number) { target = std::chrono::milliseconds{number}; }};
}

Key count_key(std::uint32_t& target, std::int64_t least, std::int64_t most) {
  return {least, most, [&target](std::int64_t number) { target = static_cast<std::uint32_t>(number); }};
}

Keys keys_of(TrackerConfig& config) {
  SyncConfig& sync = config.sync;
  return {
      {"password.passes", count_key(config.password.passes, 1, 64)},
      {"password.memory_kib", count_key(config.password.memory_kib, 8, 1024 * 1024)},
      {"sync.heartbeat_ms", milliseconds_key(sync.heartbeat, 10, 10'000)},
      {"sync.resend_after_ms", milliseconds_key(sync.resend_after, 10, 10'000)},
      {"sync.ack_wait_ms", milliseconds_key(sync.ack_wait, 0, 60'000)},
      {"sync.hung_after_ms", milliseconds_key(sync.hung_after, 100, 60'000)},
      {"sync.look_around_ms", milliseconds_key(sync.look_around, 0, 60'000)},
      {"sync.floor_wait_ms", milliseconds_key(sync.floor_wait, 0, 60'000)},
      {"sync.compare_every_ms", milliseconds_key(sync.compare_every, 100, 3'600'000)},
      {"limits.requests_per_link", count_key(config.limits.requests_per_link, 1, 4096)},
      {"limits.passwords_waiting", count_key(config.limits.passwords_waiting, 1, 65536)},
      {"limits.requests_in_all", count_key(config.limits.requests_in_all, 1, 1'000'000)},
      {"limits.request_kib_in_all", count_key(config.limits.request_kib_in_all, 8192, 16'777'216)},
      {"limits.accounts_per_minute", count_key(config.limits.accounts_per_minute, 1, 1'000'000)},
      {"limits.wrong_passwords_per_address",
       count_key(config.limits.wrong_passwords_per_address, 1, 1'000'000)},
      {"limits.wrong_passwords_per_user", count_key(config.limits.wrong_passwords_per_user, 1, 1'000'000)},
      {"limits.requests_per_second_per_client",
       count_key(config.limits.requests_per_second_per_client, 10, 10'000'000)},
      {"limits.requests_per_second_per_address",
       count_key(config.limits.requests_per_second_per_address, 10, 10'000'000)},
      {"limits.groups_per_user", count_key(config.limits.groups_per_user, 1, 1'000'000)},
      {"limits.groups_ever_per_user", count_key(config.limits.groups_ever_per_user, 1, 10'000'000)},
      {"limits.files_per_user", count_key(config.limits.files_per_user, 1, 10'000'000)},
      {"limits.files_ever_per_user", count_key(config.limits.files_ever_per_user, 1, 100'000'000)},
      {"limits.sessions_per_user", count_key(config.limits.sessions_per_user, 1, 1'000'000)},
      {"limits.requests_per_group", count_key(config.limits.requests_per_group, 1, 10'000'000)},
      {"limits.files_per_group", count_key(config.limits.files_per_group, 1, 100'000'000)},
      {"limits.pieces_per_group", count_key(config.limits.pieces_per_group, 1, 4'000'000'000)},
      {"limits.pieces_ever_per_user", count_key(config.limits.pieces_ever_per_user, 1, 4'000'000'000)},
      {"limits.users_in_all", count_key(config.limits.users_in_all, 1, 100'000'000)},
  };
}

std::string at_line(const toml::node& node, const std::string& sentence) {
  return "line " + std::to_string(node.source().begin.line) + ": " + sentence;
}

std::string take(const Keys& keys, const std::string& name, const toml::node& node) {
  const auto key = keys.find(name);
  if (key == keys.end()) return at_line(node, "there is no key `" + name + "`");
  const std::optional<std::int64_t> number = node.value_exact<std::int64_t>();
  if (!number || *number < key->second.least || *number > key->second.most)
    return at_line(node, "`" + name + "` is a whole number from " + std::to_string(key->second.least) +
                             " to " + std::to_string(key->second.most));
  key->second.set(*number);
  return {};
}

std::string take_all(const Keys& keys, const toml::table& sections) {
  for (const auto& [section, content] : sections) {
    const toml::table* table = content.as_table();
    if (table == nullptr)
      return at_line(content, "`" + std::string(section.str()) + "` stands outside of a section");
    for (const auto& [name, node] : *table) {
      std::string fault = take(keys, std::string(section.str()) + "." + std::string(name.str()), node);
      if (!fault.empty()) return fault;
    }
  }
  return {};
}

std::string fault_of(const SyncConfig& sync) {
  if (2 * sync.heartbeat <= sync.hung_after) return {};
  return "`sync.heartbeat_ms` (" + std::to_string(sync.heartbeat.count()) +
         ") is at most half of `sync.hung_after_ms` (" + std::to_string(sync.hung_after.count()) +
         "): otherwise trackers that are well count as hung between two heartbeats";
}

}  // namespace

ParsedTrackerConfig parse_tracker_config(std::string_view text) {
  ParsedTrackerConfig parsed;
  try {
    parsed.fault = take_all(keys_of(parsed.config), toml::parse(text));
    if (parsed.fault.empty()) parsed.fault = fault_of(parsed.config.sync);
  } catch (const toml::parse_error& error) {
    parsed.fault =
        "line " + std::to_string(error.source().begin.line) + ": " + std::string(error.description());
  }
  return parsed;
}

}  // namespace tutti
