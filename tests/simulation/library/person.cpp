#include "tests/simulation/library/person.hpp"

#include <algorithm>

#include "actors/actor.hpp"
#include "peer/tree_path.hpp"

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr Duration patience = 500ms;
constexpr Duration look_again = 1s;
constexpr Duration list_again = 2s;
constexpr const char* password = "secret";

/// Passes on what a person wants to know.
class Desk final : public ActorOf<Desk, ShellRole::Accepts> {
 public:
  explicit Desk(Person& person) : person_(person) {}
  void on(const Told& told, Context&) { person_.hear(told); }
  void on(const SessionChanged& changed, Context&) { person_.hear(changed); }
  void on(const DownloadChanged& changed, Context&) { person_.hear(changed); }
  void on(const ShareChanged& changed, Context&) { person_.hear(changed); }
  void on(const Notice& notice, Context&) { person_.hear(notice); }
  void on(const LinkStatus&, Context&) {}
  void on(const HashProgress&, Context&) {}
  void on(const Downloads& downloads, Context&) { person_.hear(downloads); }
  void on(const Limits&, Context&) {}
  void on(const DownloadsDiagnosed&, Context&) {}
  void on(const ShareDiagnosed&, Context&) {}
  void on(const PeersSurveyed&, Context&) {}
  void on(const TrackerChanged&, Context&) {}
  void on(const TrackerKeySeen&, Context&) {}

 private:
  Person& person_;
};

std::optional<Code> refusal(const Told& told) {
  const auto* refused = told.what.get<Refused>();
  return refused == nullptr ? std::nullopt : std::optional(refused->code);
}

}  // namespace

std::unique_ptr<Actor> Person::desk() { return std::make_unique<Desk>(*this); }

void Person::sit_down(SwarmHost& host, const ClientAddresses& at) {
  host_ = &host;
  at_ = at;
  ++sitting_;
  doing_.reset();
  session_ = false;
  groups_.resize(wishes_.groups.size());
  shared_.resize(wishes_.shares.size());
  share_next_.resize(wishes_.shares.size());
  fetch_next_.resize(wishes_.fetches.size());
  fetched_.resize(wishes_.fetches.size());
  next_try_ = {};
  list_next_ = {};
  confirmed_.clear();
  forget_promises();
  thinks_at_ = Instant::max();  // what was thought of while nobody sat here comes to nothing
  think_later(1ms);
}

void Person::forget_promises() {
  pause_.begin_anew();
  for (auto& [direction, order] : limits_) order.begin_anew();
}

void Person::stand_up() {
  host_ = nullptr;
  ++sitting_;
  doing_.reset();
  session_ = false;
  forget_promises();
  thinks_at_ = Instant::max();
}

void Person::think_later(Duration delay) {
  const Instant when = world_.clock.now() + delay;
  if (thinks_at_ <= when) return;
  thinks_at_ = when;
  world_.clock.at(when, [this, sitting = sitting_, when] {
    if (sitting != sitting_ || thinks_at_ != when) return;
    thinks_at_ = Instant::max();
    think();
  });
}

void Person::think() {
  if (host_ == nullptr) return;
  think_later(patience);
  if (doing_ || host_->is_paused()) return;
  const Instant now = world_.clock.now();
  if (!session_) {
    if (now < next_try_) return;
    next_try_ = now + patience;
    if (!account_)
      return ask(CreateUser{{wishes_.user}, password}, [this](const Told& told) {
        const auto code = refusal(told);
        account_ = !code || *code == Code::user_exists;
      });
    return ask(Login{{wishes_.user}, password, "", 0}, [this](const Told& told) {
      const auto code = refusal(told);
      session_ = session_ || !code || *code == Code::already_logged_in;
    });
  }
  if (mind_orders()) return;
  for (std::size_t i = 0; i < groups_.size(); ++i)
    if (mind_group(i)) return;
  if (mind_shares() || mind_fetches()) return;
  if (confirms_) mind_names();
}

std::vector<std::string> Person::unconfirmed() const {
  std::vector<std::string> missing;
  for (const Wishes::Share& each : wishes_.shares) {
    const std::string name = each.path.substr(each.path.find_last_of('/') + 1);
    const bool gone =
        std::find(changed_shares_.begin(), changed_shares_.end(), each.path) != changed_shares_.end();
    if (!gone && !confirmed_.contains(name)) missing.push_back(name);
  }
  for (std::size_t i = 0; i < fetched_.size(); ++i) {
    const std::string& name = wishes_.fetches[i].file;
    const bool gone =
        std::find(changed_shares_.begin(), changed_shares_.end(), "/home/" + name) != changed_shares_.end();
    // Of a part there may be no whole piece to share.
    if (fetched_[i].complete && wishes_.fetches[i].only.empty() && !gone && !confirmed_.contains(name))
      missing.push_back(name);
  }
  return missing;
}

void Person::mind_names() {
  const std::vector<std::string> missing = unconfirmed();
  if (missing.empty() || world_.clock.now() < confirm_next_) return;
  confirm_next_ = world_.clock.now() + patience;
  std::string group;
  for (const Wishes::Share& each : wishes_.shares)
    if (each.path.ends_with("/" + missing.front())) group = each.group;
  for (const Wishes::Fetch& each : wishes_.fetches)
    if (each.file == missing.front()) group = each.group;
  ask(FindFile{{group}, {missing.front()}}, [this, name = missing.front()](const Told& told) {
    const auto* found = told.what.get<FileFound>();
    if (found == nullptr) return;
    for (const Sharer& each : found->sharers)
      if (each.client == key_) confirmed_.insert(name);
  });
}

std::size_t Person::group_of(const std::string& name) const {
  for (std::size_t i = 0; i < wishes_.groups.size(); ++i)
    if (wishes_.groups[i].name == name) return i;
  return 0;
}

bool Person::mind_group(std::size_t i) {
  const Wishes::Group& wanted = wishes_.groups[i];
  GroupState& group = groups_[i];
  const Instant now = world_.clock.now();
  if (wanted.owns && !group.waiting.empty()) {
    const std::string user = group.waiting.back();
    group.waiting.pop_back();
    ask(AcceptRequest{{wanted.name}, {user}}, [](const Told&) {});
    return true;
  }
  if (wanted.owns && group.exists && !removals_.empty() && removals_.front().first == wanted.name) {
    const auto [name, user] = removals_.front();
    ask(RemoveMember{{name}, {user}}, [this, who = removals_.front()](const Told& told) {
      const auto code = refusal(told);
      if (code && *code != Code::no_such_user && *code != Code::not_a_member) return;
      if (!told.provisional) removed_.insert(who);
      std::erase(removals_, who);
    });
    return true;
  }
  if (now < group.next) return false;
  group.next = now + (group.exists ? look_again : patience);
  if (wanted.owns && !group.exists) {
    ask(CreateGroup{{wanted.name}}, [this, i](const Told& told) {
      const auto code = refusal(told);
      groups_[i].exists = groups_[i].inside = !code || *code == Code::group_exists;
    });
    return true;
  }
  if (wanted.owns) {
    if (!std::exchange(group.look, false)) {
      group.look = true;  // a notice may have been lost with a tracker
      return false;
    }
    ask(ListRequests{{wanted.name}, ""}, [this, i](const Told& told) {
      const auto* requests = told.what.get<JoinRequests>();
      if (requests == nullptr) return;
      for (const UserName& user : requests->users)
        if (!removed_.contains({wishes_.groups[i].name, user.text})) groups_[i].waiting.push_back(user.text);
      groups_[i].look = requests->more;
    });
    return true;
  }
  if (group.inside) return false;
  ask(JoinGroup{{wanted.name}}, [this, i](const Told& told) {
    const auto code = refusal(told);
    groups_[i].exists = !code || *code == Code::request_pending || *code == Code::already_a_member;
    groups_[i].inside = groups_[i].inside || code == Code::already_a_member;
  });
  return true;
}

bool Person::mind_shares() {
  const Instant now = world_.clock.now();
  for (std::size_t i = 0; i < shared_.size(); ++i) {
    const Wishes::Share& share = wishes_.shares[i];
    if (shared_[i] || now < share_next_[i] || !groups_[group_of(share.group)].inside) continue;
    share_next_[i] = now + patience;
    command(at_.librarian, ShareFile{{}, share.path + (share.directory ? "/" : ""), GroupName{share.group}},
            [this, i](const Told& told) { shared_[i] = !refusal(told); });
    return true;
  }
  return false;
}

// --- what it wants of its downloads -------------------------------------------------------------------------------------

void Person::pause(bool wanted) {
  pause_.give(wanted);
  think_later(1ms);
}

void Person::limit(std::optional<std::uint64_t> bytes_per_second) {
  for (const LimitDirection direction : {LimitDirection::up, LimitDirection::down})
    limits_[direction].give(bytes_per_second);
  think_later(1ms);
}

std::optional<Person::Limited> Person::limited(LimitDirection direction) const {
  const auto found = limits_.find(direction);
  if (found == limits_.end() || !found->second.since || !found->second.wanted) return std::nullopt;
  return Limited{*found->second.wanted, *found->second.since};
}

bool Person::mind_orders() {
  return mind_limit(LimitDirection::up) || mind_limit(LimitDirection::down) || mind_pause() || mind_cancels();
}

bool Person::mind_limit(LimitDirection direction) {
  const auto found = limits_.find(direction);
  if (found == limits_.end()) return false;
  auto& order = found->second;
  if (order.is_told() || world_.clock.now() < order.next) return false;
  order.next = world_.clock.now() + patience;
  command(at_.storage, SetLimit{{}, {direction, "", 0, 0, order.wanted.value_or(0)}},
          [this, direction, wanted = order.wanted](const Told& told) {
            if (refusal(told)) return;
            auto& done = limits_[direction];
            done.told = wanted;
            if (wanted && wanted == done.wanted) done.since = world_.clock.now();
          });
  return true;
}

bool Person::mind_pause() {
  if (pause_.is_told() || world_.clock.now() < pause_.next) return false;
  pause_.next = world_.clock.now() + patience;
  const DownloadOrder order = pause_.wanted ? DownloadOrder::pause : DownloadOrder::resume;
  command(at_.scheduler, ControlDownloads{{}, order, std::nullopt, DownloadPriority::normal},
          [this, wanted = pause_.wanted](const Told& told) {
            if (refusal(told)) return;
            pause_.told = wanted;
            if (wanted && pause_.wanted) pause_.since = world_.clock.now();
          });
  return true;
}

bool Person::mind_cancels() {
  if ((!cancels_ && !rechecks_) || world_.clock.now() < cancel_next_) return false;
  for (std::size_t i = 0; i < fetched_.size(); ++i) {
    const Wishes::Fetch& fetch = wishes_.fetches[i];
    const bool ends = cancels_ && fetched_[i].runs && !fetched_[i].complete;
    const bool looks = rechecks_ && fetched_[i].complete;
    if (!ends && !looks) continue;
    (ends ? cancels_ : rechecks_) = false;
    command(at_.scheduler,
            ControlDownloads{{},
                             ends ? DownloadOrder::cancel : DownloadOrder::recheck,
                             DownloadName{GroupName{fetch.group}, FileName{fetch.file}, ""},
                             DownloadPriority::normal},
            [this, i, ends](const Told& told) {
              if (!ends || refusal(told)) return;
              fetched_[i].runs = false;
              cancelled_.insert(i);
              fetch_next_[i] = world_.clock.now() + patience;
            });
    return true;
  }
  cancels_ = rechecks_ = false;
  return false;
}

bool Person::mind_fetches() {
  const Instant now = world_.clock.now();
  if (pause_.wanted) return false;
  for (std::size_t i = 0; i < fetched_.size(); ++i) {
    const Wishes::Fetch& fetch = wishes_.fetches[i];
    if ((fetched_[i].runs && !fetched_[i].failed) || fetched_[i].complete ||
        !groups_[group_of(fetch.group)].inside)
      continue;
    if (now < fetch.not_before) {
      think_later(fetch.not_before - now);
      continue;
    }
    if (now < fetch_next_[i]) continue;
    fetch_next_[i] = now + patience;
    if (!fetched_[i].started) fetched_[i].started = now;
    fetched_[i].failed.reset();
    command(at_.scheduler,
            StartDownload{{}, GroupName{fetch.group}, FileName{fetch.file}, "/home", false, fetch.only},
            [this, i](const Told& told) {
              const auto code = refusal(told);
              // Whoever finds nobody waits for somebody; what is there already is what was begun before.
              fetched_[i].runs = !code || *code == Code::no_peers || *code == Code::destination_exists;
              // What was cancelled when it had just become complete is there, and is nobody's download.
              if (code == Code::destination_exists && cancelled_.contains(i) && !fetched_[i].complete)
                fetched_[i].complete = world_.clock.now();
            });
    return true;
  }
  // What was said while nobody sat here is seen in the list.
  if (has_all() || now < list_next_) return false;
  list_next_ = now + list_again;
  command(at_.scheduler, ListDownloads{}, [](const Told&) {});
  return true;
}

void Person::ask(ClientRequest what, std::function<void(const Told&)> then) {
  command(at_.tracker_link, Ask{{}, std::move(what)}, std::move(then));
}

void Person::hear(const Told& told) {
  if (!doing_ || told.command != doing_->command) return;
  const auto then = std::move(doing_->then);
  doing_.reset();
  then(told);
  think_later(1ms);
}

void Person::hear(const SessionChanged& changed) {
  session_ = !changed.uid.is_zero();
  think_later(1ms);
}

void Person::hear(const DownloadChanged& changed) {
  note(changed.download);
  think_later(1ms);
}

void Person::hear(const Downloads& downloads) {
  if (!doing_ || downloads.command != doing_->command) return;
  doing_.reset();
  for (const DownloadRow& each : downloads.downloads) note(each);
  think_later(1ms);
}

void Person::note(const DownloadRow& row) {
  for (std::size_t i = 0; i < fetched_.size(); ++i) {
    if (wishes_.fetches[i].group != row.group.text || wishes_.fetches[i].file != row.file.text) continue;
    Fetched& fetched = fetched_[i];
    fetched.phase = row.phase;
    // What is wrong with what was complete is fetched again, and that was found out, or asked for, after the pause.
    if (fetched.complete && row.phase != DownloadPhase::complete) pause_.since.reset();
    if (row.phase == DownloadPhase::failed) fetched.failed = row.code;
    if (row.phase == DownloadPhase::complete && !fetched.complete) fetched.complete = world_.clock.now();
  }
}

void Person::hear(const ShareChanged& changed) { changed_shares_.push_back(folder_path(changed.path)); }

void Person::hear(const Notice& notice) {
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (wishes_.groups[i].name != notice.group) continue;
    if (notice.kind == NoticeKind::accepted) groups_[i].inside = true;
    if (notice.kind == NoticeKind::join_requested) {
      groups_[i].look = true;
      groups_[i].next = {};
    }
  }
  think_later(1ms);
}

bool Person::shares_all() const { return shares_done() == wishes_.shares.size(); }

std::uint64_t Person::shares_done() const {
  return static_cast<std::uint64_t>(std::count(shared_.begin(), shared_.end(), true));
}

bool Person::has_all() const {
  return std::all_of(fetched_.begin(), fetched_.end(),
                     [](const Fetched& each) { return each.complete.has_value(); });
}

}  // namespace tutti::simulation
