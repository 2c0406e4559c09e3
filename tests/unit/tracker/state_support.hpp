#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/digest.hpp"
#include "messages/codec.hpp"
#include "messages/text.hpp"
#include "tracker/decisions.hpp"
#include "tracker/directory.hpp"
#include "tracker/logs.hpp"
#include "tracker/lost_names.hpp"
#include "tracker/online.hpp"
#include "tracker/presence.hpp"

// Trackers without actors, stores or wires: pure state, asked and synchronised by hand.

namespace tutti::test {

template <class Id>
Id id_of(std::uint8_t number) {
  Id id;
  id.bytes.fill(number);
  return id;
}

inline Metainfo metainfo_of(std::string name, std::uint8_t content) {
  Metainfo metainfo;
  metainfo.name = {std::move(name)};
  metainfo.size = {1000};
  metainfo.piece_length = 512_KiB;
  metainfo.sha1 = id_of<Sha1>(content);
  metainfo.piece_sha1.push_back(id_of<Sha1>(content));
  metainfo.piece_sha256.push_back(id_of<Sha256>(content));
  return metainfo;
}

inline Fid fid_of(const Metainfo& metainfo) { return fid_of_record(encode_record(metainfo)); }

struct TestClient {
  explicit TestClient(std::uint8_t number) : key(id_of<ClientKey>(number)) {}
  ClientKey key;
  RequestCounter counter;
  SessionToken token;
};

/// One tracker: directory, own log and a store that is a map.
class TestTracker {
 public:
  explicit TestTracker(std::uint32_t number_in_file);

  /// Decides a request of a client, applies what it did, and gives the client its token. Uses the next counter.
  TrackerAnswer ask(TestClient& client, ClientRequest what);
  /// The same without a new counter: the client asks again.
  TrackerAnswer ask_again(TestClient& client, ClientRequest what);
  /// Asks, and fails the test unless the answer is of this type.
  template <class Wanted>
  Wanted get(TestClient& client, ClientRequest what) {
    const TrackerAnswer answer = ask(client, std::move(what));
    const Wanted* wanted = answer.get<Wanted>();
    if (wanted == nullptr) fail(answer);
    return *wanted;
  }
  void succeeds(TestClient& client, ClientRequest what) { get<Done>(client, std::move(what)); }
  /// Asks, and fails the test unless the answer is a refusal with a sentence.
  Code code(TestClient& client, ClientRequest what) { return refusal(client, std::move(what)).code; }
  Refused refusal(TestClient& client, ClientRequest what);

  /// Takes a delta if it comes next; false if it leaves a gap.
  bool receive(const Delta& delta);
  /// Takes everything that `other` has.
  void follow(const TestTracker& other);
  void confirm(const std::vector<Operation>& operations) { seal(confirmation_of(operations)); }
  void undo(std::vector<Operation> operations) { seal(std::move(operations)); }
  void present(const TestClient& client, std::uint64_t count);

  std::uint32_t number;
  Directory directory;
  Presence presence;
  LogHeads heads;
  OwnLog log;
  std::vector<Delta> deltas;
  std::map<Bytes, Row> rows;
  std::vector<NoticeTo> told;
  WallTime wall{std::chrono::milliseconds{1'000'000}};
  Instant now{std::chrono::seconds{100}};
  LimitConfig limits;
  SigningKeys signing;

 private:
  [[noreturn]] static void fail(const TrackerAnswer& answer);
  void seal(std::vector<Operation> operations);
  void apply(const Delta& delta);
  std::uint8_t tokens_made_ = 0;
};

inline constexpr std::size_t all = 1'000'000;

inline std::string verifier_of(const std::string& password) { return "verifier of " + password; }

inline PasswordResult work(const PasswordWork& work) {
  PasswordResult result;
  if (work.make_verifier) result.verifier = verifier_of(work.password);
  for (const LoginCandidate& each : work.candidates)
    if (!result.matched && each.verifier == verifier_of(work.password)) result.matched = each;
  if (result.matched && !work.new_password.empty()) result.verifier = verifier_of(work.new_password);
  return result;
}

/// Everything that people can see of a directory, as text: equal states print equally.
inline std::string printed(const Directory& directory) {
  std::string text;
  for (const Uid& uid : directory.users_after("", all)) {
    text += "user " + directory.name_of(uid) + " " + uid.hex() + "\n";
    for (const LoginCandidate& each : directory.login_candidates(directory.name_of(uid)))
      text += "  login " + each.uid.hex() + " " + each.verifier + "\n";
  }
  for (const Gid& gid : directory.groups_after("", all)) {
    text += "group " + directory.name_of(gid) + " " + gid.hex() + " owner " + directory.owner_of(gid)->hex() +
            " " + std::to_string(directory.member_count(gid)) + " epoch " +
            std::to_string(directory.epoch(gid)) + "\n";
    for (const Uid& uid : directory.members_after(gid, "", all))
      text += "  member " + directory.name_of(uid) + "\n";
    for (const Uid& uid : directory.requests_after(gid, "", all))
      text += "  request " + directory.name_of(uid) + "\n";
    for (const FileView& file : directory.files_after(gid, "", all)) {
      text += "  file " + file.name + " " + file.fid.hex() + "\n";
      std::vector<Uid> sharers = directory.sharers_of(gid, file.fid);
      std::sort(sharers.begin(), sharers.end());
      for (const Uid& uid : sharers) text += "    sharer " + uid.hex() + "\n";
    }
  }
  return text;
}

inline TestTracker::TestTracker(std::uint32_t number_in_file)
    : number(number_in_file),
      log({id_of<StoreId>(static_cast<std::uint8_t>(number_in_file)), {}, {}}, HybridClock{}),
      signing(signing_keys_of({static_cast<std::uint8_t>(number_in_file)})) {}

inline TrackerAnswer TestTracker::ask(TestClient& client, ClientRequest what) {
  ++client.counter;
  return ask_again(client, std::move(what));
}

inline TrackerAnswer TestTracker::ask_again(TestClient& client, ClientRequest what) {
  Question question{client.key, "10.0.0.1", client.counter, client.token, std::move(what), {}, {}};
  question.fresh_token.bytes.fill(static_cast<std::uint8_t>(number * 16));
  question.fresh_token.bytes[0] = ++tokens_made_;
  if (const auto asked = password_work(directory, question, wall)) question.password = work(*asked);
  const Decision decision = decide(
      directory, question, {number, wall, &presence, {}, limits, log.head().origin, signing, {signing.key}});
  if (!decision.operations.empty()) seal(decision.operations);
  if (decision.presence && presence.heard(*decision.presence, now))
    note_online(directory, presence, decision.presence->uid);
  if (const LoggedIn* in = decision.answer.get<LoggedIn>()) client.token = in->token;
  return decision.answer;
}

inline Refused TestTracker::refusal(TestClient& client, ClientRequest what) {
  const std::size_t before = deltas.size();
  const Refused refused = get<Refused>(client, std::move(what));
  if (refused.sentence.empty() || deltas.size() != before)
    throw std::logic_error("a refusal says why, changes nothing");
  return refused;
}

inline void TestTracker::fail(const TrackerAnswer& answer) {
  throw std::logic_error("unexpected answer: " +
                         std::visit([](const auto& message) { return to_text(message); }, answer.value));
}

inline void TestTracker::seal(std::vector<Operation> operations) {
  if (operations.empty()) return;
  apply(log.seal(std::move(operations), wall));
}

inline void TestTracker::apply(const Delta& delta) {
  heads.advance(delta, hash_of(delta));
  log.clock().saw(delta.stamp);
  Changes changes = directory.apply(delta);
  for (Row& row : changes.rows) {
    if (row.value.empty()) {
      rows.erase(row.key);
    } else {
      rows[row.key] = std::move(row);
    }
  }
  for (const Operation& each : delta.operations) note_online(directory, presence, each);
  told.insert(told.end(), changes.told.begin(), changes.told.end());
  deltas.push_back(delta);
  directory.check_invariants();
}

inline bool TestTracker::receive(const Delta& delta) {
  const DeltaFit fit = heads.judge(delta);
  if (fit == DeltaFit::forked) throw std::logic_error("a sequence number was used twice");
  if (fit == DeltaFit::next) apply(delta);
  return fit != DeltaFit::gap;
}

inline void TestTracker::follow(const TestTracker& other) {
  const std::vector<Delta> theirs = other.deltas;
  for (const Delta& each : theirs)
    if (!receive(each)) throw std::logic_error("a tracker's deltas are not in the order of their logs");
}

inline void TestTracker::present(const TestClient& client, std::uint64_t count) {
  const auto session = directory.session(client.key, client.token, wall);
  if (!session) throw std::logic_error("no session");
  presence.heard({client.key, session->uid, session->generation, count, Presence::ttl, "10.0.0.1", 7000},
                 now);
  note_online(directory, presence, session->uid);
}

/// Both have what either had.
inline void sync(TestTracker& a, TestTracker& b) {
  a.follow(b);
  b.follow(a);
}

}  // namespace tutti::test
