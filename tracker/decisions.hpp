#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "actors/signatures.hpp"
#include "actors/time.hpp"
#include "messages/tracker_tracker.hpp"
#include "tracker/config.hpp"
#include "tracker/directory.hpp"
#include "tracker/piece_reports.hpp"
#include "tracker/presence.hpp"

namespace tutti {

/// A login lasts so long; every login begins a new one.
constexpr std::chrono::days session_lifetime{30};

/// So many of those who share a file are named, about, when that is asked while it is fetched: every two seconds by
/// everybody, who fetches from a few dozen of them.
constexpr std::size_t sharers_named_max = 100;

/// Password work that has to be done before a request can be decided. It is heavy, so it is done elsewhere.
struct PasswordWork {
  std::string password;
  bool make_verifier = false;  ///< true: an account is made; false: a password is checked
  /// To be tried in this order. Empty for an unknown name: the same work is to be done in vain, so that time does not
  /// tell whether a user exists.
  std::vector<LoginCandidate> candidates;
  std::string new_password = {};  ///< to be hashed if `password` fits
  std::string user = {};          ///< of a check: the name as it was typed
  bool familiar = false;          ///< of a check: a candidate has logged in on this client before
};
struct PasswordResult {
  std::string verifier;  ///< of make_verifier or a new password; empty: there was no memory to make it
  std::optional<LoginCandidate> matched;  ///< of a check
};

/// One request and all that it takes to decide it.
struct Question {
  ClientKey client;       ///< of the link, proven
  std::string seen_host;  ///< where the client's link comes from
  RequestCounter counter;
  SessionToken token;
  ClientRequest what;
  SessionToken fresh_token;  ///< secret bytes for the session, should one be opened (Login only)
  std::optional<PasswordResult> password;
};

/// What the tracker knows besides its facts.
struct Circumstances {
  std::uint32_t tracker = 0;  ///< number of this tracker in the tracker file
  WallTime wall;
  const Presence* presence = nullptr;
  std::vector<TrackerRow> trackers;  ///< for AskStatus
  LimitConfig limits = {};
  StoreId store = {};                     ///< that the operations will come from
  SigningKeys signing = {};               ///< of this tracker, for AskTicket
  std::vector<SigningKey> signers = {};   ///< of all trackers that are known here, for AskTicketRules
  const PieceReports* reports = nullptr;  ///< with the time that it is for them
  Instant now = {};
};

struct FileKey {
  Gid gid;
  Fid fid;
  bool operator==(const FileKey&) const = default;
};

struct Decision {
  TrackerAnswer answer;
  /// To be sealed into one delta, applied and stored before the answer is given; empty: nothing changes.
  std::vector<Operation> operations;
  /// `answer` is a FileFound whose metainfo is still empty: to be filled with this one's from the store.
  std::optional<FileKey> metainfo_of;
  /// Somebody is online from now on (a login): to be heard by Presence and gossiped, once the answer is given.
  std::optional<PresenceGossip> presence;
  /// A member has said that a piece was wrong: to be heard by PieceReports, and told on, once the answer is given.
  std::optional<ReportHeard> report = {};
};

/// Whether such a request changes something when it succeeds.
bool changes_something(const ClientRequest& request);

/// The password work that `question` needs; nothing if it needs none, also because it will be refused anyway.
std::optional<PasswordWork> password_work(const Directory& directory, const Question& question,
                                          WallTime wall);

/// Decides one request. A request whose outcome is recorded gets that outcome. Checks come in this order: login, the
/// names, that the group exists, membership or ownership, then the rest; the first that fails is the answer. For
/// requests with password_work() the result has to be in the question. Pure: the same question and state, the same
/// decision.
Decision decide(const Directory& directory, const Question& question, const Circumstances& now);

}  // namespace tutti
