#include "tests/system/tracker/crowd.hpp"

#include <algorithm>
#include <optional>

#include "actors/actor.hpp"
#include "messages/codec_impl.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::testing {

namespace {

using namespace std::chrono_literals;

constexpr Duration patience = 1500ms;
constexpr Duration tick = 100ms;
constexpr std::size_t groups_max = 4;

struct Look {
  TUTTI_MESSAGE(Look, 0x7f02);
};
struct CrowdRole {
  static constexpr std::string_view name = "crowd";
  using Accepts = Messages<>;
};

class Member final : public ActorOf<Member, Joined<TrackerRole::Says, Messages<Look>>> {
 public:
  Member(const std::vector<std::string>& trackers, std::uint32_t number, std::uint32_t seed,
         const LinkKey& key, Crowd::Notes& notes)
      : trackers_(trackers),
        random_(seed * 100000ULL + number),
        name_("c" + std::to_string(number)),
        used_(number % trackers.size()),
        mine_(notes.promised[number]),
        figures_(notes.figures),
        moment_(notes.moment),
        key_(ClientKey::from(key.view())) {}

  void start(Context& context) override {
    dial(context);
    context.after(tick, Look{});
  }

  void on(const Look&, Context& context) {
    context.after(tick, Look{});
    if (context.now() - heard_ > patience) move_on(context);
  }
  void on(const KeyTold& told, Context& context) {
    if (told.question != tracker_.address) return;
    keys_[used_] = told.key;
    dial(context);
  }
  void on(const LinkUp&, Context& context) {
    heard_ = context.now();
    context.send(tracker_, Hello{client_tracker_version, client_tracker_version, key_, "crowd"});
  }
  void on(const LinkDown&, Context& context) {
    if (context.sender() == tracker_.address) move_on(context);
  }
  void on(const Unwelcome&, Context& context) { move_on(context); }
  void on(const Notice&, Context& context) { heard_ = context.now(); }
  void on(const GroupChanged&, Context& context) { heard_ = context.now(); }
  void on(const PieceReported&, Context& context) { heard_ = context.now(); }
  void on(const Welcome&, Context& context) {
    welcome_ = true;
    heard_ = context.now();
    if (asked_) {
      context.send(tracker_, *asked_);
    } else {
      ask(next_wish(), context);
    }
  }
  void on(const Answer& answer, Context& context) {
    heard_ = context.now();
    if (!asked_ || answer.counter != asked_->counter) return;
    note(answer, context.now());
    const ClientRequest wish = asked_->what;
    asked_.reset();
    floor_ = merged(floor_, answer.at);
    std::visit([&](const auto& each) { conclude(each, answer); }, wish.value);
    ask(next_wish(), context);
  }

 private:
  void dial(Context& context) {
    welcome_ = false;
    heard_ = context.now();
    // Trackers come back with the keys that they had.
    if (const auto met = keys_.find(used_); met != keys_.end()) {
      tracker_ = context.connect<TrackerRole>(trackers_[used_], met->second);
    } else {
      tracker_ = {context.ask_key(trackers_[used_])};
    }
  }
  void move_on(Context& context) {
    context.close(tracker_.address);
    used_ = (used_ + 1) % trackers_.size();
    ++figures_.moves;
    dial(context);
  }
  void ask(const ClientRequest& wish, Context& context) {
    asked_ = Request{{++counter_}, token_, floor_, wish};
    asked_at_ = ++moment_;
    if (const auto* join = wish.get<JoinGroup>()) doubt(join->group);
    if (const auto* leave = wish.get<LeaveGroup>()) doubt(leave->group);
    since_ = context.now();
    if (welcome_) context.send(tracker_, *asked_);
  }
  void note(const Answer& answer, Instant now) {
    ++figures_.answers;
    figures_.provisional += answer.provisional ? 1 : 0;
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
    figures_.longest = std::max(figures_.longest, took);
  }

  // --- what to do next ------------------------------------------------------------------------------------------

  ClientRequest next_wish() {
    if (mine_.user.empty()) return {CreateUser{{name_}, Crowd::password}};
    if (!logged_in_) return {Login{{name_}, Crowd::password, "127.0.0.1", 9000}};
    if (guest_) return {AcceptRequest{{own_group()}, *std::exchange(guest_, std::nullopt)}};
    switch (random_.below(10)) {
      case 0:
      case 1:
        if (mine_.files.size() < groups_max) return {CreateGroup{{name_ + "-g" + std::to_string(++made_)}}};
        return {ListGroups{}};
      case 2:
      case 3: return {JoinGroup{{others_group()}}};
      case 4:
      case 5:
        if (!mine_.files.empty()) return {ListRequests{{own_group()}, {}}};
        return {ListGroups{}};
      case 6:
      case 7:
        if (!mine_.files.empty()) return add_file();
        return {ListGroups{}};
      case 8: return {LeaveGroup{{others_group()}}};
      default: return {Logout{}};
    }
  }
  std::string own_group() const { return mine_.files.begin()->first; }
  /// Somebody's first group, never an own one.
  std::string others_group() {
    const std::string owner = "c" + std::to_string(random_.below(30));
    return owner == name_ ? "nobodys" : owner + "-g1";
  }
  ClientRequest add_file() {
    AddFile add;
    add.group = {own_group()};
    add.metainfo.name = {"file" + std::to_string(++made_)};
    add.metainfo.size = {1000};
    add.metainfo.piece_length = Metainfo::piece_length_min;
    const auto fill = [this](auto& digest) {
      for (auto& byte : digest.bytes) byte = static_cast<std::uint8_t>(random_.below(256));
    };
    Sha1 sha1;
    Sha256 sha256;
    fill(sha1);
    fill(sha256);
    add.metainfo.sha1 = sha1;
    add.metainfo.piece_sha1.push_back(sha1);
    add.metainfo.piece_sha256.push_back(sha256);
    return {add};
  }

  // --- what came of it ------------------------------------------------------------------------------------------

  const Refused* refusal(const Answer& answer) {
    const Refused* refused = answer.what.get<Refused>();
    // A login that only a tracker now gone has seen is not known elsewhere yet: log in again.
    if (refused != nullptr && refused->code == Code::not_logged_in) logged_in_ = false;
    return refused;
  }
  void wrong(const std::string& what, const Refused& refused) {
    // What nobody but a dead tracker has seen is missing until that one is back.
    if (refused.code == Code::not_logged_in || refused.code == Code::bad_credentials) return;
    figures_.wrong.push_back(name_ + ": " + what + ": " + refused.sentence);
  }

  void conclude(const CreateUser&, const Answer& answer) {
    if (const Refused* refused = refusal(answer)) return wrong("create_user", *refused);
    mine_.user = name_;
  }
  void conclude(const Login&, const Answer& answer) {
    if (const auto* session = answer.what.get<LoggedIn>()) {
      token_ = session->token;
      logged_in_ = true;
      return;
    }
    const Refused* refused = refusal(answer);
    if (refused->code == Code::already_logged_in) return forget_session();
    wrong("login", *refused);
  }
  void conclude(const Logout&, const Answer& answer) {
    if (refusal(answer) == nullptr) forget_session();
  }
  void forget_session() {
    logged_in_ = false;
    token_ = {};
  }
  void conclude(const CreateGroup& wish, const Answer& answer) {
    if (const Refused* refused = refusal(answer)) return wrong("create_group", *refused);
    mine_.files[wish.group.text];
  }
  void conclude(const AddFile& wish, const Answer& answer) {
    if (const Refused* refused = refusal(answer)) {
      // The group may be known only to a tracker that is gone for now.
      if (refused->code != Code::no_such_group) wrong("upload_file", *refused);
      return;
    }
    mine_.files[wish.group.text].insert(wish.metainfo.name.text);
  }
  void conclude(const ListRequests&, const Answer& answer) {
    refusal(answer);
    const auto* requests = answer.what.get<JoinRequests>();
    if (requests != nullptr && !requests->users.empty()) guest_ = requests->users.front();
  }
  /// Until it is answered nobody knows whether it was done.
  void doubt(const GroupName& group) {
    before_ = mine_.memberships[group.text];
    mine_.memberships[group.text].is_certain = false;
  }
  void conclude_membership(const GroupName& group, const Answer& answer, bool joins) {
    Acknowledged::Membership& mine = mine_.memberships[group.text];
    if (refusal(answer) != nullptr) {
      mine = before_;
    } else {
      mine = {joins, !answer.provisional, ++moment_};
    }
  }
  void conclude(const JoinGroup& wish, const Answer& answer) {
    conclude_membership(wish.group, answer, true);
  }
  void conclude(const LeaveGroup& wish, const Answer& answer) {
    conclude_membership(wish.group, answer, false);
  }
  void conclude(const AcceptRequest& wish, const Answer& answer) {
    if (refusal(answer) == nullptr && !answer.provisional)
      mine_.accepted[{wish.group.text, wish.user.text}] = asked_at_;
  }
  template <class Wish>
  void conclude(const Wish&, const Answer& answer) {
    refusal(answer);
  }

  const std::vector<std::string>& trackers_;
  Random random_;
  std::string name_;
  std::size_t used_;
  Acknowledged& mine_;
  CrowdFigures& figures_;
  std::uint64_t& moment_;
  std::uint64_t asked_at_ = 0;
  ClientKey key_;
  std::map<std::size_t, LinkKey> keys_;  // of trackers that were met
  Ref<TrackerRole> tracker_;
  bool welcome_ = false;
  bool logged_in_ = false;
  Instant heard_{};
  Instant since_{};
  std::optional<Request> asked_;
  std::optional<UserName> guest_;
  Acknowledged::Membership before_;  // of the group that is asked about
  SessionToken token_;
  VersionVector floor_;
  std::uint64_t counter_ = 0;
  std::uint32_t made_ = 0;
};

}  // namespace

Crowd::Crowd(std::vector<std::string> trackers, std::uint32_t clients, std::uint32_t seed)
    : trackers_(std::move(trackers)), host_(std::make_unique<ZmqHost>()) {
  notes_.promised.resize(clients);
  const ZmqHost::WorkerId worker = host_->add_worker("crowd");
  for (std::uint32_t n = 0; n < clients; ++n) {
    const auto member = host_->reserve<CrowdRole>(worker);
    const LinkKeys keys = make_link_keys();
    host_->give_keys(member, keys);
    host_->spawn(member, "member", std::make_unique<Member>(trackers_, n, seed, keys.key, notes_));
  }
  host_->start();
}

Crowd::~Crowd() = default;

std::vector<Acknowledged> Crowd::end() {
  host_->stop();
  return notes_.promised;
}

}  // namespace tutti::testing
