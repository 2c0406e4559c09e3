#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/piece_checks.hpp"
#include "peer/share_hashing.hpp"

namespace tutti {

/// Decides what this client shares. Owns the list of the user's shares and the hashing of files that are to become some.
///
/// Rules:
/// - A file is asked about before it is hashed: a group that does not exist, or is not ours, is said at once and not
///   after ten minutes of reading.
/// - What is served is exactly what was hashed: the file's identity (size, time of change, inode) is taken before the
///   hashing and compared after it, at login, at every block that is read, and every `look_every` for all shares.
/// - A time of change is only as fine as the system's ticks: a file that has changed within the last one is measured
///   again after it, so that no write goes unseen that came after the measuring.
/// - A file that has changed or gone is taken back from the uploader and the trackers, and its owner is told. One whose
///   bytes are the same although its identity is not (a copy put in its place, a machine that lost power) stays: it is
///   hashed again, when nobody has written into it for a while, and keeps its share if it is still the same file. So does one that cannot be read for now (too many
///   files are open, a disk that has trouble): it is not served, and tried again every `rest`.
/// - A share that ends is not served from that moment, whatever the trackers say; that they have to hear of it is
///   remembered until one has.
/// - What is stopped while a login still brings the shares back ends when it comes back.
/// - A share that begins anew while the trackers are told of its end is told to them once more: which of the two they
///   heard last, nobody knows.
/// - What the trackers have taken as a share is one, also if the session that asked for it has ended meanwhile.
/// - Logging out stops serving and forgets nothing; logging in brings every share back that is still true.
/// - A directory is shared as one file (TreeDisk). What is in it when it is shared is what is shared: what comes to lie in
///   it later is not. One of which only a part is here is given up when that changes, as it cannot be hashed anew; and it
///   does not take the place of one of which more is here.
/// - Of a piece that somebody says came wrong from here, that piece is hashed again. If it is wrong, nothing of the file is
///   served from that moment: a download is hashed and what is wrong of it fetched again, anything else is shared no more.
/// - One file is hashed at a time, by all hashers: two at a time would only make both late.
class Librarian final
    : public ActorOf<Librarian, Joined<LibrarianRole::Accepts, Messages<SharesDue, MeasureDue>>> {
 public:
  struct Others {
    Ref<ShellRole> shell;
    Ref<TrackerLinkRole> tracker_link;
    Ref<SchedulerRole> scheduler;
    Ref<UploaderRole> uploader;
    Ref<StorageRole> storage;
    std::vector<Ref<FileHasherRole>> hashers;  ///< at least one
    Ref<ExporterRole> exporter = {};           ///< hears what the uploader hears; zero: nobody does
  };
  static constexpr Duration look_every = std::chrono::seconds(5);
  static constexpr Duration rest = std::chrono::seconds(30);
  /// How often, and how long at first, twice as long each time, see Share::doubts_left: for half a minute in all.
  static constexpr std::uint32_t doubts = 3;
  static constexpr Duration first_doubt = std::chrono::seconds(5);
  /// A file that was written into less long ago is not hashed again yet.
  static constexpr Duration still_written = std::chrono::seconds(5);
  /// To look at a directory can take long: it is not looked at again for so many times as long.
  static constexpr int looks_apart = 20;
  /// No system counts time in longer ticks.
  static constexpr std::chrono::milliseconds tick_max{20};
  static constexpr std::size_t looks_at_a_time = 256;
  static constexpr std::size_t jobs_max = 1024;
  static constexpr std::string_view not_logged_in = "nobody is logged in here: log in first";

  explicit Librarian(Others others);

  void check_invariants() const override;

  void on(const ShareFile& share, Context& context);
  void on(const UnshareFile& unshare, Context& context);
  void on(const ForgetCommand& forget, Context& context);
  void on(const Told& told, Context& context);
  void on(const SessionChanged& changed, Context& context);
  void on(const GroupLeft& left, Context& context);
  void on(const AdoptShare& adopt, Context& context);
  void on(const ReturnShare& back, Context& context);
  void on(const PieceHashed& hashed, Context& context);
  void on(const StretchHashed& hashed, Context& context);
  void on(const HashFailed& failed, Context& context);
  void on(const SharesRecalled& recalled, Context& context);
  void on(const FileChecked& checked, Context& context);
  void on(const ServingFailed& failed, Context& context);
  void on(const PieceReported& reported, Context& context);
  void on(const DamageSettled& settled, Context& context);
  void on(const SharesDue& due, Context& context);
  void on(const MeasureDue& due, Context& context);

 private:
  using ShareKey = std::pair<Gid, Fid>;
  using JobId = std::uint64_t;

  /// looking: is the file still the same? -> announcing (yes) | rehashing (no, but perhaps its bytes are)
  /// announcing: the trackers are told -> served | stopping; rehashing -> announcing | looking | stopping
  /// stopping: the trackers are told that it is over -> gone
  enum class ShareState : std::uint8_t { looking, rehashing, announcing, served, stopping };
  struct Share {
    ShareRecord record;
    ShareState state = ShareState::looking;
    Instant rests_until{};
    bool looked_at = false;  ///< just now
    bool trouble_told = false;
    /// That there is no such group, or that the user is not in it, is not believed so often. What a login brings back was
    /// shared in an earlier life of this client, which may have seen more than a tracker that has an old disk and is cut
    /// off: what that one does not know is not to end a share for good.
    std::uint32_t doubts_left = 0;
    std::optional<PieceIndex> damaged = {};  ///< this piece is wrong, and what becomes of it is not settled
  };
  /// A file on its way to be shared: asking (may it be?) -> waiting (its turn) -> measuring (its identity) -> hashing ->
  /// comparing (its identity again) -> adding (at the trackers) -> gone. A rehashed share begins at waiting and ends
  /// after comparing.
  enum class JobState : std::uint8_t { asking, waiting, measuring, hashing, comparing, adding };
  struct Job {
    JobState state = JobState::asking;
    Address asker;
    CommandId command;
    std::string path;
    GroupName group;
    FileName file;
    std::optional<ShareKey> rehashes;  ///< a share that is there already
    FileIdentity identity;
    ByteCount manifest_size = {};           ///< of a directory
    std::vector<std::string> skipped = {};  ///< what of it cannot be shared
    std::optional<Metainfo> metainfo;
    std::uint64_t percent_told = 0;
    std::uint32_t measurings = 0;
  };
  /// What to do with an answer that comes back under a number of ours.
  using WithTold = std::function<void(const Told&, Context&)>;
  using WithFile = std::function<void(const FileChecked&, Context&)>;

  void ask(ClientRequest what, WithTold then, Context& context);
  void look(const std::string& path, WithFile then, Context& context, bool anew = false);
  void tell(Address asker, CommandId command, TrackerAnswer what, Context& context);

  JobId new_job(Job job);
  void conclude_adding(JobId id, Told outcome, Context& context);
  void end_job(JobId id, Context& context);
  void fail_job(JobId id, Code code, std::string sentence, Context& context);
  void begin_next_job(Context& context);
  void measure(JobId id, Context& context);
  void begin_hashing(JobId id, const FileIdentity& identity, Context& context);
  void give_portions(Context& context);
  void hashed_more(Context& context);
  void compare(JobId id, Context& context);
  void add_file(JobId id, Context& context);
  void rehashed(JobId id, Context& context);
  std::size_t hasher_of(Address sender) const;

  void give_back(Address asker, const ReturnShare& back, Context& context);
  void look_at_share(const ShareKey& key, Context& context);
  void announce(const ShareKey& key, Context& context);
  void announce_anew(const ShareKey& key, Context& context);
  void serve(const Share& share, Context& context);
  void stop_serving(const StopServing& stop, Context& context);
  void put_share(const ShareKey& key, Share share, Context& context);
  void file_trouble(const ShareKey& key, Code code, std::string sentence, Context& context);
  void lose_share(const ShareKey& key, Code code, std::string sentence, Context& context);
  void end_share(const ShareKey& key, CloseReason reason, Context& context);
  bool is_checked(const PieceHashed& hashed, Context& context);
  bool is_checked(const HashFailed& failed, Context& context);
  void damaged(const PieceChecks::Check& check, Context& context);
  void tell_end(const ShareKey& key, Context& context);
  void end_told(const ShareKey& key, const Told& told, Context& context);
  void forget_share(const ShareKey& key, CloseReason reason, Context& context);
  void end_rehashing(const ShareKey& key, Context& context);
  std::vector<ShareKey> shares_called(const GroupName& group, const FileName& file) const;
  Share* find_share(const ShareKey& key);
  bool recalling() const { return uid_ && recalls_.contains(*uid_); }

  const Others others_;
  std::optional<Uid> uid_;              ///< of the session
  std::uint64_t session_ = 0;           ///< grows with every change of it: answers of an older one are void
  std::map<Uid, std::size_t> recalls_;  ///< answers that the store owes; the last is the true one
  std::set<std::pair<GroupName, FileName>> stopped_early_;       ///< by the user, while recalling
  std::vector<std::pair<Address, ReturnShare>> returned_early_;  ///< asked for, while recalling
  TimerId look_timer_;
  ShareKey last_looked_;

  std::map<ShareKey, Share> shares_;
  std::map<JobId, Job> jobs_;
  std::deque<JobId> waiting_jobs_;
  std::optional<JobId> at_work_;  ///< the one that is measured, hashed or compared
  std::optional<ShareHashing> hashing_;
  JobId last_job_ = 0;
  PieceChecks checks_;

  std::map<CommandId, WithTold> asked_;
  std::map<std::uint64_t, WithFile> looked_;
  std::uint64_t last_number_ = 0;
};

}  // namespace tutti
