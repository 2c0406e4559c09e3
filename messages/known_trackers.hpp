#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/tracker_info.hpp"

namespace tutti {

/// A tracker that was met before, and the key that it had.
struct KnownTracker {
  std::string endpoint;  ///< as TrackerEntry::client_endpoint()
  LinkKey key;
  std::size_t line = 0;  ///< of the file, from 1; 0: remembered since it was read
};

/// What a file of known trackers says, or the first line of it that is wrong.
struct KnownTrackersRead {
  std::vector<KnownTracker> trackers;
  std::string fault;  ///< a sentence; empty: none
  std::size_t fault_line = 0;
};

/// Reads `host:port key`, one tracker a line, the key in Z85. Blank lines and what follows a `#` at the start of a word are
/// skipped. A line that is not understood is a fault: to pass over it would be to trust anybody anew.
KnownTrackersRead parse_known_trackers(std::string_view text);
/// One line of it, without its end.
std::string known_tracker_line(const std::string& endpoint, const LinkKey& key);

/// Decides which key each tracker of the file has to prove, and what to think of one that is told.
///
/// Rules:
/// - A key in the tracker file wins over a remembered one: whoever wrote it there knew.
/// - Without either, a key that is told is only a claim: links are dialled with it, and the next one takes its place. When
///   a link has proven it, it is the key from then on (trust on first use). Anybody may have answered first.
/// - Any other key than the one that is known is refused, and said so in a sentence that tells people what to do. It is
///   only told, not proven: nothing is forgotten for it.
class TrackerTrust {
 public:
  /// Paths are for the sentences.
  TrackerTrust(const std::vector<TrackerEntry>& trackers, std::string info_path, std::string known_path,
               const std::vector<KnownTracker>& known);

  /// The key to dial a tracker with, by its number, known or claimed; nothing before one is told.
  std::optional<LinkKey> key_of(std::uint32_t number) const;
  /// All keys that are known but this tracker's own.
  std::vector<LinkKey> keys_but(std::uint32_t number) const;

  enum class Verdict : std::uint8_t { expected, claimed, changed };
  /// A tracker is said to have this key. `claimed`: nothing is known of it, and this is new.
  Verdict judge(std::uint32_t number, const LinkKey& told);
  /// A link to a tracker has proven this key. True if it is known only from now on: remember it.
  bool met(std::uint32_t number, const LinkKey& proven);

  std::string met_sentence(std::uint32_t number) const;
  std::string changed_sentence(std::uint32_t number, const LinkKey& told) const;

 private:
  struct Expected {
    TrackerEntry entry;
    std::optional<LinkKey> key;
    std::optional<LinkKey> claim;  ///< while there is no key
    std::size_t known_line = 0;    ///< 0: not from the file of known trackers
  };
  std::vector<Expected> trackers_;  ///< by number, from 1
  std::string info_path_;
  std::string known_path_;
};

}  // namespace tutti
