#include "tracker/decisions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "actors/digest.hpp"
#include "actors/ensure.hpp"
#include "messages/codec.hpp"
#include "tracker/lost_names.hpp"
#include "tracker/online.hpp"
#include "tracker/refusals.hpp"

namespace tutti {

namespace {

// By one login.
constexpr std::size_t sessions_ended_max = 8;

Decision refused(Refused why) { return {std::move(why), {}, {}, {}}; }
Decision refused(Code code, std::string sentence) { return refused(refuse(code, std::move(sentence))); }
Decision answered(TrackerAnswer answer) { return {std::move(answer), {}, {}, {}}; }
Decision done(std::vector<Operation> operations) { return {Done{}, std::move(operations), {}, {}}; }

std::uint64_t milliseconds_of(WallTime wall) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall.time_since_epoch().count()));
}

/// What would have refused a request when its password work was asked for has ended meanwhile: a session expired. A
/// client can aim at that moment, so it is an answer and not a broken promise.
Refused looked_at_too_early() {
  return refuse(Code::other, "what stood in the way of this has ended just now: try again");
}

Refused no_memory_for_password() {
  return refuse(Code::other, "the tracker has no memory left for one more password: try again in a moment");
}

/// The decisions. One handler a request; each checks in the contract's order and returns at the first refusal.
class Decider {
 public:
  Decider(const Directory& directory, const Question& question, const Circumstances& now)
      : directory_(directory), question_(question), now_(now) {}

  Decision decide() {
    if (const auto session = directory_.session(question_.client, question_.token, now_.wall))
      me_ = session->uid;
    return std::visit(
        [&]<class M>(const M& what) -> Decision {
          if constexpr (!needs_no_login<M>) {
            if (me_.is_zero()) return refused(Code::not_logged_in, "nobody is logged in here: login first");
          }
          return on(what);
        },
        question_.what.value);
  }

 private:
  // --- accounts -------------------------------------------------------------------------------------------------

  Decision on(const CreateUser& what) {
    if (Refusal refusal = refuse_new_user(directory_, what.user)) return refused(*refusal);
    if (!question_.password) return refused(looked_at_too_early());
    if (directory_.user_count() >= now_.limits.users_in_all)
      return refused(Code::other,
                     fmt::format("there are {} accounts, which is the most that this tracker allows: "
                                 "ask whoever runs it",
                                 now_.limits.users_in_all));
    if (question_.password->verifier.empty()) return refused(no_memory_for_password());
    const Uid uid = uid_of_request(question_.client, question_.counter);
    return done(
        {UserNamed{uid, what.user, now_.tracker, false}, PasswordSet{uid, 1, question_.password->verifier}});
  }

  Decision on(const Login& what) {
    if (Refusal refusal = refuse_login(directory_, question_, now_.wall)) return refused(*refusal);
    if (!question_.password) return refused(looked_at_too_early());
    ENSURE(!question_.fresh_token.is_zero());
    if (!password_holds())
      return refused(Code::bad_credentials,
                     "the user name or the password is wrong: try again, or create_user first");
    const auto& [uid, verifier, password] = *question_.password->matched;
    const std::uint64_t expires =
        milliseconds_of(now_.wall) +
        static_cast<std::uint64_t>(std::chrono::milliseconds(session_lifetime).count());
    Decision decision;
    decision.answer =
        LoggedIn{uid, {directory_.name_of(uid)}, question_.fresh_token, directory_.renamings_of(uid)};
    decision.operations = {SessionOpened{question_.client, question_.counter,
                                         sha256(question_.fresh_token.view()), uid, expires, password.counter,
                                         password.origin}};
    end_sessions_beyond_the_limit(uid, decision.operations);
    decision.presence = PresenceGossip{question_.client,  uid,
                                       question_.counter, 0,
                                       Presence::ttl,     what.host.empty() ? question_.seen_host : what.host,
                                       what.port};
    return decision;
  }

  Decision on(const Logout&) {
    return done({SessionClosed{question_.client, directory_.last_session(question_.client)}});
  }

  Decision on(const ChangePassword&) {
    if (!question_.password) return refused(looked_at_too_early());
    if (!password_holds() || question_.password->matched->uid != me_)
      return refused(Code::bad_credentials, "the old password is wrong: try again");
    if (question_.password->verifier.empty()) return refused(no_memory_for_password());
    const Session session = *directory_.session(question_.client, question_.token, now_.wall);
    const std::uint64_t counter = directory_.password_counter(me_) + 1;
    // The session that asks stands on the new password from now on, all others on the old one.
    return done({PasswordSet{me_, counter, question_.password->verifier},
                 SessionOpened{question_.client, session.generation, sha256(question_.token.view()), me_,
                               session.expires, counter, now_.store}});
  }

  Decision on(const AskSessions&) {
    Sessions found;
    const auto lifetime = static_cast<std::uint64_t>(std::chrono::milliseconds(session_lifetime).count());
    for (const Session& each : directory_.sessions_of(me_, now_.wall, page_rows_max)) {
      const PresentClient* present = now_.presence->find(each.client);
      found.sessions.push_back({each.client, each.expires - std::min(each.expires, lifetime),
                                present == nullptr ? std::string{} : present->host,
                                each.client == question_.client});
    }
    return answered(std::move(found));
  }

  // --- groups ---------------------------------------------------------------------------------------------------

  Decision on(const CreateGroup& what) {
    if (Refusal refusal = refuse_new_name(what.group.text)) return refused(*refusal);
    if (directory_.group_named(what.group.text)) return refused(group_name_taken(what.group));
    if (Refusal refusal = refuse_one_more_group(0)) return refused(*refusal);
    const Gid gid = gid_of_request(question_.client, question_.counter);
    return done({GroupNamed{gid, what.group, now_.tracker, false},
                 MembershipChanged{gid, me_, 1, MembershipRank::accepted, me_}});
  }

  Decision on(const JoinGroup& what) {
    if (Refusal refusal = find_group(what.group)) return refused(*refusal);
    const MembershipView mine = directory_.membership(gid_, me_);
    if (mine.is_member())
      return refused(Code::already_a_member, fmt::format("you are a member of {} already", what.group.text));
    if (mine.is_requested())
      return refused(Code::request_pending,
                     fmt::format("you have asked to join {} already: its owner, {}, has to accept",
                                 what.group.text, owner_name()));
    if (Refusal refusal = refuse_one_more_group(mine.generation)) return refused(*refusal);
    if (directory_.request_count(gid_) >= now_.limits.requests_per_group)
      return refused(Code::other,
                     fmt::format("{} ask to join {}, which is the most that this tracker allows: try again "
                                 "when its owner, {}, has answered some",
                                 now_.limits.requests_per_group, what.group.text, owner_name()));
    const std::uint64_t over = mine.departed == mine.generation ? 0 : mine.departed + 1;
    return done({MembershipChanged{gid_, me_, mine.generation + 1, MembershipRank::requested, me_, over}});
  }

  Decision on(const LeaveGroup& what) {
    if (Refusal refusal = find_group(what.group)) return refused(*refusal);
    const MembershipView mine = directory_.membership(gid_, me_);
    if (!mine.is_member() && !mine.is_requested()) return refused(not_a_member(what.group));
    return done({ended(me_, mine)});
  }

  Decision on(const ListRequests& what) {
    if (Refusal refusal = find_own_group(what.group)) return refused(*refusal);
    JoinRequests page;
    for (const Uid& uid :
         first_page(directory_.requests_after(gid_, what.after, page_rows_max + 1), page.more))
      page.users.push_back({directory_.name_of(uid)});
    return answered(std::move(page));
  }

  Decision on(const AcceptRequest& what) {
    if (Refusal refusal = find_request(what.group, what.user)) return refused(*refusal);
    const MembershipView theirs = directory_.membership(gid_, other_);
    return done(
        {MembershipChanged{gid_, other_, theirs.generation, MembershipRank::accepted, me_, theirs.over}});
  }

  Decision on(const RejectRequest& what) {
    if (Refusal refusal = find_request(what.group, what.user)) return refused(*refusal);
    return done({ended(other_, directory_.membership(gid_, other_))});
  }

  Decision on(const RemoveMember& what) {
    if (Refusal refusal = find_own_group(what.group)) return refused(*refusal);
    const std::optional<Uid> found = directory_.user_named(what.user.text);
    if (!found) return refused(Code::no_such_user, fmt::format("there is no user {}", what.user.text));
    if (*found == me_)
      return refused(Code::other,
                     fmt::format("you own {}: leave_group {} gives it to its longest-standing member, "
                                 "transfer_group to another one",
                                 what.group.text, what.group.text));
    const MembershipView theirs = directory_.membership(gid_, *found);
    if (!theirs.is_member())
      return refused(Code::not_a_member, fmt::format("{} is not a member of {}: list_members {} shows who is",
                                                     what.user.text, what.group.text, what.group.text));
    return done({ended(*found, theirs)});
  }

  Decision on(const TransferGroup& what) {
    if (Refusal refusal = find_own_group(what.group)) return refused(*refusal);
    const std::optional<Uid> found = directory_.user_named(what.user.text);
    if (!found) return refused(Code::no_such_user, fmt::format("there is no user {}", what.user.text));
    const MembershipView theirs = directory_.membership(gid_, *found);
    if (!theirs.is_member())
      return refused(Code::not_a_member, fmt::format("{} is not a member of {}: list_members {} shows who is",
                                                     what.user.text, what.group.text, what.group.text));
    if (*found == me_) return done({});
    return done(
        {GroupTransferred{gid_, directory_.last_transfer(gid_).counter + 1, *found, theirs.generation}});
  }

  Decision on(const ListGroups& what) {
    Groups page;
    for (const Gid& gid : first_page(directory_.groups_after(what.after, page_rows_max + 1), page.more)) {
      const std::optional<Uid> owner = directory_.owner_of(gid);
      const std::string owner_name = owner ? directory_.name_of(*owner) : std::string{};
      // The fact that names its owner is of another log and has not come yet: a row without it says nothing.
      if (owner_name.empty()) continue;
      page.groups.push_back({{directory_.name_of(gid)},
                             {owner_name},
                             directory_.member_count(gid),
                             directory_.standing(gid, me_)});
    }
    return answered(std::move(page));
  }

  Decision on(const ListMembers& what) {
    if (Refusal refusal = find_joined_group(what.group)) return refused(*refusal);
    Members page;
    const std::optional<Uid> owner = directory_.owner_of(gid_);
    for (const Uid& uid :
         first_page(directory_.members_after(gid_, what.after, page_rows_max + 1), page.more))
      page.members.push_back({{directory_.name_of(uid)},
                              uid == owner,
                              !clients_online(directory_, *now_.presence, uid).empty()});
    return answered(std::move(page));
  }

  // --- files ----------------------------------------------------------------------------------------------------

  Decision on(const ListFiles& what) {
    if (Refusal refusal = find_joined_group(what.group)) return refused(*refusal);
    Files page;
    for (const FileView& file :
         first_page(directory_.files_after(gid_, what.after, page_rows_max + 1), page.more)) {
      page.files.push_back({{file.name},
                            file.size,
                            directory_.sharer_count(gid_, file.fid),
                            directory_.online_sharer_count(gid_, file.fid),
                            file.sha1,
                            file.tree});
    }
    return answered(std::move(page));
  }

  Decision on(const AddFile& what) {
    if (Refusal refusal = find_joined_group(what.group)) return refused(*refusal);
    const Fid fid = fid_of_record(encode_record(what.metainfo));
    const std::optional<FileView> known = directory_.file(gid_, fid);
    if (Refusal refusal = refuse_other_content(what.metainfo.name.text, fid, known)) return refused(*refusal);
    const bool shares = directory_.share(gid_, fid, me_).on;
    if (Refusal refusal = shares ? std::nullopt : refuse_one_more_file(fid)) return refused(*refusal);
    if (Refusal refusal = known ? std::nullopt : refuse_one_more_description(what)) return refused(*refusal);
    std::vector<Operation> operations;
    if (!known) operations.push_back(FileDescribed{gid_, fid, now_.tracker, what.metainfo});
    if (!shares) operations.push_back(share(fid, true));
    return {FileAdded{gid_, fid, known && known->alive}, std::move(operations), {}, {}};
  }

  Decision on(const FindFile& what) {
    if (Refusal refusal = find_joined_group(what.group)) return refused(*refusal);
    const std::optional<FileView> file = directory_.file_named(gid_, what.file.text);
    if (!file) return refused(no_such_file(what.group, what.file));
    return {FileFound{gid_, file->fid, {}, sharers_online(file->fid, page_rows_max)},
            {},
            FileKey{gid_, file->fid},
            {}};
  }

  Decision on(const FindSharers& what) {
    if (Refusal refusal = enter_group(what.gid)) return refused(*refusal);
    if (!directory_.file(gid_, what.fid)) return refused(Code::no_such_file, "this group has no such file");
    return answered(Sharers{sharers_online(what.fid, sharers_named_max)});
  }

  Decision on(const FindMemberSessions& what) {
    if (Refusal refusal = enter_group(what.gid)) return refused(*refusal);
    MemberSessions found;
    for (const ClientKey& client : what.clients) {
      const std::optional<Session> session = directory_.open_session(client);
      if (session && directory_.membership(gid_, session->uid).is_member()) found.clients.push_back(client);
    }
    return answered(std::move(found));
  }

  Decision on(const AskTicket& what) {
    if (Refusal refusal = enter_group(what.gid)) return refused(*refusal);
    PeerTicket ticket{gid_, me_, question_.client, directory_.epoch(gid_), {}, now_.signing.key, {}};
    ticket.expires = milliseconds_of(now_.wall) +
                     static_cast<std::uint64_t>(std::chrono::milliseconds(peer_ticket_lifetime).count());
    ticket.signature = sign(now_.signing, words_to_sign(ticket));
    return answered(TicketGiven{ticket});
  }

  Decision on(const AskTicketRules& what) {
    if (Refusal refusal = enter_group(what.gid)) return refused(*refusal);
    return answered(TicketRules{directory_.epoch(gid_), milliseconds_of(now_.wall), now_.signers});
  }

  Decision on(const StartShare& what) {
    if (Refusal refusal = enter_group(what.gid)) return refused(*refusal);
    const std::optional<FileView> known = directory_.file(gid_, what.fid);
    if (!known) return refused(Code::no_such_file, "this group has no such file: upload_file makes it known");
    if (Refusal refusal = refuse_other_content(known->own_name, what.fid, known)) return refused(*refusal);
    if (directory_.share(gid_, what.fid, me_).on) return done({});
    if (Refusal refusal = refuse_one_more_file(what.fid)) return refused(*refusal);
    return done({share(what.fid, true)});
  }

  Decision on(const StopShare& what) {
    if (Refusal refusal = find_joined_group(what.group)) return refused(*refusal);
    const std::optional<FileView> file = directory_.file_named(gid_, what.file.text);
    if (!file) return refused(no_such_file(what.group, what.file));
    if (!directory_.share(gid_, file->fid, me_).on)
      return refused(Code::not_sharing,
                     fmt::format("you do not share {} in {}", what.file.text, what.group.text));
    return done({share(file->fid, false)});
  }

  Decision on(const ReportPiece& what) {
    if (Refusal refusal = enter_group(what.gid)) return refused(*refusal);
    const std::optional<FileView> file = directory_.file(gid_, what.fid);
    if (!file) return refused(Code::no_such_file, "this group has no such file");
    // The state keeps no piece length: of none that is allowed has the file so many pieces.
    if (what.piece.value * Metainfo::piece_length_min.value >= file->size.value)
      return refused(Code::usage, "the file has no such piece");
    if (what.client == question_.client) return refused(Code::usage, "a client does not report itself");
    const std::optional<Session> session = directory_.open_session(what.client);
    const bool shares = session && directory_.membership(gid_, session->uid).is_member() &&
                        directory_.share(gid_, what.fid, session->uid).on;
    if (!shares) return refused(Code::not_sharing, "this client does not share the file");
    Decision decision = answered(Done{});
    decision.report = ReportHeard{me_, gid_, what.fid, what.client, what.piece};
    return decision;
  }

  Decision on(const AskStatus&) {
    return answered(TrackerStatus{now_.trackers, directory_.user_count(), directory_.group_count(),
                                  directory_.file_count()});
  }

  /// The password that was checked fitted, and was not replaced while that went on.
  bool password_holds() const {
    const std::optional<LoginCandidate>& matched = question_.password->matched;
    const auto held = matched ? directory_.password_of(matched->uid) : std::nullopt;
    return held && held->password == matched->password;
  }

  // --- checks. Those that find something leave it in gid_ and other_ ---------------------------------------------

  Refusal find_group(const GroupName& name) {
    const std::optional<Gid> found = directory_.group_named(name.text);
    if (!found)
      return refuse(
          Code::no_such_group,
          fmt::format("there is no group {}: list_groups shows all, create_group makes one", name.text));
    gid_ = *found;
    return std::nullopt;
  }

  /// `generation`: of the membership that there was, 0 if there never was one. Only what is new takes room for ever.
  Refusal refuse_one_more_group(std::uint64_t generation) const {
    if (directory_.standings_of(me_) >= now_.limits.groups_per_user)
      return refuse(Code::other,
                    fmt::format("you are in {} groups or asking to join them, which is the most that this "
                                "tracker allows: leave_group one first",
                                now_.limits.groups_per_user));
    if (generation == 0 && directory_.standings_ever_of(me_) >= now_.limits.groups_ever_per_user)
      return refuse(
          Code::other,
          fmt::format("you were in {} groups or asked to join them, which is the most that this tracker "
                      "remembers of one user: use one of those, or ask whoever runs the tracker",
                      now_.limits.groups_ever_per_user));
    return std::nullopt;
  }

  Refusal refuse_one_more_file(const Fid& fid) const {
    if (directory_.shared_by(me_) >= now_.limits.files_per_user)
      return refuse(Code::other,
                    fmt::format("you share {} files, which is the most that this tracker allows: "
                                "stop_share one first",
                                now_.limits.files_per_user));
    if (directory_.share(gid_, fid, me_).generation == 0 &&
        directory_.shared_ever_by(me_) >= now_.limits.files_ever_per_user)
      return refuse(Code::other,
                    fmt::format("you have shared {} files, which is the most that this tracker remembers of "
                                "one user: share a directory instead, or ask whoever runs the tracker",
                                now_.limits.files_ever_per_user));
    return std::nullopt;
  }

  Refusal refuse_one_more_description(const AddFile& what) const {
    const DescribedFiles described = directory_.described_in(gid_);
    if (described.files >= now_.limits.files_per_group)
      return refuse(Code::other,
                    fmt::format("{} has had {} files, which is the most that this tracker remembers of one "
                                "group: share in another one",
                                what.group.text, now_.limits.files_per_group));
    if (described.pieces + what.metainfo.piece_count() > now_.limits.pieces_per_group)
      return refuse(Code::other,
                    fmt::format("the files that {} has had would have more than {} pieces, which is the most "
                                "that this tracker remembers of one group: share in another one",
                                what.group.text, now_.limits.pieces_per_group));
    if (directory_.pieces_ever_by(me_) + what.metainfo.piece_count() > now_.limits.pieces_ever_per_user)
      return refuse(
          Code::other,
          fmt::format("the files that you have shared would have more than {} pieces, which is the most that "
                      "this tracker remembers of one user: ask whoever runs it",
                      now_.limits.pieces_ever_per_user));
    return std::nullopt;
  }

  /// A login is never refused for those that nobody ended: the ones that would expire first make room.
  void end_sessions_beyond_the_limit(const Uid& uid, std::vector<Operation>& operations) const {
    const std::uint32_t count = directory_.session_count(uid);
    if (count < now_.limits.sessions_per_user) return;
    // Others may have let in more than we would; they go a few at a time.
    const std::size_t too_many =
        std::min<std::size_t>(count - now_.limits.sessions_per_user + 1, sessions_ended_max);
    for (const Session& each : directory_.first_to_expire(uid, question_.client, too_many))
      operations.emplace_back(SessionClosed{each.client, each.generation});
  }

  Refusal find_own_group(const GroupName& name) {
    if (Refusal refusal = find_group(name)) return refusal;
    if (directory_.owner_of(gid_) == me_) return std::nullopt;
    return refuse(Code::not_the_owner,
                  fmt::format("only the owner of {}, {}, may do this", name.text, owner_name()));
  }

  Refused not_a_member(const GroupName& name) const {
    const bool asked = directory_.membership(gid_, me_).is_requested();
    return refuse(
        Code::not_a_member,
        asked
            ? fmt::format("you are not a member of {} yet: its owner, {}, has to accept your request",
                          name.text, owner_name())
            : fmt::format("you are not a member of {}: join_group {} asks its owner", name.text, name.text));
  }

  Refusal find_joined_group(const GroupName& name) {
    if (Refusal refusal = find_group(name)) return refusal;
    if (directory_.membership(gid_, me_).is_member()) return std::nullopt;
    return not_a_member(name);
  }

  Refusal enter_group(const Gid& gid) {
    if (!directory_.is_alive(gid)) return refuse(Code::no_such_group, "the group does not exist (any more)");
    gid_ = gid;
    if (directory_.membership(gid_, me_).is_member()) return std::nullopt;
    return not_a_member({directory_.name_of(gid_)});
  }

  Refusal find_request(const GroupName& group, const UserName& user) {
    if (Refusal refusal = find_own_group(group)) return refusal;
    const std::optional<Uid> found = directory_.user_named(user.text);
    if (!found) return refuse(Code::no_such_user, fmt::format("there is no user {}", user.text));
    other_ = *found;
    const MembershipView theirs = directory_.membership(gid_, other_);
    if (theirs.is_requested()) return std::nullopt;
    if (theirs.is_member())
      return refuse(Code::already_a_member,
                    fmt::format("{} is a member of {} already", user.text, group.text));
    return refuse(Code::no_such_request,
                  fmt::format("{} has not asked to join {}: list_requests {} shows who has", user.text,
                              group.text, group.text));
  }

  /// A file may come (back) under its name if nobody shares other content under it. One that is alive has a name.
  Refusal refuse_other_content(const std::string& name, const Fid& fid,
                               const std::optional<FileView>& known) const {
    if (known && known->alive) return std::nullopt;
    const std::optional<FileView> holder = directory_.file_named(gid_, name);
    if (!holder || holder->fid == fid) return std::nullopt;
    return file_name_taken(directory_, gid_, name);
  }

  Refused no_such_file(const GroupName& group, const FileName& file) const {
    return refuse(Code::no_such_file,
                  fmt::format("nobody shares a file named {} in {}: list_files {} shows what there is",
                              file.text, group.text, group.text));
  }

  /// Ends somebody's membership, or request for one: nobody was let in by that, so it is no departure.
  MembershipChanged ended(const Uid& uid, const MembershipView& standing) const {
    if (standing.is_member()) return {gid_, uid, standing.generation, MembershipRank::left, me_};
    return {gid_, uid, standing.generation, MembershipRank::rejected, me_, standing.over};
  }

  // --- pieces of answers ------------------------------------------------------------------------------------------

  std::string owner_name() const {
    const std::optional<Uid> owner = directory_.owner_of(gid_);
    return owner ? directory_.name_of(*owner) : std::string{};
  }

  ShareIntended share(const Fid& fid, bool on) const {
    const ShareView known = directory_.share(gid_, fid, me_);
    // Stopping ends the generation that is on; starting begins the next: so a stop is never undone by its own start.
    const std::uint64_t generation = on ? known.generation + 1 : known.generation;
    return {gid_, fid, me_, directory_.membership(gid_, me_).generation, generation, on};
  }

  /// Sharers that can be connected to, about `most` of them. Whoever asks comes first: by that a client sees that it is
  /// named, and that its user shares the file elsewhere. The others begin at another place for each client that asks, so
  /// that the load spreads. Others who come and go hardly move that place: a client goes on with those it has begun to
  /// speak with.
  std::vector<Sharer> sharers_online(const Fid& fid, std::size_t most) const {
    std::vector<Sharer> online;
    const auto name = [&](const Uid& uid) {
      const std::string user = directory_.name_of(uid);
      if (user.empty()) return;  // the fact that names it has not come yet
      for (const PresentClient* each : clients_online(directory_, *now_.presence, uid))
        if (each->port != 0 && !each->host.empty())
          online.push_back({{user}, each->client, each->host, each->port, reports_of(fid, each->client)});
    };
    if (directory_.share(gid_, fid, me_).on) name(me_);
    const std::uint64_t count = directory_.online_sharer_count(gid_, fid);
    const std::uint64_t first = std::hash<ClientKey>{}(question_.client) % (1ULL << 32U) * count >> 32U;
    for (std::uint64_t i = 0; i < count && online.size() < most; ++i) {
      const Uid uid = directory_.online_sharer(gid_, fid, static_cast<std::uint32_t>((first + i) % count));
      if (uid != me_) name(uid);
    }
    return online;
  }

  std::uint32_t reports_of(const Fid& fid, const ClientKey& client) const {
    return now_.reports == nullptr ? 0 : now_.reports->reporters(gid_, fid, client, now_.now);
  }

  template <class Each>
  static std::vector<Each> first_page(std::vector<Each> rows, bool& more) {
    more = rows.size() > page_rows_max;
    if (more) rows.resize(page_rows_max);
    return rows;
  }

  const Directory& directory_;
  const Question& question_;
  const Circumstances& now_;
  Uid me_;
  Gid gid_;
  Uid other_;
};

}  // namespace

bool changes_something(const ClientRequest& request) {
  return std::visit(
      []<class M>(const M&) {
        return Messages<CreateUser, Login, Logout, CreateGroup, JoinGroup, LeaveGroup, AcceptRequest,
                        RejectRequest, RemoveMember, AddFile, StartShare, StopShare, ChangePassword,
                        TransferGroup>::has<M>;
      },
      request.value);
}

std::optional<PasswordWork> password_work(const Directory& directory, const Question& question,
                                          WallTime wall) {
  if (directory.outcome(question.client, question.counter) ||
      directory.is_forgotten(question.client, question.counter))
    return std::nullopt;
  if (const CreateUser* create = question.what.get<CreateUser>()) {
    if (refuse_new_user(directory, create->user)) return std::nullopt;
    return PasswordWork{create->password, true, {}};
  }
  if (const Login* login = question.what.get<Login>()) {
    if (refuse_login(directory, question, wall)) return std::nullopt;
    PasswordWork work{login->password, false, directory.login_candidates(login->user.text)};
    work.user = login->user.text;
    work.familiar = std::any_of(
        work.candidates.begin(), work.candidates.end(),
        [&](const LoginCandidate& each) { return directory.is_familiar(question.client, each.uid); });
    return work;
  }
  if (const ChangePassword* change = question.what.get<ChangePassword>()) {
    const std::optional<Session> session = directory.session(question.client, question.token, wall);
    const auto own = session ? directory.password_of(session->uid) : std::nullopt;
    if (!own) return std::nullopt;
    return PasswordWork{
        change->password, false, {*own}, change->new_password, directory.name_of(own->uid), true};
  }
  return std::nullopt;
}

Decision decide(const Directory& directory, const Question& question, const Circumstances& now) {
  if (std::optional<TrackerAnswer> outcome = directory.outcome(question.client, question.counter)) {
    if (std::optional<LostName> lost = lost_since(directory, question))
      return {std::move(lost->why), std::move(lost->undo), {}, {}};
    return answered(std::move(*outcome));
  }
  if (directory.is_forgotten(question.client, question.counter))
    return refused(Code::other,
                   "this request is too old to know whether it was done: look, and do it again if not");
  Decision decision = Decider(directory, question, now).decide();
  // A login has no recorded outcome: its answer holds a secret, and logging in once more harms nobody.
  if (!decision.operations.empty() && !question.what.get<Login>())
    decision.operations.push_back(
        RequestAnswered{question.client, question.counter, encode_answer(decision.answer)});
  return decision;
}

}  // namespace tutti
