#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/time.hpp"
#include "messages/inside_client.hpp"
#include "peer/piece_layout.hpp"
#include "peer/piece_picker.hpp"
#include "peer/rate_meter.hpp"
#include "peer/wrong_pieces.hpp"

namespace tutti {

/// How far a recheck of what is on the disk has come.
struct RecheckState {
  std::uint32_t pieces = 0;
  ByteCount right;
};

/// What the scheduler knows of one download of the user. Has a picker exactly while it runs and has its turn.
struct Download {
  DownloadRecord record;
  PieceLayout layout;
  DownloadPhase phase = DownloadPhase::finding;
  Instant phase_since{};
  Code code = Code::other;
  std::string sentence;

  /// Its place could not be made ready: when to try again.
  std::optional<Instant> prepare_at;
  std::uint64_t queued = 0;  ///< its place among those that wait for a turn
  /// What is on the disk, while no picker counts it.
  Bitfield prepared;
  /// What is to be: all of it, but for a directory of which only a part is wanted, or whose manifest has not come.
  Bitfield wanted;
  std::optional<PiecePicker> picker;
  std::uint32_t run = 0;  ///< what the verifier says of another one is not of this one
  ByteCount verified;
  RateMeter rate;

  /// none -> asked (StartShare) -> served; off: the user does not want it.
  enum class Sharing : std::uint8_t { none, asked, served, off } sharing = Sharing::none;
  /// The trackers have been asked to name the user as a sharer.
  bool announced = false;
  /// The user shares the file apart from this download, so its end does not end that: the trackers know users, not
  /// where their files are. Not known of a download that a login brings back until they have named its sharers; it
  /// counts as shared till then.
  std::optional<bool> shared_apart;
  bool finishing = false;  ///< the store gives it its name
  std::optional<RecheckState> recheck;
  std::vector<Sharer> sharers;
  /// Peers that closed the file, or cannot be reached: not asked again before.
  std::map<PeerKey, Instant> shunned;
  /// Those of them that have said they are busy, and for how long each was left alone then.
  std::map<PeerKey, Duration> turned_away_by;
  /// Who has sent what wrong, where that is borne.
  std::map<PeerKey, WrongPieces> wrong;
  /// Who fetches it beside us and can be counted on, as was looked at last.
  struct Fellows {
    std::vector<ClientKey> counted_on;  ///< sorted
    bool may_trade = false;             ///< with them, or with somebody who is not met yet
    Instant looked_at{};
    bool is_stale = true;  ///< somebody has come or gone since
  };
  Fellows fellows;
  /// Among whom its pieces are shared out, beside us.
  std::vector<ClientKey> shared_with;
  /// Who has opened it here, and so fetches it; some of them, if they are many.
  std::set<ClientKey> wanted_by;
  Instant ask_sharers_at{};
  Duration sharers_pause{};  ///< before the trackers are asked next; 0: they have not been asked at all
  bool asking_sharers = false;
  bool sharers_known = false;  ///< the trackers have answered the last question that is over
  bool searched = false;       ///< there has been time to find somebody

  Download(DownloadRecord of, Bitfield on_disk)
      : record(std::move(of)),
        layout(record.metainfo),
        phase(record.phase),
        prepared(std::move(on_disk)),
        wanted(wanted_of(record)) {}

  static Bitfield wanted_of(const DownloadRecord& record);
  /// A directory of which it is not known yet what is in it.
  bool lacks_manifest() const { return record.metainfo.is_tree() && record.wanted.empty(); }

  bool runs() const { return phase != DownloadPhase::complete && phase != DownloadPhase::failed; }
  /// The user has paused it, and so it is.
  bool rests() const { return phase == DownloadPhase::paused; }
  bool waits_for_turn() const {
    return runs() && !picker && !prepare_at && !recheck && !record.wishes.paused;
  }
  /// What there is of it may be fetched by others while it has no turn.
  bool serves_at_rest() const { return rests() && !prepare_at && !recheck; }
  const Bitfield& pieces() const { return picker ? picker->verified_pieces() : prepared; }
  DownloadRow row(Instant now, std::uint32_t peers) const;
  /// For people: why it waits.
  std::string nobody_shares() const;
};

}  // namespace tutti
