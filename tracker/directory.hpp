#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/time.hpp"
#include "messages/tracker_tracker.hpp"
#include "tracker/facts.hpp"
#include "tracker/keyed_hash.hpp"

namespace tutti {

/// Something that a user wants to know now, on whatever links of this tracker the user is.
struct NoticeTo {
  Uid to;
  Notice notice;
};

/// Somebody's membership has ended: the group's epoch is a higher one.
struct Departure {
  Gid gid;
  std::string group;  ///< name
  std::uint64_t epoch = 0;
  std::optional<Uid> gone;  ///< who was a member
  std::string sentence;     ///< for whoever was
};

/// What joining facts changed.
struct Changes {
  std::vector<Row> rows;  ///< to be written (or erased) in the transaction that stores the delta
  std::vector<NoticeTo> told;
  std::vector<Departure> departures;
};

/// Which of an account's passwords one is: as its fact orders them. An account's first one has no name: zeros.
struct PasswordName {
  std::uint64_t counter = 0;
  StoreId origin;
  bool operator==(const PasswordName&) const = default;
};

/// A user who may be meant by a name at login, and how to check the password.
struct LoginCandidate {
  Uid uid;
  std::string verifier;
  PasswordName password = {};
};

/// A session that stands.
struct Session {
  Uid uid;
  RequestCounter generation;
  ClientKey client = {};
  std::uint64_t expires = 0;  ///< milliseconds since 1970
};

/// To whom a group was given last.
struct TransferView {
  std::uint64_t counter = 0;  ///< 0: it never was
  Uid uid;
};

/// What a user is to a group, with what a change of it needs.
struct MembershipView {
  std::uint64_t generation = 0;  ///< 0: none ever
  MembershipRank rank = MembershipRank::left;
  std::uint64_t over = 0;      ///< as its fact says it, and as facts that end or accept it are to say it
  std::uint64_t departed = 0;  ///< the last generation that was accepted and is over; 0: none
  bool is_member() const { return generation != 0 && rank == MembershipRank::accepted; }
  bool is_requested() const { return generation != 0 && rank == MembershipRank::requested; }
};

/// A user's intent to share a file, in the user's present membership.
struct ShareView {
  std::uint64_t generation = 0;  ///< 0: none in this membership
  bool on = false;
};

/// How much a group's files take for ever.
struct DescribedFiles {
  std::uint32_t files = 0;
  std::uint64_t pieces = 0;
};

/// A file of a group, without its piece digests: those are in the store alone.
struct FileView {
  Fid fid;
  std::string name;  ///< as it is listed: its own, or `name~tN`
  std::string own_name;
  ByteCount size;
  Sha1 sha1;
  bool alive = false;  ///< somebody has said to share it
  bool tree = false;   ///< it is a directory
};

struct DirectoryState;

/// The state of a tracker: a set of facts that only joins, and the views that people see, kept as it changes.
///
/// Decides what facts join to and what follows from them: who has a name, who is a member, who owns, which files are
/// listed, who shares. Owns all of it in memory, but for metainfo (the store has that: a million of them would not
/// fit). No I/O, no time: facts in, views out.
///
/// Rules:
/// - Joining is commutative, associative and idempotent: trackers that have the same facts are equal, however the
///   facts came. So every rule below is a rule about the facts, never about their arrival.
/// - Ids are authority, names are labels: a user who loses a name keeps groups and files under `name~tN`.
/// - An account that was withdrawn, since its name was lost before anybody was told of it, is not listed and bears no
///   name.
/// - A group without members is gone and its name is free: nobody could be let in any more, as nobody owns it. Should
///   a member turn up who was accepted at another tracker meanwhile, it is back, and the older claim has the name.
/// - A file that no member intends to share is not listed and its name is free in the group for other content, since
///   nobody could ever get it. Its metainfo stays, so whoever shares it again need not be asked for it.
/// - An acceptance is judged once, by the tracker that took the owner's request, by what it knew. Judging it again
///   after each merge would let a later change of owner undo old acceptances. In doubt the group gets smaller: within
///   a generation a revocation holds against any acceptance.
/// - A share intent is made in one membership; when that ends, so does its effect.
/// - A group is owned by the member to whom it was given last, while that very membership lasts; else by the
///   longest-standing member.
/// - A session is of effect while the password holds that was proven for it.
/// - What is only good for a while is forgotten, the oldest first, by an order of the facts and no clock: what requests were
///   answered, beyond so many of a client and of all; and that a session was closed, a month and more before the newest of
///   those.
/// - Nothing here walks everything: a change costs the logarithm of what there is, and the size of what it is about.
class Directory {
 public:
  /// Outcomes that are kept of all clients together.
  static constexpr std::size_t outcomes_kept_max = 1'000'000;

  explicit Directory(const HashSecret& secret = {}, std::size_t outcomes_kept = outcomes_kept_max);
  Directory(Directory&&) noexcept;
  Directory& operator=(Directory&&) noexcept;
  ~Directory();

  /// Joins what a delta says. Known facts change nothing.
  Changes apply(const Delta& delta);
  /// Joins one row of another tracker's state.
  Changes join(const Fact& fact);
  /// The same of many. `row` is that fact as a store keeps it: where it holds it is to be written as it came.
  void join(const Fact& fact, const StoredRow& row, Changes& changes);
  /// Joins a row of the own store: nothing to write, nobody to tell.
  void load(const Fact& fact);
  /// From here until list_some() has said true, rows come and nothing is asked but the digest: listings are made at
  /// the end, which for millions of rows takes a fraction of keeping them with each. Nobody is told anything either.
  void begin_bulk();
  /// A part of that, a few milliseconds; true: it is done. No rows come in between.
  bool list_some();
  bool is_listed() const;
  /// Rows of any kind, and of things that rows speak of: how large the state is.
  std::uint64_t size() const;

  /// Equal for equal states.
  StateDigest digest() const;
  DigestList<StateDigest> bucket_digests() const;

  // --- names. Text is what people type: a name, or `name~tN` for one who lost it ------------------------------
  std::optional<Uid> user_named(std::string_view text) const;
  std::optional<Gid> group_named(std::string_view text) const;  ///< alive groups only
  std::string name_of(const Uid& uid) const;                    ///< empty if nothing is known of it
  std::string name_of(const Gid& gid) const;
  /// Everybody who may be meant by `text`: the holder of the name first, then those who lost it and may not know.
  std::vector<LoginCandidate> login_candidates(std::string_view text) const;
  /// The password of a user that holds; nothing if none is known.
  std::optional<LoginCandidate> password_of(const Uid& uid) const;
  std::uint64_t password_counter(const Uid& uid) const;
  /// What a user has to be told at login: a name that was lost, of the user or of an owned group.
  std::vector<std::string> renamings_of(const Uid& uid) const;

  // --- groups ---------------------------------------------------------------------------------------------------
  bool is_alive(const Gid& gid) const;
  std::optional<Uid> owner_of(const Gid& gid) const;
  TransferView last_transfer(const Gid& gid) const;
  MembershipView membership(const Gid& gid, const Uid& uid) const;
  Standing standing(const Gid& gid, const Uid& uid) const;
  /// A number that is higher after each departure from the group. Two states that join have a higher one than either, if
  /// each knows of somebody's departure that the other does not know of.
  std::uint64_t epoch(const Gid& gid) const;
  std::uint32_t member_count(const Gid& gid) const;
  /// Groups that a user is in or asks to join, and those that the user ever was in or asked to join.
  std::uint32_t standings_of(const Uid& uid) const;
  std::uint32_t standings_ever_of(const Uid& uid) const;
  /// Requests to join that wait for the owner.
  std::uint32_t request_count(const Gid& gid) const;
  /// Up to `limit` ids whose names come after `after` (as listed), in the order of their names.
  std::vector<Gid> groups_after(std::string_view after, std::size_t limit) const;
  std::vector<Uid> users_after(std::string_view after, std::size_t limit) const;
  std::vector<Uid> members_after(const Gid& gid, std::string_view after, std::size_t limit) const;
  std::vector<Uid> requests_after(const Gid& gid, std::string_view after, std::size_t limit) const;

  // --- files ----------------------------------------------------------------------------------------------------
  std::optional<FileView> file(const Gid& gid, const Fid& fid) const;
  std::optional<FileView> file_named(const Gid& gid, std::string_view text) const;  ///< alive files only
  std::vector<FileView> files_after(const Gid& gid, std::string_view after, std::size_t limit) const;
  ShareView share(const Gid& gid, const Fid& fid, const Uid& uid) const;
  /// Files that a user shares, in all groups, and those that the user ever shared.
  std::uint32_t shared_by(const Uid& uid) const;
  std::uint32_t shared_ever_by(const Uid& uid) const;
  /// Their pieces, as far as they were described when it was learned that the user shares them.
  std::uint64_t pieces_ever_by(const Uid& uid) const;
  /// What is known of files in a group, be they shared by anybody or not.
  DescribedFiles described_in(const Gid& gid) const;
  /// Members who intend to share the file, online or not. In no order.
  std::vector<Uid> sharers_of(const Gid& gid, const Fid& fid) const;
  std::uint32_t sharer_count(const Gid& gid, const Fid& fid) const;
  /// Those of them who are online, in the order of `nth`, and how many there are.
  std::uint32_t online_sharer_count(const Gid& gid, const Fid& fid) const;
  Uid online_sharer(const Gid& gid, const Fid& fid, std::uint32_t nth) const;
  /// A user is heard of, or is not any more: soft state that no fact and no digest knows.
  void user_is(const Uid& uid, bool online);

  // --- sessions and requests --------------------------------------------------------------------------------------
  /// The session of `client` if `token` proves it and it has not expired.
  std::optional<Session> session(const ClientKey& client, const SessionToken& token, WallTime now) const;
  /// The session of `client`, whoever asks: for presence and notices.
  std::optional<Session> open_session(const ClientKey& client) const;
  /// The sessions of a user that have not expired, up to `limit`, the newest first.
  std::vector<Session> sessions_of(const Uid& uid, WallTime now, std::size_t limit) const;
  /// Clients with sessions of a user, also such as have expired or are of no effect.
  std::uint32_t session_count(const Uid& uid) const;
  /// Those of them but `but` that expire first, `count` at most.
  std::vector<Session> first_to_expire(const Uid& uid, const ClientKey& but, std::size_t count) const;
  /// True if the last login on `client` that this process knows of, be it closed since, was that user's.
  bool is_familiar(const ClientKey& client, const Uid& uid) const;
  /// True if `token` was that of a session of `client` that was closed, or followed by a newer one, since this process
  /// began, or that ended with the user's password. False says nothing: the end of many is forgotten, and so is what was before a start.
  bool has_ended(const ClientKey& client, const SessionToken& token) const;
  /// The highest generation of session that `client` had, open or not; 0: none, or one that was closed long ago.
  RequestCounter last_session(const ClientKey& client) const;
  /// What a request was answered, if it changed something.
  std::optional<TrackerAnswer> outcome(const ClientKey& client, RequestCounter counter) const;
  /// Tokens that `client` holds for the session that it has: one for each tracker that its login ran at.
  std::uint32_t token_count(const ClientKey& client) const;
  /// True for a request so old that its outcome may have been forgotten, as the client has changed so much since.
  bool is_forgotten(const ClientKey& client, RequestCounter counter) const;

  std::uint64_t user_count() const;
  std::uint64_t group_count() const;  ///< alive
  std::uint64_t file_count() const;   ///< alive

  /// ENSUREs that every view is what its facts say, computed anew.
  void check_invariants() const;

 private:
  std::unique_ptr<DirectoryState> state_;
};

}  // namespace tutti
