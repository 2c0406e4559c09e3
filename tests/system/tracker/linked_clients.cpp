#include "tests/system/tracker/linked_clients.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "actors/actor.hpp"
#include "peer/tracker_link.hpp"

namespace tutti::testing {

/// Written on the clients' thread, read by others after the end; but for the count of those at work.
struct LinkedClients::Notes {
  LinkedFigures figures;
  std::uint32_t clients = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::uint32_t at_work = 0;
};

namespace {

/// Whoever a tracker_link speaks with in its client, all in one.
struct AroundRole {
  static constexpr std::string_view name = "around";
  using Accepts = Messages<Told, TrackerChanged, TrackerKeySeen, SessionChanged, LinkStatus, Notice,
                           GroupChanged, PieceReported, GroupLeft, ReserveCounters, RememberTracker>;
};

class Around final : public ActorOf<Around, AroundRole::Accepts> {
 public:
  Around(Ref<TrackerLinkRole> link, std::uint32_t number, LinkedClients::Notes& notes)
      : link_(link), name_("mover" + std::to_string(number)), notes_(notes) {}

  void on(const ReserveCounters& reserve, Context& context) {
    context.reply(CountersReserved{{counter_ + 1}, reserve.count, Code::other, {}});
    counter_ += reserve.count;
  }
  void on(const TrackerChanged& changed, Context& context) {
    if (changed.tracker_number == 0) return;
    const bool first = std::exchange(used_, changed.tracker_number) == 0;
    ++(first ? notes_.figures.clients_of[used_] : notes_.figures.moves);
    if (first) ask(CreateUser{{name_}, "secret"}, context);
  }
  void on(const Told& told, Context& context) {
    LinkedFigures& figures = notes_.figures;
    ++figures.answers;
    figures.provisional += told.provisional ? 1 : 0;
    figures.longest =
        std::max(figures.longest, std::chrono::ceil<std::chrono::milliseconds>(context.now() - asked_));
    if (const auto* refused = told.what.get<Refused>())
      figures.wrong.push_back(name_ + ": " + refused->sentence);
    if (++answered_ == 3) {
      const std::lock_guard lock(notes_.mutex);
      ++notes_.at_work;
      notes_.changed.notify_all();
    }
    ask(next(), context);
  }
  void on(const TrackerKeySeen&, Context&) {}
  void on(const RememberTracker&, Context&) {}
  void on(const SessionChanged&, Context&) {}
  void on(const LinkStatus&, Context&) {}
  void on(const Notice&, Context&) {}
  void on(const GroupChanged&, Context&) {}
  void on(const PieceReported&, Context&) {}
  void on(const GroupLeft&, Context&) {}

 private:
  ClientRequest next() {
    const std::uint64_t step = answered_ - 1;
    if (step % 4 == 0) return {Login{{name_}, "secret", {}, 0}};
    if (step % 4 == 3) return {Logout{}};
    if (step % 2 == 0) return {ListGroups{}};
    // Names of few groups: one makes and leaves, since groups of one user are limited.
    const GroupName group{name_ + "-g"};
    in_group_ = !in_group_;
    if (in_group_) return {CreateGroup{group}};
    return {LeaveGroup{group}};
  }
  void ask(ClientRequest what, Context& context) {
    asked_ = context.now();
    context.send(link_, Ask{CommandId{++last_command_}, std::move(what)});
  }

  Ref<TrackerLinkRole> link_;
  std::string name_;
  LinkedClients::Notes& notes_;
  Instant asked_{};
  std::uint64_t counter_ = 0;
  std::uint64_t last_command_ = 0;
  std::uint64_t answered_ = 0;
  std::uint32_t used_ = 0;
  bool in_group_ = false;
};

TrackerEntry entry_of(std::uint32_t number, const std::string& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  return {number,
          endpoint.substr(0, colon),
          static_cast<std::uint16_t>(std::stoul(endpoint.substr(colon + 1))),
          {}};
}

}  // namespace

LinkedClients::LinkedClients(const std::vector<std::string>& trackers, std::uint32_t clients)
    : notes_(std::make_unique<Notes>()), host_(std::make_unique<ZmqHost>()) {
  notes_->clients = clients;
  notes_->figures.clients_of.resize(trackers.size() + 1);
  const ZmqHost::WorkerId worker = host_->add_worker("clients");
  TrackerLinkOptions options;
  for (std::uint32_t n = 0; n < trackers.size(); ++n)
    options.trackers.push_back(entry_of(n + 1, trackers[n]));
  options.software = "test";
  for (std::uint32_t n = 0; n < clients; ++n) {
    const LinkKeys keys = make_link_keys();
    options.client = ClientKey::from(keys.key.view());
    const auto around = host_->reserve<AroundRole>(worker);
    const auto link = host_->reserve<TrackerLinkRole>(worker);
    host_->give_keys(link, keys);
    // The one that a tracker_link asks for request ids as soon as it starts comes first.
    host_->spawn(around, "around", std::make_unique<Around>(link, n, *notes_));
    host_->spawn(
        link, "tracker_link",
        std::make_unique<TrackerLink>(
            options, Ref<StorageRole>{around.address},
            TrackerLink::Listeners{{around.address}, {around.address}, {around.address}, {around.address}}));
  }
  host_->start();
}

LinkedClients::~LinkedClients() = default;

bool LinkedClients::are_at_work(std::chrono::milliseconds patience) {
  std::unique_lock lock(notes_->mutex);
  return notes_->changed.wait_for(lock, patience, [&] { return notes_->at_work == notes_->clients; });
}

LinkedFigures LinkedClients::end() {
  host_->stop();
  return notes_->figures;
}

}  // namespace tutti::testing
