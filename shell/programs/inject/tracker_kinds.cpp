#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "messages/inside_tracker.hpp"
#include "messages/tracker_tracker.hpp"
#include "shell/programs/inject/kinds.hpp"
#include "tracker/config.hpp"
#include "tracker/directory_actor.hpp"
#include "tracker/front_desk.hpp"
#include "tracker/journal.hpp"
#include "tracker/password_hasher.hpp"
#include "tracker/replicator.hpp"
#include "tracker/store.hpp"
#include "tracker/tracker_console.hpp"

namespace tutti {

namespace {

const ActorSetting number_setting{"number", "1", "of the tracker in its file"};
const ActorSetting trackers_setting{"trackers", "1", "how many the file has"};

std::uint32_t small_number(const Casting& casting, std::string_view name) {
  const std::uint64_t value = casting.number(name);
  if (value == 0 || value > UINT32_MAX) throw BadRequest(std::string(name) + " is a number from 1");
  return static_cast<std::uint32_t>(value);
}

std::unique_ptr<Actor> make_front_desk(Casting& casting) {
  FrontDeskPlace place{small_number(casting, "number"),
                       casting.setting("listen"),
                       casting.partner<DirectoryRole>(),
                       casting.partner<ConsoleRole>(),
                       {}};
  place.hashers.push_back(casting.partner<PasswordHasherRole>());
  return std::make_unique<FrontDesk>(std::move(place), LimitConfig{});
}

std::unique_ptr<Actor> make_directory(Casting& casting) {
  const DirectoryPlace place{small_number(casting, "number"),   small_number(casting, "trackers"),
                             casting.partner<FrontDeskRole>(),  casting.partner<JournalRole>(),
                             casting.partner<ReplicatorRole>(), casting.partner<ConsoleRole>()};
  return std::make_unique<DirectoryActor>(place, SyncConfig{});
}

std::unique_ptr<Actor> make_replicator(Casting& casting) {
  const std::vector<TrackerEntry> trackers = trackers_of(casting.setting("trackers"));
  const std::uint32_t number = small_number(casting, "number");
  if (number > trackers.size())
    throw BadRequest("number=" + std::to_string(number) + ": there are fewer trackers");
  const TrackerEntry& own = trackers[number - 1];
  return std::make_unique<Replicator>(
      ReplicatorPlace{number, trackers, own.topic_endpoint(), own.repair_endpoint(),
                      casting.partner<DirectoryRole>(), casting.partner<JournalRole>(),
                      casting.partner<ConsoleRole>()},
      SyncConfig{});
}

std::unique_ptr<Actor> make_journal(Casting&) {
  StoreId id;
  id.bytes.fill(0x22);
  return std::make_unique<Journal>(make_memory_store(id));
}

/// Each time its descriptor is ready the next of the lines has been typed.
class TypedLines final : public ConsoleDevice {
 public:
  explicit TypedLines(const std::string& lines) {
    std::istringstream stream(lines);
    for (std::string line; std::getline(stream, line, ',');) lines_.push_back(line + '\n');
  }
  int input() const override { return 0; }
  int signals() const override { return -1; }
  std::optional<std::string> read_input() override {
    if (lines_.empty()) return std::nullopt;
    std::string line = lines_.front();
    lines_.pop_front();
    return line;
  }
  void take_signal() override {}
  void print(std::string_view line) override { std::cout << "console prints: " << line << '\n'; }
  void fail(std::string_view sentence) override { std::cout << "console fails: " << sentence << '\n'; }
  std::string start_trace(const std::string&) override { return "there is nothing to record here"; }
  bool stop_trace() override { return false; }

 private:
  std::deque<std::string> lines_;
};

/// The console does not own its device.
class ConsoleWithDevice final : public Actor {
 public:
  ConsoleWithDevice(ConsolePlace place, const std::string& lines)
      : device_(lines), console_(std::move(place), device_) {}
  void start(Context& context) override { console_.start(context); }
  Farewell stop(Context& context) override { return console_.stop(context); }
  Receipt receive(const Envelope& envelope, Context& context) override {
    return console_.receive(envelope, context);
  }

 private:
  TypedLines device_;
  TrackerConsole console_;
};

std::unique_ptr<Actor> make_console(Casting& casting) {
  return std::make_unique<ConsoleWithDevice>(
      ConsolePlace{small_number(casting, "number"), "/tracker", casting.partner<DirectoryRole>(),
                   casting.partner<JournalRole>()},
      casting.setting("typed"));
}

std::unique_ptr<Actor> make_password_hasher(Casting& casting) {
  PasswordCost cost;
  cost.memory_kib = small_number(casting, "memory_kib");
  return std::make_unique<PasswordHasher>(cost);
}

}  // namespace

std::vector<ActorKind> tracker_kinds() {
  return {
      {"front_desk",
       "speaks with clients",
       ids_of<FrontDeskRole::Accepts>(),
       ids_of<ClientRole::Says>(),
       {number_setting, {"listen", "127.0.0.1:5000", "where clients come in"}},
       make_front_desk},
      {"directory",
       "decides requests, owns the state",
       ids_of<DirectoryRole::Accepts>(),
       {},
       {number_setting, trackers_setting},
       make_directory},
      {"replicator",
       "speaks with the other trackers",
       ids_of<ReplicatorRole::Accepts>(),
       ids_of<Joined<FeedTopic::Says, RepairSourceRole::Says, RepairFollowerRole::Says>>(),
       {number_setting, {"trackers", "127.0.0.1:5000,127.0.0.1:5010", "the tracker file's lines"}},
       make_replicator},
      {"journal",
       "owns the store (here: one in memory)",
       ids_of<JournalRole::Accepts>(),
       {},
       {},
       make_journal},
      {"console",
       "answers whoever runs the tracker",
       ids_of<ConsoleRole::Accepts>(),
       {},
       {number_setting, {"typed", "status", "a line at each 'ready 0', ',' between them"}},
       make_console},
      {"password_hasher",
       "turns passwords into verifiers and checks them",
       ids_of<PasswordHasherRole::Accepts>(),
       {},
       {{"memory_kib", "8192", "memory of one hash"}},
       make_password_hasher},
  };
}

}  // namespace tutti
