#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/payload.hpp"
#include "actors/time.hpp"

namespace tutti {

/// Decides who is named to whom: which members share which file. A file is what has a name and a SHA-1.
///
/// Rules:
/// - Whoever asks shares from then on, under the address it asks from and the port it says; it is not named to itself in
///   its first answer, but in all others, after those who came before it. All as the originals do it.
/// - A member asks every ten seconds or so for as long as it lives. One that has not asked for `forgotten_after` is gone:
///   the originals name it for ever, and every other one dials it in vain, a second each, before those that live.
/// - Bounded: `members_max` in all, `members_of_host_max` of one address, and as to the text that is kept for them (names of
///   files are as long as whoever asks likes) `text_max` and `text_of_host_max`; beyond that the ones who were silent
///   longest, of that address if it has too many, give their places to newcomers.
/// - Answers share their text, as far as it stays the same when somebody comes or goes: ten thousand members ask a thousand
///   times a second, for 200 KB each, and do not take them all at once.
class ConductorTable {
 public:
  static constexpr std::size_t members_max = 100'000;
  static constexpr std::size_t members_of_host_max = 10'000;
  static constexpr std::size_t text_max = 64U << 20U;         ///< bytes
  static constexpr std::size_t text_of_host_max = 8U << 20U;  ///< bytes

  explicit ConductorTable(Duration forgotten_after) : forgotten_after_(forgotten_after) {}

  struct Answer {
    std::vector<Payload> text;  ///< one after the other
    bool is_new = false;        ///< the asker has come with this question
  };
  Answer asked(const std::string& name, const std::string& sha1, const std::string& member, Instant now);

  struct Gone {
    std::string name;
    std::string member;
  };
  /// Forgets those who have been silent for too long.
  std::vector<Gone> forget(Instant now);
  std::optional<Instant> forget_at() const;

  struct Row {
    std::string name;
    std::string sha1;
    std::vector<std::string> members;
  };
  std::vector<Row> rows() const;
  std::size_t size() const { return silent_.size(); }
  std::size_t text_bytes() const { return text_; }
  void check_invariants() const;

 private:
  using FileKey = std::pair<std::string, std::string>;
  struct Member {
    std::uint64_t place = 0;  ///< in the order of coming
    Instant heard{};
  };
  /// Members who came one after the other, as an answer has them.
  struct Run {
    std::size_t members = 0;
    Payload lines;  ///< empty: to be made
  };
  struct File {
    std::map<std::string, Member> members;
    std::map<std::uint64_t, std::string> order;
    std::map<std::uint64_t, Run> runs;  ///< by the place from which on their members have come
  };
  struct Silent {
    FileKey file;
    std::string member;
    bool operator==(const Silent&) const = default;
  };
  using SilentKey = std::pair<Instant, std::uint64_t>;

  static constexpr std::size_t run_members = 512;

  static std::vector<Payload> answer_of(const FileKey& key, File& file);
  static void join_run(File& file, std::uint64_t place);
  static void leave_run(File& file, std::uint64_t place);
  void heard_again(Member& member, Instant now);
  static std::size_t text_of(const Silent& member);
  void make_room_for(const std::string& host, std::size_t text);
  Gone drop(const SilentKey& who);

  Duration forgotten_after_;
  std::map<FileKey, File> files_;
  std::map<SilentKey, Silent> silent_;  ///< all members, by when they were heard; places are unique
  struct Host {
    std::set<SilentKey> silent;
    std::size_t text = 0;
  };
  std::map<std::string, Host> hosts_;  ///< the same of each address
  std::size_t text_ = 0;
  std::uint64_t last_place_ = 0;
};

}  // namespace tutti
