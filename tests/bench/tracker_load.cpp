#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "actors/digest.hpp"
#include "actors/zmq_host.hpp"
#include "messages/client_tracker.hpp"
#include "messages/codec.hpp"
#include "messages/codec_impl.hpp"
#include "tests/bench/gate.hpp"
#include "tracker/version_vector.hpp"

// Clients of running trackers that ask for one thing again and again, each as soon as it was answered, or for nothing; how
// often and how fast, as one line of JSON. scripts/bench trackers runs it. Every client makes an account, logs in, makes a group
// and shares a file in it first; `measuring` is printed when all have and a moment has passed.

namespace {

using namespace tutti;
using bench::Gate;

/// What is asked.
enum class Work : std::uint8_t {
  reads,    ///< FindSharers: what clients ask most
  finds,    ///< FindFile: a read that needs the store
  rules,    ///< AskTicketRules: what who serves asks every five seconds for each group
  tickets,  ///< AskTicket: a signature
  writes,   ///< StopShare and StartShare by turns: one delta each
  names,    ///< CreateGroup: two deltas, as its name is confirmed when all have it
  idle,     ///< nothing: the clients are there, and say so every five seconds, as all do
};

struct Tick {
  TUTTI_MESSAGE(Tick, 0xf111);
};
struct Over {
  TUTTI_MESSAGE(Over, 0xf112);
};
struct PresenceDue {
  TUTTI_MESSAGE(PresenceDue, 0xf113);
};

struct CrowdRole {
  static constexpr std::string_view name = "crowd";
  using Accepts = Messages<>;
};

/// What all clients share. They live on one worker, so it needs no lock.
struct Contest {
  std::vector<std::string> trackers;
  std::uint32_t clients = 64;
  Work work = Work::reads;
  std::chrono::milliseconds length{5000};  ///< 0: until standard input ends
  std::string tag;                         ///< in names, so that one store serves several contests

  std::uint32_t ready = 0;
  std::optional<Instant> begin;
  std::optional<Instant> end;
  std::vector<float> milliseconds;  ///< of each answer
  std::uint64_t provisional = 0;
  std::string wrong;  ///< the first answer that is none
};

constexpr Duration warm_up = std::chrono::milliseconds(500);
constexpr Duration look_every = std::chrono::milliseconds(10);
constexpr Duration presence_every = std::chrono::seconds(5);
constexpr const char* password = "secret";

/// One client with one request under way.
class Member final : public ActorOf<Member, Joined<TrackerRole::Says, Messages<Tick, PresenceDue>>> {
 public:
  Member(Contest& contest, std::uint32_t number, const LinkKey& key)
      : contest_(contest),
        number_(number),
        name_("load-" + contest.tag + "-" + std::to_string(number)),
        key_(ClientKey::from(key.view())) {}

  void start(Context& context) override {
    context.ask_key(endpoint());
    context.after(presence_every, PresenceDue{});
  }
  void on(const KeyTold& told, Context& context) {
    tracker_ = context.connect<TrackerRole>(endpoint(), told.key);
  }
  void on(const LinkUp&, Context& context) {
    context.send(tracker_, Hello{client_tracker_version, client_tracker_version, key_, "bench"});
  }
  void on(const LinkDown&, Context&) { fail("a tracker has gone"); }
  void on(const Unwelcome& message, Context&) { fail(message.sentence); }
  void on(const Notice&, Context&) {}
  void on(const GroupChanged&, Context&) {}
  void on(const PieceReported&, Context&) {}
  void on(const Welcome&, Context& context) { ask(CreateUser{{name_}, password}, context); }
  void on(const PresenceDue&, Context& context) {
    if (!token_.is_zero()) context.send(tracker_, Present{token_, ++presences_, "127.0.0.1", 9});
    context.after(presence_every, PresenceDue{});
  }
  /// Ready, and looking whether the others are, too.
  void on(const Tick&, Context& context) {
    if (contest_.begin) return next(context);
    context.after(look_every, Tick{});
  }
  void on(const Answer& answer, Context& context) {
    if (answer.counter.value != counter_) return;
    floor_ = merged(floor_, answer.at);
    if (const auto* why = answer.what.get<Refused>()) return fail(why->sentence);
    if (begun_) {
      note(answer, context.now());
      return next(context);
    }
    prepare(answer, context);
  }

 private:
  const std::string& endpoint() const { return contest_.trackers[number_ % contest_.trackers.size()]; }
  void fail(const std::string& why) {
    if (contest_.wrong.empty()) contest_.wrong = why;
  }
  void ask(ClientRequest what, Context& context) {
    asked_ = context.now();
    context.send(tracker_, Request{{++counter_}, token_, floor_, std::move(what)});
  }

  // --- before the contest -----------------------------------------------------------------------------------------

  void prepare(const Answer& answer, Context& context) {
    if (const auto* in = answer.what.get<LoggedIn>()) {
      token_ = in->token;
      return ask(CreateGroup{{name_}}, context);
    }
    if (const auto* added = answer.what.get<FileAdded>()) {
      gid_ = added->gid;
      fid_ = added->fid;
      context.after(look_every, Tick{});
      if (++contest_.ready == contest_.clients) {
        contest_.begin = context.now() + warm_up;
        if (contest_.length.count() > 0) contest_.end = *contest_.begin + contest_.length;
      }
      return;
    }
    if (token_.is_zero()) return ask(Login{{name_}, password, "127.0.0.1", 9}, context);
    AddFile add{{name_}, {}};
    add.metainfo.name = {"file"};
    add.metainfo.size = {1000};
    add.metainfo.piece_length = Metainfo::piece_length_min;
    add.metainfo.sha1 = sha1(key_.view());
    add.metainfo.piece_sha1.push_back(add.metainfo.sha1);
    add.metainfo.piece_sha256.push_back(sha256(key_.view()));
    ask(std::move(add), context);
  }

  // --- the contest ------------------------------------------------------------------------------------------------

  void next(Context& context) {
    begun_ = true;
    if (contest_.end && context.now() >= *contest_.end) return;
    switch (contest_.work) {
      case Work::reads: return ask(FindSharers{gid_, fid_}, context);
      case Work::rules: return ask(AskTicketRules{gid_}, context);
      case Work::tickets: return ask(AskTicket{gid_}, context);
      case Work::finds: return ask(FindFile{{name_}, {"file"}}, context);
      case Work::writes:
        shares_ = !shares_;
        if (shares_) return ask(StartShare{gid_, fid_}, context);
        return ask(StopShare{{name_}, {"file"}}, context);
      case Work::names: return ask(CreateGroup{{name_ + "-" + std::to_string(++groups_)}}, context);
      case Work::idle: return;
    }
  }
  void note(const Answer& answer, Instant now) {
    if (asked_ < *contest_.begin || (contest_.end && now > *contest_.end)) return;
    contest_.provisional += answer.provisional ? 1 : 0;
    contest_.milliseconds.push_back(std::chrono::duration<float, std::milli>(now - asked_).count());
  }

  Contest& contest_;
  std::uint32_t number_;
  std::string name_;
  ClientKey key_;
  Ref<TrackerRole> tracker_;
  SessionToken token_;
  VersionVector floor_;
  Gid gid_;
  Fid fid_;
  std::uint64_t counter_ = 0;
  std::uint64_t presences_ = 0;
  std::uint64_t groups_ = 0;
  bool shares_ = true;
  bool begun_ = false;
  Instant asked_;
};

/// Says when it begins and sees when it is over.
class Umpire final : public ActorOf<Umpire, Messages<Tick, Over>> {
 public:
  Umpire(Contest& contest, Gate& gate) : contest_(contest), gate_(gate) {}
  void start(Context& context) override {
    if (contest_.length.count() == 0) context.watch(0);
    context.after(Duration::zero(), Tick{});
  }
  void on(const Tick&, Context& context) {
    if (!contest_.wrong.empty()) return gate_.open();
    if (!contest_.begin || context.now() < *contest_.begin) {
      context.after(std::chrono::milliseconds(1), Tick{});
      return;
    }
    std::puts("measuring");
    std::fflush(stdout);
    if (contest_.end) context.after(*contest_.end - context.now(), Over{});
  }
  void on(const Over&, Context&) { gate_.open(); }
  void on(const InputReady&, Context& context) {
    if (!contest_.end) contest_.end = context.now();
    gate_.open();
  }

 private:
  Contest& contest_;
  Gate& gate_;
};

int report(Contest& contest) {
  const double seconds =
      contest.begin ? std::chrono::duration<double>(*contest.end - *contest.begin).count() : 0;
  // Of those who ask nothing each second of each counts as answered at once.
  if (contest.work == Work::idle && contest.begin)
    contest.milliseconds.resize(static_cast<std::size_t>(seconds * contest.clients));
  if (contest.wrong.empty() && contest.milliseconds.empty()) contest.wrong = "nothing was answered";
  if (!contest.wrong.empty()) {
    fmt::print(stderr, "bench_tracker_load: {}\n", contest.wrong);
    return 1;
  }
  std::vector<float>& all = contest.milliseconds;
  std::sort(all.begin(), all.end());
  const auto at = [&](double share) { return all[static_cast<std::size_t>(share * double(all.size() - 1))]; };
  fmt::print(
      "{{\"answers\": {}, \"seconds\": {:.3f}, \"p50\": {:.3f}, \"p99\": {:.3f}, \"max\": {:.3f}, "
      "\"provisional\": {}}}\n",
      all.size(), seconds, at(0.5), at(0.99), all.back(), contest.provisional);
  return 0;
}

std::string random_tag() {
  std::array<unsigned char, 4> bytes{};
  std::ifstream("/dev/urandom", std::ios::binary).read(reinterpret_cast<char*>(bytes.data()), bytes.size());
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", bytes[0], bytes[1], bytes[2], bytes[3]);
}

int run(Contest& contest) {
  contest.tag = random_tag();
  Gate gate;
  ZmqHost host;
  const auto worker = host.add_worker("crowd");
  for (std::uint32_t number = 0; number < contest.clients; ++number) {
    const auto member = host.reserve<CrowdRole>(worker);
    const LinkKeys keys = make_link_keys();
    host.give_keys(member, keys);
    host.spawn(member, "member", std::make_unique<Member>(contest, number, keys.key));
  }
  host.spawn(host.reserve<CrowdRole>(worker), "umpire", std::make_unique<Umpire>(contest, gate));
  host.start();
  gate.wait();
  host.stop();
  return report(contest);
}

}  // namespace

int main(int argc, char* argv[]) {
  Contest contest;
  double seconds = 5;
  CLI::App app{"Clients that keep trackers busy, and how fast those answer"};
  app.add_option("trackers", contest.trackers, "host:port of each tracker; clients are spread over them")
      ->required();
  app.add_option("--clients", contest.clients)->capture_default_str();
  app.add_option("--seconds", seconds, "0: until standard input ends")->capture_default_str();
  app.add_option("--work", contest.work)
      ->transform(CLI::CheckedTransformer(std::map<std::string, Work>{{"reads", Work::reads},
                                                                      {"rules", Work::rules},
                                                                      {"tickets", Work::tickets},
                                                                      {"finds", Work::finds},
                                                                      {"writes", Work::writes},
                                                                      {"names", Work::names},
                                                                      {"idle", Work::idle}}))
      ->required();
  CLI11_PARSE(app, argc, argv);
  contest.length = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  return run(contest);
}
