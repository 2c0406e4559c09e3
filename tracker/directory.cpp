#include "tracker/directory.hpp"

#include <algorithm>
#include <utility>

#include "actors/digest.hpp"
#include "actors/ensure.hpp"
#include "messages/codec.hpp"
#include "messages/names.hpp"
#include "tracker/state.hpp"
#include "tracker/state_told.hpp"

namespace tutti {

namespace {

std::uint64_t milliseconds_since_1970(WallTime wall) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall.time_since_epoch().count()));
}

}  // namespace

Directory::Directory(const HashSecret& secret, std::size_t outcomes_kept)
    : state_(std::make_unique<DirectoryState>(secret, outcomes_kept)) {}
Directory::Directory(Directory&&) noexcept = default;
Directory& Directory::operator=(Directory&&) noexcept = default;
Directory::~Directory() = default;

Changes Directory::apply(const Delta& delta) {
  ENSURE(!state_->listing);
  Changes changes;
  state_->changes = &changes;
  for (const Operation& each : delta.operations) state_->join(delta.origin, delta.stamp, each);
  state_->changes = nullptr;
  return changes;
}

Changes Directory::join(const Fact& fact) {
  ENSURE(!state_->listing);
  Changes changes;
  state_->changes = &changes;
  state_->join(fact.origin, fact.stamp, fact.operation);
  state_->changes = nullptr;
  return changes;
}

void Directory::join(const Fact& fact, const StoredRow& row, Changes& changes) {
  ENSURE(!state_->listing);
  state_->changes = &changes;
  state_->joining = {&fact, &row};
  state_->join(fact.origin, fact.stamp, fact.operation);
  state_->joining = {};
  state_->changes = nullptr;
}

void Directory::load(const Fact& fact) { state_->join(fact.origin, fact.stamp, fact.operation); }
void Directory::begin_bulk() { state_->begin_bulk(); }
bool Directory::list_some() { return state_->list_some(); }
bool Directory::is_listed() const { return state_->keeps_lists; }

std::uint64_t Directory::size() const {
  return std::uint64_t{state_->users.size()} + state_->groups.size() + state_->files.size() +
         state_->memberships.size() + state_->clients.size() - state_->clients.erased();
}

StateDigest Directory::digest() const { return state_->digest.total(); }
DigestList<StateDigest> Directory::bucket_digests() const { return state_->digest.buckets(); }

// --- names ------------------------------------------------------------------------------------------------------

std::optional<Uid> Directory::user_named(std::string_view text) const {
  const auto found = state_->find_user(text);
  return found ? std::optional(state_->users[*found].id) : std::nullopt;
}

std::optional<Gid> Directory::group_named(std::string_view text) const {
  const auto found = state_->find_group(text);
  return found ? std::optional(state_->groups[*found].id) : std::nullopt;
}

std::string Directory::name_of(const Uid& uid) const {
  const auto found = state_->users.find(uid);
  return found ? state_->listed_name(*found) : std::string{};
}

std::string Directory::name_of(const Gid& gid) const {
  const auto found = state_->groups.find(gid);
  return found ? state_->listed_name(*found) : std::string{};
}

std::vector<LoginCandidate> Directory::login_candidates(std::string_view text) const {
  // Each candidate costs a password hash; a name that more have lost needs its mark to be typed.
  constexpr std::size_t candidates_max = 4;
  std::vector<LoginCandidate> candidates;
  for (const auto& [user, listed] : state_->users_called(without_mark(text))) {
    const UserRow& row = state_->users[user];
    const bool meant = listed == text || lost_name_mark(text).empty();
    if (meant && row.password_counter != 0 && candidates.size() < candidates_max)
      candidates.push_back(*password_of(row.id));
  }
  return candidates;
}

std::uint64_t Directory::password_counter(const Uid& uid) const {
  const auto user = state_->users.find(uid);
  return user ? state_->users[*user].password_counter : 0;
}

std::optional<LoginCandidate> Directory::password_of(const Uid& uid) const {
  const auto user = state_->users.find(uid);
  if (!user || state_->users[*user].password_counter == 0) return std::nullopt;
  const UserRow& row = state_->users[*user];
  LoginCandidate candidate{row.id, row.verifier, {}};
  if (row.password_counter > 1)
    candidate.password = {row.password_counter, state_->origins[row.password_origin].id};
  return candidate;
}

std::vector<std::string> Directory::renamings_of(const Uid& uid) const {
  std::vector<std::string> sentences;
  const auto user = state_->users.find(uid);
  if (!user) return sentences;
  const UserRow& row = state_->users[*user];
  if (const std::string listed = state_->listed_name(*user); listed != row.claim.name)
    sentences.push_back(sentence_of_lost_user_name(row.claim.name, listed));
  for (const GroupIndex each : row.groups) {
    const GroupRecord& group = state_->groups[each];
    if (group.owner != user) continue;
    if (const std::string listed = state_->listed_name(each); listed != group.claim.name)
      sentences.push_back(sentence_of_lost_group_name(group.claim.name, listed));
  }
  return sentences;
}

// --- groups -----------------------------------------------------------------------------------------------------

bool Directory::is_alive(const Gid& gid) const {
  const auto group = state_->groups.find(gid);
  return group && state_->groups[*group].claim.known && state_->groups[*group].members > 0;
}

std::optional<Uid> Directory::owner_of(const Gid& gid) const {
  const auto group = state_->groups.find(gid);
  if (!group || !state_->groups[*group].owner) return std::nullopt;
  return state_->users[*state_->groups[*group].owner].id;
}

TransferView Directory::last_transfer(const Gid& gid) const {
  const auto group = state_->groups.find(gid);
  if (!group || state_->groups[*group].transfer.counter == 0) return {};
  const Transfer& transfer = state_->groups[*group].transfer;
  return {transfer.counter, state_->users[transfer.user].id};
}

MembershipView Directory::membership(const Gid& gid, const Uid& uid) const {
  const Membership* membership = state_->find_membership(gid, uid);
  if (membership == nullptr) return {};
  return {membership->generation, membership->rank, membership->said_over(), membership->departed()};
}

Standing Directory::standing(const Gid& gid, const Uid& uid) const {
  const MembershipView view = membership(gid, uid);
  if (view.is_requested()) return Standing::requested;
  if (!view.is_member()) return Standing::none;
  return owner_of(gid) == uid ? Standing::owner : Standing::member;
}

std::uint32_t Directory::standings_of(const Uid& uid) const {
  const auto user = state_->users.find(uid);
  return user ? state_->users[*user].standings : 0;
}

std::uint32_t Directory::standings_ever_of(const Uid& uid) const {
  const auto user = state_->users.find(uid);
  return user ? static_cast<std::uint32_t>(state_->users[*user].groups.size()) : 0;
}

std::uint32_t Directory::request_count(const Gid& gid) const {
  const auto group = state_->groups.find(gid);
  return group ? state_->groups[*group].requests : 0;
}

std::uint32_t Directory::shared_ever_by(const Uid& uid) const {
  const auto user = state_->users.find(uid);
  return user ? state_->users[*user].intents : 0;
}

std::uint64_t Directory::pieces_ever_by(const Uid& uid) const {
  const auto user = state_->users.find(uid);
  return user ? state_->users[*user].pieces : 0;
}

DescribedFiles Directory::described_in(const Gid& gid) const {
  const auto group = state_->groups.find(gid);
  if (!group) return {};
  return {state_->groups[*group].files, state_->groups[*group].pieces};
}

std::uint32_t Directory::shared_by(const Uid& uid) const {
  const auto user = state_->users.find(uid);
  return user ? state_->users[*user].shared : 0;
}

std::uint64_t Directory::epoch(const Gid& gid) const {
  const auto group = state_->groups.find(gid);
  return group ? state_->groups[*group].departures : 0;
}

std::uint32_t Directory::member_count(const Gid& gid) const {
  const auto group = state_->groups.find(gid);
  return group ? state_->groups[*group].members : 0;
}

std::vector<Gid> Directory::groups_after(std::string_view after, std::size_t limit) const {
  const auto& listing = state_->groups_by_name;
  const auto from = after.empty() ? std::nullopt : state_->find_group(after);
  auto at = after.empty() ? listing.begin()
            : from        ? listing.upper_bound(*from)
                          : listing.upper_bound(without_mark(after));
  std::vector<Gid> page;
  for (; at != listing.end() && page.size() < limit; ++at) page.push_back(state_->groups[*at].id);
  return page;
}

std::vector<Uid> Directory::users_after(std::string_view after, std::size_t limit) const {
  const auto& listing = state_->users_by_name;
  const auto from = after.empty() ? std::nullopt : state_->find_user(after);
  auto at = after.empty() ? listing.begin()
            : from        ? listing.upper_bound(*from)
                          : listing.upper_bound(without_mark(after));
  std::vector<Uid> page;
  for (; at != listing.end() && page.size() < limit; ++at) page.push_back(state_->users[*at].id);
  return page;
}

std::vector<Uid> DirectoryState::page_of(const OrderedList<MemberKey, MemberOrder>& members, const Gid& gid,
                                         std::string_view after, std::size_t limit) const {
  std::vector<Uid> page;
  const auto group = groups.find(gid);
  if (!group) return page;
  const auto from = after.empty() ? std::nullopt : find_user(after);
  auto at = after.empty() ? members.lower_bound(NameIn{*group, {}})
            : from        ? members.upper_bound(MemberKey{*group, *from})
                          : members.upper_bound(NameIn{*group, without_mark(after)});
  for (; at != members.end() && at->group == *group && page.size() < limit; ++at)
    page.push_back(users[at->user].id);
  return page;
}

std::vector<Uid> Directory::members_after(const Gid& gid, std::string_view after, std::size_t limit) const {
  return state_->page_of(state_->members_by_name, gid, after, limit);
}

std::vector<Uid> Directory::requests_after(const Gid& gid, std::string_view after, std::size_t limit) const {
  return state_->page_of(state_->requests_by_name, gid, after, limit);
}

// --- files ------------------------------------------------------------------------------------------------------

std::optional<FileView> Directory::file(const Gid& gid, const Fid& fid) const {
  const auto found = state_->find_file(gid, fid);
  if (!found || !state_->files[*found].known) return std::nullopt;
  return state_->view_of(*found);
}

std::optional<FileView> Directory::file_named(const Gid& gid, std::string_view text) const {
  const auto group = state_->groups.find(gid);
  const auto found = group ? state_->find_file({*group, text}) : std::nullopt;
  return found ? std::optional(state_->view_of(*found)) : std::nullopt;
}

std::vector<FileView> Directory::files_after(const Gid& gid, std::string_view after,
                                             std::size_t limit) const {
  std::vector<FileView> page;
  const auto group = state_->groups.find(gid);
  if (!group) return page;
  const auto& listing = state_->files_by_name;
  const auto from = after.empty() ? std::nullopt : state_->find_file({*group, after});
  auto at = after.empty() ? listing.lower_bound(DirectoryState::NameIn{*group, {}})
            : from        ? listing.upper_bound(*from)
                          : listing.upper_bound(DirectoryState::NameIn{*group, without_mark(after)});
  for (; at != listing.end() && state_->files[*at].group == *group && page.size() < limit; ++at)
    page.push_back(state_->view_of(*at));
  return page;
}

ShareView Directory::share(const Gid& gid, const Fid& fid, const Uid& uid) const {
  const Membership* membership = state_->find_membership(gid, uid);
  const auto file = state_->find_file(gid, fid);
  if (membership == nullptr || !file) return {};
  const auto each = DirectoryState::share_at(*membership, *file);
  const bool counts =
      each != membership->shares.end() && each->file == *file && each->membership == membership->generation;
  return counts ? ShareView{each->generation, each->on} : ShareView{};
}

std::vector<Uid> Directory::sharers_of(const Gid& gid, const Fid& fid) const {
  std::vector<Uid> sharers;
  const auto file = state_->find_file(gid, fid);
  if (!file) return sharers;
  for (const UserIndex user : state_->files[*file].sharers) sharers.push_back(state_->users[user].id);
  return sharers;
}

std::uint32_t Directory::sharer_count(const Gid& gid, const Fid& fid) const {
  const auto file = state_->find_file(gid, fid);
  return file ? static_cast<std::uint32_t>(state_->files[*file].sharers.size()) : 0;
}

std::uint32_t Directory::online_sharer_count(const Gid& gid, const Fid& fid) const {
  const auto file = state_->find_file(gid, fid);
  return file ? static_cast<std::uint32_t>(state_->online_sharers_of(*file).size()) : 0;
}

Uid Directory::online_sharer(const Gid& gid, const Fid& fid, std::uint32_t nth) const {
  return state_->users[state_->online_sharers_of(*state_->find_file(gid, fid)).at(nth)].id;
}

void Directory::user_is(const Uid& uid, bool online) {
  if (const auto user = state_->users.find(uid)) state_->user_is(*user, online);
}

// --- sessions and requests ----------------------------------------------------------------------------------------

std::optional<Session> Directory::session(const ClientKey& client, const SessionToken& token,
                                          WallTime now) const {
  const ClientRow* row = state_->find_client(client);
  if (token.is_zero() || row == nullptr) return std::nullopt;
  const Sha256 hash = sha256(token.view());
  for (const ClientRow::Token& each : row->tokens)
    if (each.hash == hash && milliseconds_since_1970(now) < each.expires && state_->is_of_effect(each))
      return Session{state_->users[each.user].id, row->generation, client, each.expires};
  return std::nullopt;
}

std::optional<Session> Directory::open_session(const ClientKey& client) const {
  const ClientRow* row = state_->find_client(client);
  if (row == nullptr) return std::nullopt;
  for (const ClientRow::Token& each : row->tokens)
    if (state_->is_of_effect(each))
      return Session{state_->users[each.user].id, row->generation, client, each.expires};
  return std::nullopt;
}

std::vector<Session> Directory::sessions_of(const Uid& uid, WallTime now, std::size_t limit) const {
  std::vector<Session> sessions;
  const auto user = state_->users.find(uid);
  if (!user) return sessions;
  for (const ClientIndex client : state_->users[*user].clients) {
    const std::optional<Session> session = open_session(state_->clients[client].id);
    if (session && session->uid == uid && milliseconds_since_1970(now) < session->expires)
      sessions.push_back(*session);
  }
  std::sort(sessions.begin(), sessions.end(), [](const Session& a, const Session& b) {
    return a.expires != b.expires ? a.expires > b.expires : a.client < b.client;
  });
  if (sessions.size() > limit) sessions.resize(limit);
  return sessions;
}

std::uint32_t Directory::session_count(const Uid& uid) const {
  const auto user = state_->users.find(uid);
  return user ? static_cast<std::uint32_t>(state_->users[*user].clients.size()) : 0;
}

std::vector<Session> Directory::first_to_expire(const Uid& uid, const ClientKey& but,
                                                std::size_t count) const {
  std::vector<Session> sessions;
  const auto user = state_->users.find(uid);
  if (!user) return sessions;
  for (const ClientIndex client : state_->users[*user].clients) {
    const ClientRow& row = state_->clients[client];
    for (const ClientRow::Token& token : row.tokens)
      if (token.user == *user && row.id != but) {
        sessions.push_back({uid, row.generation, row.id, token.expires});
        break;
      }
  }
  const auto first = [](const Session& a, const Session& b) {
    return a.expires != b.expires ? a.expires < b.expires : a.client < b.client;
  };
  count = std::min(count, sessions.size());
  std::partial_sort(sessions.begin(), sessions.begin() + static_cast<std::ptrdiff_t>(count), sessions.end(),
                    first);
  sessions.resize(count);
  return sessions;
}

bool Directory::is_familiar(const ClientKey& client, const Uid& uid) const {
  const ClientRow* row = state_->find_client(client);
  return row != nullptr && row->last_user && state_->users[*row->last_user].id == uid;
}

RequestCounter Directory::last_session(const ClientKey& client) const {
  const ClientRow* row = state_->find_client(client);
  return row == nullptr ? RequestCounter{} : row->generation;
}

std::uint32_t Directory::token_count(const ClientKey& client) const {
  const ClientRow* row = state_->find_client(client);
  return row == nullptr ? 0 : static_cast<std::uint32_t>(row->tokens.size());
}

bool Directory::has_ended(const ClientKey& client, const SessionToken& token) const {
  const ClientRow* row = state_->find_client(client);
  if (row == nullptr) return false;
  const Sha256 hash = sha256(token.view());
  const auto is_replaced = [&](const ClientRow::Token& each) {
    return each.hash == hash && state_->age_of_password(each) < 0;
  };
  return std::any_of(row->tokens.begin(), row->tokens.end(), is_replaced) ||
         std::find(row->ended.begin(), row->ended.end(), hash) != row->ended.end();
}

std::optional<TrackerAnswer> Directory::outcome(const ClientKey& client, RequestCounter counter) const {
  const ClientRow* row = state_->find_client(client);
  if (row == nullptr) return std::nullopt;
  const auto outcome = DirectoryState::outcome_at(*row, counter.value);
  if (outcome == row->outcomes.end() || outcome->counter != counter.value) return std::nullopt;
  return decode_answer(view_of(outcome->answer));
}

bool Directory::is_forgotten(const ClientKey& client, RequestCounter counter) const {
  const ClientRow* row = state_->find_client(client);
  if (row == nullptr || row->outcomes.size() < DirectoryState::outcomes_max) return false;
  return counter.value < row->outcomes.front().counter;
}

std::uint64_t Directory::user_count() const { return state_->users_by_name.size(); }
std::uint64_t Directory::group_count() const { return state_->groups_by_name.size(); }
std::uint64_t Directory::file_count() const { return state_->files_by_name.size(); }

void Directory::check_invariants() const {
  state_->check_orders();
  state_->check_memberships();
  state_->check_owners();
  state_->check_files();
  state_->check_online_sharers();
  state_->check_clients();
  state_->check_digest();
}

}  // namespace tutti
