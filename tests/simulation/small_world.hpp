#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_client.hpp"
#include "messages/peer_peer.hpp"
#include "tests/simulation/library/swarm_host.hpp"

// Machines and links between them, held by a test: for what the data sheets of SwarmNetwork and SwarmHost promise.

namespace tutti::simulation::small_world {

using namespace std::chrono_literals;

/// Who is at either end of the links of these tests. `Have` is the one word, its piece says which.
struct TalkerRole {
  static constexpr std::string_view name = "talker";
  using Accepts = Messages<Have>;
  using Says = Messages<Have>;
  static constexpr std::size_t frame_bytes = 64U << 20U;
};

inline double ms(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// One end of links, held by the test: an actor that does what it is told to and writes down what befalls it. It speaks over
/// what it has opened, or to the last one who has come in there.
struct End {
  using Deed = std::function<void(Context&)>;
  struct Heard {
    std::uint32_t word = 0;
    std::size_t bytes = 0;
    Instant when;
  };
  struct Change {
    std::string what;  ///< `up`, or why it is down
    Instant when;
    LinkKey key;
  };

  SwarmHost* host = nullptr;  ///< valid as long as its life
  Address actor;
  Address opened;
  Address way;
  std::string fault;
  std::deque<Deed> deeds;
  std::vector<Heard> heard;
  std::vector<Change> changes;
  std::vector<Instant> echoes;
  std::optional<LinkKey> told;

  /// Does this as a handler of its own, as soon as it is its turn.
  void does(Deed deed) {
    deeds.push_back(std::move(deed));
    host->say({}, actor, ForgetCommand{});
  }
  void says(std::uint32_t word, std::size_t bytes = 0) { says_all(word, word, bytes); }
  /// Words one behind the other, in one breath.
  void says_all(std::uint32_t first, std::uint32_t last, std::size_t bytes = 0) {
    does([=, this](Context& context) {
      for (std::uint32_t word = first; word <= last; ++word)
        context.answer(way, Have{{}, {word}}, bytes == 0 ? Payload{} : Payload::own(Bytes(bytes, 7)));
    });
  }
  std::vector<std::uint32_t> words() const {
    std::vector<std::uint32_t> all;
    for (const Heard& each : heard) all.push_back(each.word);
    return all;
  }
  bool has_heard(std::uint32_t word) const {
    return std::any_of(heard.begin(), heard.end(), [&](const Heard& each) { return each.word == word; });
  }
  /// What has become of its links, in one line.
  std::string story() const {
    std::string all;
    for (const Change& each : changes) all += (all.empty() ? "" : ", ") + each.what;
    return all;
  }
  bool is_up() const { return !changes.empty() && changes.back().what == "up"; }
  void forget() {
    heard.clear();
    changes.clear();
  }
};

class Talker final : public ActorOf<Talker, Messages<ForgetCommand, Have>> {
 public:
  Talker(End& end, std::function<Opened(Context&)> open) : end_(end), open_(std::move(open)) {}
  void start(Context& context) override {
    const Opened opened = open_(context);
    end_.fault = opened.fault;
    end_.opened = end_.way = opened.address;
  }
  void on(const ForgetCommand&, Context& context) {
    const End::Deed deed = std::move(end_.deeds.front());
    end_.deeds.pop_front();
    deed(context);
  }
  void on(const Have& word, Context& context) {
    end_.heard.push_back({word.piece.value, context.payload().size(), context.now()});
  }
  void on(const LinkUp& up, Context& context) {
    end_.way = up.link;
    end_.changes.push_back({"up", context.now(), up.key});
  }
  void on(const LinkDown& down, Context& context) {
    end_.changes.push_back(
        {std::string(link_loss_names[static_cast<std::size_t>(down.loss)]), context.now(), {}});
  }
  void on(const LinkEcho&, Context& context) { end_.echoes.push_back(context.now()); }
  void on(const KeyTold& told, Context&) { end_.told = told.key; }

 private:
  End& end_;
  const std::function<Opened(Context&)> open_;
};

/// A machine, with the process that runs on it.
struct Machine {
  SwarmWorld& world;
  std::string ip;
  LinkKey key;
  NodeId node;
  Duration dial_pause_max = 2s;
  std::uint64_t lives = 0;
  std::unique_ptr<SwarmHost> host{};

  void start() {
    host = std::make_unique<SwarmHost>(
        world, SwarmHost::Settings{ip, node, key, dial_pause_max, ++lives, std::chrono::milliseconds(0)});
  }
  void kill() { host.reset(); }
  void vanish() {
    host->vanish();
    host.reset();
  }
};

class World {
 public:
  explicit World(std::uint64_t seed = 1, const NetworkSettings& settings = {}) : world_(seed, settings) {}

  Machine& machine(const Line& line = {}) {
    const std::string ip = "10.0.0." + std::to_string(machines_.size() + 1);
    const LinkKey key = LinkKey::from(Bytes(LinkKey::size, static_cast<std::uint8_t>(machines_.size() + 1)));
    machines_.push_back({world_, ip, key, network().add_node(ip, ip, line)});
    machines_.back().start();
    return machines_.back();
  }
  End& end(Machine& at, std::function<Opened(Context&)> open) {
    End& made = ends_.emplace_back();
    made.host = at.host.get();
    const auto actor =
        at.host->reserve<TalkerRole>(at.host->add_worker("end-" + std::to_string(ends_.size())));
    made.actor = actor.address;
    at.host->spawn(actor, "talker", std::make_unique<Talker>(made, std::move(open)));
    return made;
  }
  End& door(Machine& at, Admits admits = Admits::anybody) {
    return end(
        at, [&at, admits](Context& context) { return context.listen<TalkerRole>(at.ip + ":7000", admits); });
  }
  End& dial(Machine& from, const Machine& to) { return dial(from, to, to.key); }
  End& dial(Machine& from, const Machine& to, const LinkKey& expected) {
    return end(from, [&to, expected](Context& context) {
      return Opened{context.connect<TalkerRole>(to.ip + ":7000", expected).address, {}, {}};
    });
  }
  End& topic(Machine& at) {
    return end(at, [&at](Context& context) { return context.publish<TalkerRole>(at.ip + ":7001"); });
  }
  End& subscribe(Machine& from, const Machine& to) {
    return end(from, [&to](Context& context) {
      return Opened{context.subscribe<TalkerRole>(to.ip + ":7001", to.key).address, {}, {}};
    });
  }
  End& sealed_door(Machine& at) {
    return end(at, [&at](Context& context) { return context.listen_sealed<TalkerRole>(at.ip + ":7002"); });
  }
  End& dial_sealed(Machine& from, const Machine& to, const SealedPass& pass) {
    return end(from, [&to, pass](Context& context) {
      return Opened{context.connect_sealed<TalkerRole>(to.ip + ":7002", to.key, pass).address, {}, {}};
    });
  }

  SwarmWorld& world() { return world_; }
  SwarmNetwork& network() { return world_.network; }
  Instant now() const { return world_.clock.now(); }
  void wait(Duration time) { world_.clock.run_until(now() + time); }
  /// Lets time pass until it is so. False: it did not come to that.
  bool wait_until(const std::function<bool()>& it_is_so, Duration patience = 60s) {
    const Instant end = now() + patience;
    while (!it_is_so())
      if (!world_.clock.step(end)) return it_is_so();
    return true;
  }
  void cut(const Machine& a, const Machine& b) {
    network().cut(a.node, b.node);
    network().cut(b.node, a.node);
  }
  void mend(const Machine& a, const Machine& b) {
    network().mend(a.node, b.node);
    network().mend(b.node, a.node);
  }

 private:
  // Machines go first: their actors write into the ends.
  SwarmWorld world_;
  std::deque<End> ends_;
  std::deque<Machine> machines_;
};

/// Two machines and a link between them that stands and over which something has been said.
struct Couple : World {
  Machine& near;
  Machine& far;
  End* door;
  End* dialler;

  explicit Couple(const Line& near_line = {}, const Line& far_line = {}, std::uint64_t seed = 1,
                  const NetworkSettings& settings = {})
      : World(seed, settings),
        near(machine(near_line)),
        far(machine(far_line)),
        door(&World::door(far)),
        dialler(&dial(near, far)) {
    meet(*dialler, *door);
  }
  /// From here on only what happens then counts.
  void meet(End& dials, End& opens) {
    BOOST_TEST_REQUIRE(wait_until([&] { return dials.is_up(); }));
    dials.says(0);
    BOOST_TEST_REQUIRE(wait_until([&] { return opens.has_heard(0); }));
    wait(1s);
    BOOST_TEST_REQUIRE(opens.is_up());
    dials.forget();
    opens.forget();
  }
  /// How long this is on its way.
  Duration time_of(End& from, End& to, std::size_t bytes) {
    const Instant begin = now();
    from.says(++last_word, bytes);
    BOOST_TEST_REQUIRE(wait_until([&] { return to.has_heard(last_word); }, 10min));
    return now() - begin;
  }

  std::uint32_t last_word = 1000;
};

inline std::vector<std::uint32_t> numbers(std::uint32_t first, std::uint32_t last) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t word = first; word <= last; ++word) all.push_back(word);
  return all;
}

inline constexpr std::size_t megabyte = 1'000'000;
inline constexpr std::size_t more_than_a_packet = 2'000;

}  // namespace tutti::simulation::small_world
