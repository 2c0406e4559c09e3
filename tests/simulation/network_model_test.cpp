// What the data sheets of SwarmNetwork and SwarmHost promise, line by line: how long something is on its way, what ends a
// link and when, what is lost and what is not. Stories of swarms are worth as much as this is true.

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

using namespace tutti;
using namespace tutti::simulation;
using namespace std::chrono_literals;

namespace {

/// Who is at either end of the links of these tests. `Have` is the one word, its piece says which.
struct TalkerRole {
  static constexpr std::string_view name = "talker";
  using Accepts = Messages<Have>;
  using Says = Messages<Have>;
  static constexpr std::size_t frame_bytes = 64U << 20U;
};

double ms(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

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

std::vector<std::uint32_t> numbers(std::uint32_t first, std::uint32_t last) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t word = first; word <= last; ++word) all.push_back(word);
  return all;
}

constexpr std::size_t megabyte = 1'000'000;
constexpr std::size_t more_than_a_packet = 2'000;

}  // namespace

BOOST_AUTO_TEST_SUITE(network_model)

// --- lines ------------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_message_takes_its_bytes_at_the_slower_lines_rate_and_both_latencies) {
  const std::vector<std::pair<Line, Line>> ways{
      {{.up = 100'000, .latency = 30ms}, {.latency = 20ms}},
      {{.latency = 30ms}, {.down = 100'000, .latency = 20ms}},
      {{.up = 100'000, .down = 10, .latency = 30ms}, {.up = 10, .down = 400'000, .latency = 20ms}},
  };
  for (const auto& [near, far] : ways) {
    // The link has to stand before it may be as slow as that the other way.
    Couple two({.latency = 30ms}, {.latency = 20ms});
    two.network().set_line(two.near.node, near);
    two.network().set_line(two.far.node, far);
    const Duration small = two.time_of(*two.dialler, *two.door, 0);
    BOOST_TEST(ms(small) >= 50);
    BOOST_TEST(ms(small) <= 52);
    const Duration large = two.time_of(*two.dialler, *two.door, megabyte);
    BOOST_TEST(ms(large) >= 10'050);
    BOOST_TEST(ms(large) <= 10'150);
  }
}

BOOST_AUTO_TEST_CASE(both_directions_at_once_do_not_slow_each_other) {
  // All four of them are busy all the time.
  Couple two({.up = 100'000, .down = 50'000}, {.up = 70'000, .down = 90'000});
  const Duration there = two.time_of(*two.dialler, *two.door, megabyte);
  const Duration back = two.time_of(*two.door, *two.dialler, megabyte);
  BOOST_TEST(ms(there) >= 11'100);
  BOOST_TEST(ms(back) >= 20'000);
  const Instant begin = two.now();
  two.dialler->says(1, megabyte);
  two.door->says(2, megabyte);
  two.wait(30s);
  BOOST_TEST_REQUIRE(two.door->has_heard(1));
  BOOST_TEST_REQUIRE(two.dialler->has_heard(2));
  BOOST_TEST(ms(two.door->heard.back().when - begin) == ms(there), boost::test_tools::tolerance(0.01));
  BOOST_TEST(ms(two.dialler->heard.back().when - begin) == ms(back), boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(connections_share_a_line_evenly) {
  Couple two({.up = 100'000});
  Machine& other = two.machine();
  End& door = two.World::door(other);
  End& dialler = two.dial(two.near, other);
  two.meet(dialler, door);
  const Instant begin = two.now();
  two.dialler->says(1, megabyte);
  dialler.says(2, megabyte / 2);
  two.wait(30s);
  BOOST_TEST_REQUIRE(two.door->has_heard(1));
  BOOST_TEST_REQUIRE(door.has_heard(2));
  // Turn and turn about: the shorter one takes as long as twice its bytes, both together as long as all of them.
  BOOST_TEST(ms(door.heard.back().when - begin) == 10'000, boost::test_tools::tolerance(0.02));
  BOOST_TEST(ms(two.door->heard.back().when - begin) == 15'000, boost::test_tools::tolerance(0.02));
}

BOOST_AUTO_TEST_CASE(a_large_payload_holds_up_others_for_a_segment_at_the_most) {
  Couple two({.up = 1'000'000, .latency = 10ms}, {.latency = 10ms});
  Machine& other = two.machine({.latency = 10ms});
  End& door = two.World::door(other);
  End& dialler = two.dial(two.near, other);
  two.meet(dialler, door);
  two.dialler->says(1, 10 * megabyte);
  two.wait(1s);
  // Less than a packet: it goes between.
  BOOST_TEST(ms(two.time_of(dialler, door, 0)) <= 21);
  // Longer than that: the segment of 20 ms that is being sent, its own 10 ms, and the way.
  const Duration longer = two.time_of(dialler, door, 10'000);
  BOOST_TEST(ms(longer) >= 30);
  BOOST_TEST(ms(longer) <= 51);
  BOOST_TEST(!two.door->has_heard(1));
  // Over the same connection it waits until all of that has been said.
  BOOST_TEST(ms(two.time_of(*two.dialler, *two.door, 0)) > 8'000);
  BOOST_TEST(two.door->has_heard(1));
}

/// As it is before a modem: whoever sends to it quickly fills a queue in which everybody else waits.
BOOST_AUTO_TEST_CASE(before_the_receivers_line_there_is_a_queue_of_a_tenth_of_a_second) {
  for (const std::uint64_t rate : {std::uint64_t{500'000}, std::uint64_t{5'000'000}}) {
    Couple two({.latency = 5ms}, {.down = rate, .latency = 5ms});
    // Alone none of them may have more under way than its rate times its delay asks for.
    std::vector<End*> crowd;
    for (int i = 0; i < 10; ++i) {
      crowd.push_back(&two.dial(two.machine({.latency = 5ms}), two.far));
      two.meet(*crowd.back(), *two.door);
    }
    for (End* each : crowd) each->says(1, rate);
    two.wait(5s);
    const double queue = std::max(100.0, 128.0 * 1024 * 1000 / static_cast<double>(rate));
    const Duration waited = two.time_of(*two.dialler, *two.door, more_than_a_packet);
    BOOST_TEST(ms(waited) >= 0.7 * queue);
    BOOST_TEST(ms(waited) <= 1.2 * queue + 40);
  }
}

BOOST_AUTO_TEST_CASE(many_who_send_to_one_machine_share_its_queue) {
  Couple two({.latency = 5ms}, {.down = megabyte, .latency = 5ms});
  std::vector<End*> crowd;
  for (int i = 0; i < 20; ++i) {
    crowd.push_back(&two.dial(two.machine({.latency = 5ms}), two.far));
    two.meet(*crowd.back(), *two.door);
  }
  const Instant begin = two.now();
  for (End* each : crowd) each->says(1, megabyte);
  // At first they know nothing of each other. Then a queue of each, as it is for one alone, would be 2.6 s.
  two.wait(8s);
  BOOST_TEST(ms(two.time_of(*two.dialler, *two.door, more_than_a_packet)) <= 400);
  BOOST_TEST_REQUIRE(two.wait_until([&] { return two.door->heard.size() == 21; }));
  BOOST_TEST(ms(two.now() - begin) == 20'000, boost::test_tools::tolerance(0.02));
}

BOOST_AUTO_TEST_CASE(on_a_long_way_no_more_is_carried_than_may_be_under_way) {
  // 27 MB are ten times what the kernel keeps, each of which takes a round trip of 2 s; the last one only the way there.
  Couple two({.latency = 500ms}, {.latency = 500ms});
  const Duration took = two.time_of(*two.dialler, *two.door, 27 * megabyte);
  BOOST_TEST(ms(took) >= 17'000);
  BOOST_TEST(ms(took) <= 21'000);
}

BOOST_AUTO_TEST_CASE(losses_hold_the_rate_down_and_lose_nothing) {
  // Mathis: 1.22 * 1460 / (100 ms * sqrt(0.01)) = 178 kB/s, and a round trip for each segment that was hit.
  Couple two({.latency = 25ms, .loss_per_million = 10'000}, {.latency = 25ms});
  const Duration took = two.time_of(*two.dialler, *two.door, megabyte);
  BOOST_TEST(ms(took) >= 5'000);
  BOOST_TEST(ms(took) <= 15'000);
  BOOST_TEST(two.door->heard.back().bytes == megabyte);
  Couple lossless({.latency = 25ms}, {.latency = 25ms});
  BOOST_TEST(ms(lossless.time_of(*lossless.dialler, *lossless.door, megabyte)) <= 200);
}

BOOST_AUTO_TEST_CASE(jitter_adds_its_length_at_the_most_and_keeps_the_order_of_a_connection) {
  Couple two({.latency = 10ms, .jitter = 80ms}, {.latency = 10ms, .jitter = 20ms});
  std::vector<Instant> said;
  for (std::uint32_t word = 1; word <= 300; ++word) {
    said.push_back(two.now());
    two.dialler->says(word, word % 7 == 0 ? 30'000 : 0);
    two.wait(5ms);
  }
  two.wait(10s);
  BOOST_TEST(two.door->words() == numbers(1, 300), boost::test_tools::per_element());
  Duration longest{};
  Duration shortest = 1min;
  for (std::size_t i = 0; i < std::min(said.size(), two.door->heard.size()); ++i) {
    const Duration took = two.door->heard[i].when - said[i];
    longest = std::max(longest, took);
    shortest = std::min(shortest, took);
  }
  BOOST_TEST(ms(shortest) >= 20);
  BOOST_TEST(ms(longest) <= 121);
  BOOST_TEST(ms(longest - shortest) >= 50);
}

BOOST_AUTO_TEST_CASE(order_is_kept_and_all_of_it_comes_once_whatever_is_lost_on_the_way) {
  const Line bad{.latency = 10ms, .jitter = 100ms, .loss_per_million = 100'000};
  Couple two(bad, bad);
  for (std::uint32_t word = 1; word <= 200; ++word) {
    two.dialler->says(word, word % 3 == 0 ? 5'000 : 0);
    two.door->says(word, word % 5 == 0 ? 5'000 : 0);
    two.wait(3ms);
  }
  two.wait(5min);
  BOOST_TEST(two.door->words() == numbers(1, 200), boost::test_tools::per_element());
  BOOST_TEST(two.dialler->words() == numbers(1, 200), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(connections_do_not_keep_each_others_order) {
  Couple two({.latency = 10ms, .jitter = 100ms});
  End& second = two.dial(two.near, two.far);
  two.meet(second, *two.door);
  for (std::uint32_t word = 1; word <= 100; ++word) {
    (word % 2 == 1 ? second : *two.dialler).says(word);
    two.wait(1ms);
  }
  two.wait(1s);
  std::vector<std::uint32_t> words = two.door->words();
  BOOST_TEST(words.size() == 100u);
  BOOST_TEST(!std::is_sorted(words.begin(), words.end()));
}

BOOST_AUTO_TEST_CASE(what_takes_longer_on_one_way_only_takes_longer_there) {
  Couple two;
  two.network().delay(two.near.node, two.far.node, 700ms);
  BOOST_TEST(ms(two.time_of(*two.dialler, *two.door, 0)) == 702, boost::test_tools::tolerance(0.01));
  BOOST_TEST(ms(two.time_of(*two.door, *two.dialler, 0)) < 3);
}

BOOST_AUTO_TEST_CASE(what_the_other_end_has_confirmed_is_known_at_the_door) {
  Couple two({.down = 100'000});
  std::uint64_t confirmed = 0;
  const auto look = [&] {
    two.door->does([&](Context& context) { confirmed = context.outflow(two.door->way)->confirmed; });
    two.wait(1ms);
  };
  two.door->says(1, megabyte);
  two.wait(5s);
  look();
  BOOST_TEST(confirmed >= 450'000u);
  BOOST_TEST(confirmed <= 550'000u);
  two.wait(10s);
  look();
  BOOST_TEST(confirmed >= megabyte);
  BOOST_TEST(two.network().bytes_waiting(two.door->way) == 0u);
}

// --- paths that are cut -----------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_path_that_is_cut_for_a_second_holds_what_is_said_and_gives_it_back) {
  Couple two;
  two.cut(two.near, two.far);
  BOOST_TEST(!two.network().stands(two.near.node, two.far.node));
  two.dialler->says_all(1, 3);
  two.dialler->says(4, 100'000);
  two.door->says_all(5, 6);
  two.wait(1s);
  BOOST_TEST(two.door->heard.empty());
  BOOST_TEST(two.dialler->heard.empty());
  two.mend(two.near, two.far);
  BOOST_TEST(two.network().stands(two.near.node, two.far.node));
  // The next retransmission comes after as long as it was cut at the most.
  two.wait(1s + 50ms);
  BOOST_TEST(two.door->words() == numbers(1, 4), boost::test_tools::per_element());
  BOOST_TEST(two.dialler->words() == numbers(5, 6), boost::test_tools::per_element());
  two.wait(10s);
  BOOST_TEST(two.dialler->story() == "");
  BOOST_TEST(two.door->story() == "");
}

BOOST_AUTO_TEST_CASE(short_cuts_one_after_the_other_lose_and_repeat_nothing) {
  Couple two({.latency = 20ms}, {.latency = 20ms});
  std::uint32_t word = 0;
  for (int i = 0; i < 10; ++i) {
    two.cut(two.near, two.far);
    for (int said = 0; said < 10; ++said) {
      two.dialler->says(++word, said % 4 == 0 ? more_than_a_packet : 0);
      two.wait(50ms);
    }
    two.mend(two.near, two.far);
    two.wait(i % 2 == 0 ? 10ms : 2s);
  }
  two.wait(10s);
  BOOST_TEST(two.door->words() == numbers(1, word), boost::test_tools::per_element());
  BOOST_TEST(two.dialler->story() == "");
}

BOOST_AUTO_TEST_CASE(silence_ends_a_link_after_3_s_for_who_dialled_and_4_s_at_the_door) {
  Couple two;
  const Instant begin = two.now();
  two.cut(two.near, two.far);
  two.wait(5s);
  two.dialler->says(1);
  two.door->says(2);
  two.wait(5s);
  BOOST_TEST_REQUIRE(two.dialler->story() == "silent");
  BOOST_TEST_REQUIRE(two.door->story() == "silent");
  BOOST_TEST(ms(two.dialler->changes[0].when - begin) == 3'000, boost::test_tools::tolerance(0.01));
  BOOST_TEST(ms(two.door->changes[0].when - begin) == 4'000, boost::test_tools::tolerance(0.01));
  two.mend(two.near, two.far);
  // Whoever gets no answer dials again after 2 s.
  BOOST_TEST_REQUIRE(two.wait_until([&] { return two.dialler->is_up(); }, 2s + 100ms));
  two.dialler->says(3);
  two.wait(100ms);
  BOOST_TEST(two.door->story() == "silent, up");
  two.door->says(4);
  two.wait(30s);
  // What was said while it was down is gone for good.
  BOOST_TEST(two.door->words() == numbers(3, 3), boost::test_tools::per_element());
  BOOST_TEST(two.dialler->words() == numbers(4, 4), boost::test_tools::per_element());
  BOOST_TEST(two.dialler->story() == "silent, up");
  BOOST_TEST(two.network().figures().dropped_in_silence == 1u);
}

BOOST_AUTO_TEST_CASE(who_does_not_get_through_is_not_heard_at_the_door_and_hears_no_answers) {
  Couple two;
  const Instant begin = two.now();
  two.network().cut(two.near.node, two.far.node);
  two.dialler->says(1);
  two.door->says(2);
  two.wait(100ms);
  BOOST_TEST(two.dialler->has_heard(2));
  two.wait(6s);
  BOOST_TEST(!two.door->has_heard(1));
  BOOST_TEST_REQUIRE(two.dialler->story() == "silent");
  BOOST_TEST_REQUIRE(two.door->story() == "silent");
  BOOST_TEST(ms(two.dialler->changes[0].when - begin) == 3'000, boost::test_tools::tolerance(0.01));
  BOOST_TEST(ms(two.door->changes[0].when - begin) == 4'000, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(who_is_not_answered_is_heard_until_he_gives_up) {
  Couple two;
  const Instant begin = two.now();
  two.network().cut(two.far.node, two.near.node);
  two.dialler->says(1);
  two.door->says(2);
  two.wait(2s);
  BOOST_TEST(two.door->has_heard(1));
  BOOST_TEST(!two.dialler->has_heard(2));
  two.wait(10s);
  BOOST_TEST_REQUIRE(two.dialler->story() == "silent");
  BOOST_TEST(ms(two.dialler->changes[0].when - begin) == 3'000, boost::test_tools::tolerance(0.01));
  // He says nothing more then: 4 s later that is noticed.
  BOOST_TEST_REQUIRE(two.door->story() == "silent");
  BOOST_TEST(ms(two.door->changes[0].when - begin) == 7'000, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(without_confirmations_no_more_gets_through_than_may_be_under_way) {
  Couple two({.latency = 50ms});
  two.network().cut(two.far.node, two.near.node);
  two.dialler->says_all(1, 6, megabyte);
  two.wait(2s);
  BOOST_TEST(two.door->words() == numbers(1, 2), boost::test_tools::per_element());
  two.network().mend(two.far.node, two.near.node);
  two.wait(5s);
  BOOST_TEST(two.door->words() == numbers(1, 6), boost::test_tools::per_element());
  BOOST_TEST(two.dialler->story() == "");
}

BOOST_AUTO_TEST_CASE(who_gets_no_answer_dials_again_after_two_seconds) {
  World world;
  Machine& near = world.machine();
  Machine& far = world.machine();
  world.door(far);
  world.cut(near, far);
  End& dialler = world.dial(near, far);
  const Instant begin = world.now();
  world.wait(100ms);
  world.mend(near, far);
  BOOST_TEST_REQUIRE(world.wait_until([&] { return dialler.is_up(); }));
  BOOST_TEST(ms(world.now() - begin) == 2'000, boost::test_tools::tolerance(0.02));
}

BOOST_AUTO_TEST_CASE(a_middle_box_that_forgets_breaks_the_link_at_once_and_it_is_dialled_anew) {
  Couple two;
  two.network().reset(two.near.node, two.far.node);
  two.wait(10ms);
  BOOST_TEST(two.dialler->story() == "disconnected");
  // libzmq does not tell a door: it shows when the peer is spoken to.
  BOOST_TEST(two.door->story() == "");
  two.door->says(1);
  two.wait(10ms);
  BOOST_TEST(two.door->story() == "disconnected");
  two.wait(1s);
  BOOST_TEST(two.dialler->story() == "disconnected, up");
  two.wait(5s);
  BOOST_TEST(two.dialler->heard.empty());
}

BOOST_AUTO_TEST_CASE(a_door_that_does_not_speak_notices_a_connection_that_ended_after_4_s) {
  Couple two;
  const Instant begin = two.now();
  two.network().reset(two.near.node, two.far.node);
  two.wait(10s);
  BOOST_TEST_REQUIRE(two.door->story() == "silent");
  BOOST_TEST(ms(two.door->changes[0].when - begin) == 4'000, boost::test_tools::tolerance(0.01));
}

// --- processes that die, machines that vanish, processes that are stopped ------------------------------------------------

BOOST_AUTO_TEST_CASE(a_process_that_is_killed_is_noticed_at_once_and_found_again) {
  Couple two({.latency = 20ms}, {.latency = 20ms});
  const Instant begin = two.now();
  two.far.kill();
  two.wait(1s);
  BOOST_TEST_REQUIRE(two.dialler->story() == "disconnected");
  BOOST_TEST(ms(two.dialler->changes[0].when - begin) == 40, boost::test_tools::tolerance(0.01));
  two.dialler->says(1);
  two.far.start();
  End& door = two.World::door(two.far);
  BOOST_TEST(door.fault == "");
  two.wait(4s);
  BOOST_TEST(two.dialler->story() == "disconnected, up");
  two.dialler->says(2);
  two.wait(10s);
  BOOST_TEST(door.story() == "up");
  BOOST_TEST(door.words() == numbers(2, 2), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_pauses_before_it_is_dialled_again_grow_up_to_what_was_set) {
  const auto longest_return_after = [](Duration away, Duration pause_max) {
    Duration longest{};
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Couple two({}, {}, seed);
      Machine& client = two.machine();
      client.kill();
      client.dial_pause_max = pause_max;
      client.start();
      End& dialler = two.dial(client, two.far);
      two.meet(dialler, *two.door);
      two.far.kill();
      two.wait(away);
      two.far.start();
      two.World::door(two.far);
      const Instant begin = two.now();
      BOOST_TEST_REQUIRE(dialler.story() == "disconnected");
      BOOST_TEST_REQUIRE(two.wait_until([&] { return dialler.is_up(); }));
      longest = std::max(longest, two.now() - begin);
    }
    return longest;
  };
  // By chance a pause is up to half as long again.
  BOOST_TEST(ms(longest_return_after(50ms, 2s)) <= 120);
  BOOST_TEST(ms(longest_return_after(600ms, 2s)) <= 700);
  BOOST_TEST(ms(longest_return_after(20s, 2s)) >= 1'200);
  BOOST_TEST(ms(longest_return_after(20s, 2s)) <= 3'020);
  BOOST_TEST(ms(longest_return_after(20s, 100ms)) <= 170);
}

BOOST_AUTO_TEST_CASE(a_process_that_is_killed_while_it_is_stopped_is_noticed_at_once) {
  Couple two;
  two.far.host->pause();
  two.dialler->says(1);
  two.wait(1s);
  two.far.kill();
  two.wait(10ms);
  BOOST_TEST(two.dialler->story() == "disconnected");
  BOOST_TEST(two.door->heard.empty());
}

BOOST_AUTO_TEST_CASE(what_a_killed_process_had_not_said_yet_is_not_said) {
  Couple two({.up = 100'000});
  // It leaves when its handler is done, and what has not left over the line stays there.
  two.dialler->does([&](Context& context) {
    context.answer(two.dialler->way, Have{{}, {1}});
    two.world().charge(1s);
  });
  two.wait(500ms);
  two.near.kill();
  two.wait(10s);
  BOOST_TEST(two.door->heard.empty());
  Couple others({.up = 100'000});
  others.dialler->says(2, megabyte);
  others.wait(5s);
  others.near.kill();
  others.wait(20s);
  BOOST_TEST(others.door->heard.empty());
  BOOST_TEST(others.door->story() == "silent");
}

BOOST_AUTO_TEST_CASE(of_a_process_that_dies_behind_a_cut_only_silence_tells) {
  Couple two;
  const Instant begin = two.now();
  two.cut(two.near, two.far);
  two.far.kill();
  two.wait(20s);
  BOOST_TEST_REQUIRE(two.dialler->story() == "silent");
  BOOST_TEST(ms(two.dialler->changes[0].when - begin) == 3'000, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(of_a_machine_that_vanishes_only_silence_tells) {
  Couple two;
  const Instant begin = two.now();
  two.far.vanish();
  two.dialler->says(1);
  two.wait(20s);
  BOOST_TEST_REQUIRE(two.dialler->story() == "silent");
  BOOST_TEST(ms(two.dialler->changes[0].when - begin) == 3'000, boost::test_tools::tolerance(0.01));
  two.far.start();
  End& door = two.World::door(two.far);
  BOOST_TEST_REQUIRE(two.wait_until([&] { return two.dialler->is_up(); }, 2s + 100ms));
  two.dialler->says(2);
  two.wait(1s);
  BOOST_TEST(door.words() == numbers(2, 2), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_door_hears_nothing_of_a_dialler_whose_machine_vanishes_but_silence) {
  Couple two;
  const Instant begin = two.now();
  two.near.vanish();
  two.wait(20s);
  BOOST_TEST_REQUIRE(two.door->story() == "silent");
  BOOST_TEST(ms(two.door->changes[0].when - begin) == 4'000, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(a_process_that_is_stopped_is_given_everything_when_it_goes_on) {
  Couple two;
  two.far.host->pause();
  two.dialler->says_all(1, 5);
  two.dialler->says(6, megabyte);
  two.dialler->says(7);
  two.wait(2s);
  BOOST_TEST(two.door->heard.empty());
  two.far.host->resume();
  two.wait(100ms);
  BOOST_TEST(two.door->words() == numbers(1, 7), boost::test_tools::per_element());
  BOOST_TEST(two.dialler->story() == "");
  BOOST_TEST(two.door->story() == "");
  two.wait(10s);
  BOOST_TEST(two.dialler->story() == "");
}

/// It does not read: what is more than its kernel takes stays with the sender.
BOOST_AUTO_TEST_CASE(who_speaks_to_a_process_that_is_stopped_has_to_wait) {
  Couple two;
  two.far.host->pause();
  two.dialler->says_all(1, 6, megabyte);
  two.wait(2s);
  BOOST_TEST(two.network().bytes_waiting(two.dialler->way) >= 3 * megabyte);
  two.far.host->resume();
  two.wait(1s);
  BOOST_TEST(two.network().bytes_waiting(two.dialler->way) == 0u);
  BOOST_TEST(two.door->words() == numbers(1, 6), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(timers_of_a_process_that_is_stopped_fire_when_it_goes_on) {
  Couple two;
  std::optional<Instant> fired;
  two.door->does([](Context& context) { context.after(1s, ForgetCommand{}); });
  two.wait(10ms);
  two.door->deeds.push_back([&](Context& context) { fired = context.now(); });
  two.far.host->pause();
  two.wait(2s);
  BOOST_TEST(!fired.has_value());
  two.far.host->resume();
  const Instant resumed = two.now();
  two.wait(1s);
  BOOST_TEST_REQUIRE(fired.has_value());
  BOOST_TEST(ms(*fired - resumed) < 1);
}

BOOST_AUTO_TEST_CASE(nobody_gets_through_to_a_process_that_is_stopped) {
  Couple two;
  two.far.host->pause();
  End& newcomer = two.dial(two.machine(), two.far);
  two.wait(10s);
  BOOST_TEST(newcomer.story() == "");
  two.far.host->resume();
  BOOST_TEST(two.wait_until([&] { return newcomer.is_up(); }, 2s + 100ms));
}

BOOST_AUTO_TEST_CASE(a_door_that_is_stopped_for_long_is_given_up_and_found_again) {
  Couple two;
  const Instant begin = two.now();
  two.far.host->pause();
  two.wait(10s);
  BOOST_TEST_REQUIRE(two.dialler->story() == "silent");
  BOOST_TEST(ms(two.dialler->changes[0].when - begin) == 3'000, boost::test_tools::tolerance(0.01));
  BOOST_TEST(two.door->story() == "");
  two.far.host->resume();
  two.wait(5s);
  BOOST_TEST(two.dialler->story() == "silent, up");
  two.dialler->says(1);
  two.wait(100ms);
  BOOST_TEST(two.door->has_heard(1));
}

BOOST_AUTO_TEST_CASE(who_was_stopped_himself_does_not_hold_the_silence_against_others) {
  Couple two;
  const Instant begin = two.now();
  two.near.host->pause();
  two.wait(10s);
  BOOST_TEST(two.dialler->story() == "");
  BOOST_TEST_REQUIRE(two.door->story() == "silent");
  BOOST_TEST(ms(two.door->changes[0].when - begin) == 4'000, boost::test_tools::tolerance(0.01));
  two.near.host->resume();
  two.wait(5s);
  // The door has given him up, and tells him so: not he it.
  BOOST_TEST(two.dialler->story() == "disconnected, up");
  Couple others;
  others.far.host->pause();
  others.wait(2s + 900ms);
  others.far.host->resume();
  others.wait(10s);
  BOOST_TEST(others.door->story() == "");
  BOOST_TEST(others.dialler->story() == "");
}

BOOST_AUTO_TEST_CASE(silence_counts_from_when_a_process_goes_on_that_was_stopped) {
  Couple two;
  two.near.host->pause();
  two.wait(500ms);
  two.cut(two.near, two.far);
  two.wait(5s);
  two.mend(two.near, two.far);
  two.wait(5s);
  two.near.host->resume();
  two.wait(5s);
  // He has missed all of it, but for what the door has to tell.
  BOOST_TEST(two.dialler->story() == "disconnected, up");

  Couple others;
  others.near.host->pause();
  others.cut(others.near, others.far);
  others.wait(10s);
  others.near.host->resume();
  const Instant resumed = others.now();
  others.wait(10s);
  BOOST_TEST_REQUIRE(others.dialler->story() == "silent");
  BOOST_TEST(ms(others.dialler->changes[0].when - resumed) == 3'000, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_busy_holds_up_itself_alone) {
  Couple two;
  End& beside =
      two.end(two.far, [&](Context& context) { return context.listen<TalkerRole>(two.far.ip + ":7009"); });
  two.door->does([&](Context&) { two.world().charge(5s); });
  two.wait(1ms);
  const Instant begin = two.now();
  two.dialler->says(1);
  bool has_done_it = false;
  beside.does([&](Context&) { has_done_it = true; });
  two.wait(1ms);
  BOOST_TEST(has_done_it);
  // A probe is answered by the host, whatever its actors do.
  two.dialler->does([&](Context& context) { context.probe(two.dialler->way); });
  two.wait(100ms);
  BOOST_TEST(two.dialler->echoes.size() == 1u);
  BOOST_TEST(two.door->heard.empty());
  two.wait(10s);
  BOOST_TEST_REQUIRE(two.door->has_heard(1));
  BOOST_TEST(ms(two.door->heard[0].when - begin) == 5'000, boost::test_tools::tolerance(0.01));
  BOOST_TEST(two.dialler->story() == "");
}

BOOST_AUTO_TEST_CASE(a_probe_is_answered_behind_what_was_said_before_it) {
  Couple two({.up = 100'000, .latency = 100ms});
  const Instant begin = two.now();
  two.dialler->does([&](Context& context) { context.probe(two.dialler->way); });
  two.wait(1s);
  BOOST_TEST_REQUIRE(two.dialler->echoes.size() == 1u);
  BOOST_TEST(ms(two.dialler->echoes[0] - begin) == 202, boost::test_tools::tolerance(0.02));
  two.dialler->says(1, 500'000);
  two.dialler->does([&](Context& context) { context.probe(two.dialler->way); });
  two.wait(20s);
  BOOST_TEST_REQUIRE(two.dialler->echoes.size() == 2u);
  BOOST_TEST_REQUIRE(two.door->has_heard(1));
  BOOST_TEST((two.dialler->echoes[1] > two.door->heard[0].when));
}

// --- kinds of links ---------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_peer_is_at_a_door_from_its_first_word_on_under_the_key_that_it_has_proven) {
  World world;
  Machine& near = world.machine();
  Machine& far = world.machine();
  End& door = world.door(far);
  End& dialler = world.dial(near, far);
  world.wait(1s);
  BOOST_TEST(dialler.story() == "up");
  BOOST_TEST(door.story() == "");
  dialler.says(1);
  world.wait(1s);
  BOOST_TEST_REQUIRE(door.story() == "up");
  BOOST_TEST((door.changes[0].key == near.key));
  BOOST_TEST((dialler.changes[0].key == far.key));
  BOOST_TEST(door.has_heard(1));
}

BOOST_AUTO_TEST_CASE(a_dealer_drops_in_silence_what_is_beyond_the_mark) {
  Couple two({.up = 10'000}, {}, 1, {.mark = 10});
  two.dialler->says_all(1, 100, more_than_a_packet);
  two.wait(1min);
  BOOST_TEST(two.door->words() == numbers(1, 10), boost::test_tools::per_element());
  BOOST_TEST(two.network().figures().dropped_at_mark == 90u);
  BOOST_TEST(two.dialler->story() == "");
  BOOST_TEST(two.door->story() == "");
  two.dialler->says(101);
  two.wait(1s);
  BOOST_TEST(two.door->has_heard(101));
}

BOOST_AUTO_TEST_CASE(a_router_gives_a_peer_up_beyond_the_mark_and_tells_it_once_it_speaks) {
  Couple two({}, {.up = 100'000}, 1, {.mark = 10});
  const Instant begin = two.now();
  two.door->says_all(1, 100, more_than_a_packet);
  two.wait(10ms);
  BOOST_TEST(two.door->story() == "disconnected");
  two.wait(290ms);
  // What was said before it still arrives: nobody knows better yet.
  BOOST_TEST(two.dialler->words() == numbers(1, 10), boost::test_tools::per_element());
  BOOST_TEST(two.dialler->story() == "");
  two.dialler->says(200);
  two.wait(10ms);
  BOOST_TEST(two.dialler->story() == "disconnected");
  BOOST_TEST(ms(two.dialler->changes[0].when - begin) < 350);
  two.wait(1s);
  BOOST_TEST(two.dialler->story() == "disconnected, up");
  two.dialler->says(201);
  two.wait(30s);
  BOOST_TEST(two.door->words() == numbers(201, 201), boost::test_tools::per_element());
  BOOST_TEST(two.door->story() == "disconnected, up");
  BOOST_TEST(two.dialler->story() == "disconnected, up");
}

BOOST_AUTO_TEST_CASE(who_is_given_up_and_idle_is_told_by_his_next_ping) {
  Couple two({}, {.up = 100'000}, 1, {.mark = 10});
  two.door->says_all(1, 100, more_than_a_packet);
  two.wait(500ms);
  BOOST_TEST(two.door->story() == "disconnected");
  BOOST_TEST(two.dialler->story() == "");
  two.wait(2s);
  BOOST_TEST(two.dialler->story() == "disconnected, up");
}

BOOST_AUTO_TEST_CASE(a_topic_is_heard_from_when_the_subscription_has_come) {
  World world;
  Machine& near = world.machine({.latency = 50ms});
  Machine& far = world.machine({.latency = 50ms});
  End& topic = world.topic(far);
  std::vector<Instant> said;
  const auto publish_for = [&](int times) {
    for (int i = 0; i < times; ++i) {
      said.push_back(world.now());
      topic.says(static_cast<std::uint32_t>(said.size() - 1));
      world.wait(10ms);
    }
  };
  publish_for(10);
  End& subscriber = world.subscribe(near, far);
  publish_for(200);
  world.wait(1s);
  BOOST_TEST_REQUIRE(subscriber.story() == "up");
  BOOST_TEST_REQUIRE(!subscriber.heard.empty());
  const std::uint32_t first = subscriber.heard.front().word;
  const double late = ms(said[first] - subscriber.changes[0].when);
  BOOST_TEST(late >= 99);
  BOOST_TEST(late <= 112);
  BOOST_TEST(subscriber.words() == numbers(first, 209), boost::test_tools::per_element());
  // A topic knows nobody.
  BOOST_TEST(topic.story() == "");
}

BOOST_AUTO_TEST_CASE(a_topic_drops_beyond_the_mark_for_each_subscriber_apart) {
  World world(1, {.mark = 10});
  Machine& far = world.machine();
  End& topic = world.topic(far);
  End& quick = world.subscribe(world.machine(), far);
  End& slow = world.subscribe(world.machine({.down = 10'000}), far);
  world.wait(1s);
  for (std::uint32_t word = 1; word <= 300; ++word) {
    topic.says(word, more_than_a_packet);
    world.wait(1ms);
  }
  world.wait(5min);
  BOOST_TEST(quick.words() == numbers(1, 300), boost::test_tools::per_element());
  // As much as is under way to it, and ten.
  const std::vector<std::uint32_t> words = slow.words();
  BOOST_TEST(words.size() >= 10u);
  BOOST_TEST(words.size() <= 100u);
  BOOST_TEST(std::is_sorted(words.begin(), words.end()));
  BOOST_TEST(world.network().figures().dropped_at_mark == 300 - words.size());
  BOOST_TEST(slow.story() == "up");
}

BOOST_AUTO_TEST_CASE(of_what_is_published_so_much_is_lost_as_was_set) {
  const auto heard_with_loss = [](std::uint32_t percent) {
    World world(1, {.feed_loss_percent = percent});
    Machine& far = world.machine();
    End& topic = world.topic(far);
    End& subscriber = world.subscribe(world.machine(), far);
    world.wait(1s);
    topic.says_all(1, 900);
    world.wait(10s);
    BOOST_TEST(subscriber.is_up());
    return subscriber.heard.size();
  };
  BOOST_TEST(heard_with_loss(0) == 900u);
  BOOST_TEST(heard_with_loss(100) == 0u);
  BOOST_TEST(heard_with_loss(50) > 350u);
  BOOST_TEST(heard_with_loss(50) < 550u);
}

BOOST_AUTO_TEST_CASE(losses_of_what_is_published_leave_other_links_alone) {
  Couple two({}, {}, 1, {.feed_loss_percent = 100});
  two.dialler->says_all(1, 20);
  two.door->says_all(1, 20);
  two.wait(1s);
  BOOST_TEST(two.door->heard.size() == 20u);
  BOOST_TEST(two.dialler->heard.size() == 20u);
}

BOOST_AUTO_TEST_CASE(a_subscriber_that_is_cut_off_for_3_s_dials_anew) {
  World world;
  Machine& near = world.machine();
  Machine& far = world.machine();
  End& topic = world.topic(far);
  End& subscriber = world.subscribe(near, far);
  world.wait(1s);
  const Instant begin = world.now();
  world.cut(near, far);
  topic.says(1);
  world.wait(5s);
  BOOST_TEST_REQUIRE(subscriber.story() == "up, silent");
  BOOST_TEST(ms(subscriber.changes[1].when - begin) == 3'000, boost::test_tools::tolerance(0.01));
  topic.says(2);
  world.mend(near, far);
  world.wait(5s);
  BOOST_TEST(subscriber.story() == "up, silent, up");
  topic.says(3);
  world.wait(1s);
  BOOST_TEST(subscriber.words() == numbers(3, 3), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_door_that_is_another_one_than_expected_is_never_up) {
  World world;
  Machine& near = world.machine();
  Machine& far = world.machine();
  End& door = world.door(far);
  End& dialler = world.dial(near, far, LinkKey::from(Bytes(LinkKey::size, 99)));
  for (int i = 0; i < 60; ++i) {
    dialler.says(1);
    world.wait(1s);
  }
  BOOST_TEST(dialler.story() == "");
  BOOST_TEST(door.story() == "");
  BOOST_TEST(door.heard.empty());
}

BOOST_AUTO_TEST_CASE(a_door_takes_no_key_that_it_does_not_admit_and_is_tried_again_later_and_later) {
  const auto longest_wait_after = [](Duration refused) {
    Duration longest{};
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      World world(seed);
      Machine& near = world.machine();
      Machine& far = world.machine();
      End& door = world.door(far, Admits::named);
      End& dialler = world.dial(near, far);
      world.wait(refused);
      BOOST_TEST(dialler.story() == "");
      door.does([&](Context& context) { context.admit(door.opened, {far.key}); });
      world.wait(10ms);
      BOOST_TEST(dialler.story() == "");
      door.does([&](Context& context) { context.admit(door.opened, {far.key, near.key}); });
      const Instant begin = world.now();
      BOOST_TEST_REQUIRE(world.wait_until([&] { return dialler.is_up(); }));
      longest = std::max(longest, world.now() - begin);
      dialler.says(1);
      world.wait(1s);
      BOOST_TEST(door.story() == "up");
    }
    return longest;
  };
  BOOST_TEST(ms(longest_wait_after(20ms)) <= 170);
  BOOST_TEST(ms(longest_wait_after(20s)) >= 1'000);
  BOOST_TEST(ms(longest_wait_after(20s)) <= 3'020);
}

BOOST_AUTO_TEST_CASE(who_is_in_stays_when_his_key_is_admitted_no_more) {
  World world;
  Machine& near = world.machine();
  Machine& far = world.machine();
  End& door = world.door(far, Admits::named);
  door.does([&](Context& context) { context.admit(door.opened, {near.key}); });
  End& dialler = world.dial(near, far);
  world.wait(1s);
  dialler.says(1);
  door.does([&](Context& context) { context.admit(door.opened, {}); });
  world.wait(1s);
  dialler.says(2);
  world.wait(10s);
  BOOST_TEST(door.words() == numbers(1, 2), boost::test_tools::per_element());
  BOOST_TEST(dialler.story() == "up");
}

BOOST_AUTO_TEST_CASE(a_sealed_door_takes_who_has_a_pass_for_his_key_until_it_is_revoked) {
  World world;
  Machine& near = world.machine();
  Machine& other = world.machine();
  Machine& far = world.machine();
  End& door = world.sealed_door(far);
  SealedPass pass;
  door.does([&](Context& context) { pass = context.issue_pass(door.opened, near.key); });
  world.wait(1s);
  SealedPass forged = pass;
  forged.secret.bytes[0] ^= 1U;
  End& forger = world.dial_sealed(near, far, forged);
  End& thief = world.dial_sealed(other, far, pass);
  End& without_pass = world.dial_sealed(near, far, {});
  world.wait(20s);
  for (const End* each : {&forger, &thief, &without_pass}) BOOST_TEST(each->story() == "");
  BOOST_TEST(door.story() == "");

  End& dialler = world.dial_sealed(near, far, pass);
  world.wait(1s);
  BOOST_TEST(dialler.story() == "up");
  dialler.says(1);
  world.wait(1s);
  BOOST_TEST_REQUIRE(door.story() == "up");
  BOOST_TEST((door.changes[0].key == near.key));
  BOOST_TEST(door.has_heard(1));
  BOOST_TEST(world.network().came_by_pass(door.way));
  door.says(2);
  world.wait(1s);
  BOOST_TEST(dialler.has_heard(2));

  door.does([&](Context& context) { context.revoke_pass(door.opened, pass.id); });
  world.wait(1s);
  BOOST_TEST(door.story() == "up, closed");
  BOOST_TEST(!dialler.is_up());
  dialler.says(3);
  world.wait(30s);
  BOOST_TEST(!dialler.is_up());
  BOOST_TEST(!door.has_heard(3));
  BOOST_TEST(door.story() == "up, closed");
}

BOOST_AUTO_TEST_CASE(a_pass_that_is_revoked_ends_no_link_of_another_one) {
  World world;
  Machine& near = world.machine();
  Machine& far = world.machine();
  End& door = world.sealed_door(far);
  SealedPass kept;
  SealedPass revoked;
  door.does([&](Context& context) {
    kept = context.issue_pass(door.opened, near.key);
    revoked = context.issue_pass(door.opened, near.key);
  });
  world.wait(1s);
  End& stays = world.dial_sealed(near, far, kept);
  End& goes = world.dial_sealed(near, far, revoked);
  world.wait(1s);
  stays.says(1);
  goes.says(2);
  world.wait(1s);
  door.does([&](Context& context) { context.revoke_pass(door.opened, revoked.id); });
  world.wait(10s);
  stays.says(3);
  world.wait(1s);
  BOOST_TEST(stays.story() == "up");
  BOOST_TEST(!goes.is_up());
  BOOST_TEST(door.has_heard(3));
}

BOOST_AUTO_TEST_CASE(links_of_one_kind_do_not_lead_to_doors_of_another) {
  World world;
  Machine& near = world.machine();
  Machine& far = world.machine();
  End& topic = world.topic(far);
  End& dealer = world.end(near, [&](Context& context) {
    return Opened{context.connect<TalkerRole>(far.ip + ":7001", far.key).address, {}, {}};
  });
  world.wait(20s);
  BOOST_TEST(dealer.story() == "");
  BOOST_TEST(topic.story() == "");
}

BOOST_AUTO_TEST_CASE(one_endpoint_is_one_door) {
  World world;
  Machine& far = world.machine();
  End& first = world.door(far);
  End& second = world.door(far);
  BOOST_TEST(first.fault == "");
  BOOST_TEST(second.fault == "address in use");
  BOOST_TEST(second.opened.value == 0u);
}

BOOST_AUTO_TEST_CASE(a_key_is_told_after_a_round_trip_and_asked_for_every_half_second) {
  World world;
  Machine& near = world.machine({.latency = 40ms});
  Machine& far = world.machine({.latency = 40ms});
  const auto ask = [&](Context& context) { return Opened{context.ask_key(far.ip + ":7000"), {}, {}}; };
  End& early = world.end(near, ask);
  world.wait(1s + 200ms);
  BOOST_TEST(!early.told.has_value());
  world.end(far, [&](Context& context) { return context.tell_key(far.ip + ":7000"); });
  world.wait(379ms);  // asked at 1.5 s, told at 1.66 s
  BOOST_TEST(!early.told.has_value());
  world.wait(82ms);
  BOOST_TEST_REQUIRE(early.told.has_value());
  BOOST_TEST((*early.told == far.key));
  const Instant begin = world.now();
  End& late = world.end(near, ask);
  BOOST_TEST_REQUIRE(world.wait_until([&] { return late.told.has_value(); }));
  BOOST_TEST(ms(world.now() - begin) == 160, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(datagrams_about_keys_are_lost_like_others) {
  Duration longest{};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed);
    Machine& near = world.machine({.loss_per_million = 250'000});
    Machine& far = world.machine();
    world.end(far, [&](Context& context) { return context.tell_key(far.ip + ":7000"); });
    const Instant begin = world.now();
    End& asks = world.end(near, [&](Context& context) {
      return Opened{context.ask_key(far.ip + ":7000"), {}, {}};
    });
    BOOST_TEST_REQUIRE(world.wait_until([&] { return asks.told.has_value(); }));
    longest = std::max(longest, world.now() - begin);
  }
  BOOST_TEST(ms(longest) >= 500);
}

BOOST_AUTO_TEST_CASE(words_that_a_door_does_not_let_in_are_dropped_and_sixteen_of_them_end_the_link) {
  Couple two;
  const auto say_what_is_not_admitted = [&] {
    two.dialler->does([&](Context& context) { context.answer(two.dialler->way, OpenFile{}); });
    two.wait(100ms);
  };
  for (int i = 0; i < 15; ++i) say_what_is_not_admitted();
  BOOST_TEST(two.network().figures().faults == 15u);
  BOOST_TEST(two.door->story() == "");
  two.dialler->says(1);
  two.wait(100ms);
  BOOST_TEST(two.door->has_heard(1));
  say_what_is_not_admitted();
  BOOST_TEST(two.door->story() == "misbehaved");
  two.dialler->says(2);
  two.wait(1s);
  BOOST_TEST(!two.door->has_heard(2));
}

// --- chance -----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_same_seed_is_the_same_story_and_another_one_another) {
  const auto tell = [](std::uint64_t seed) {
    const Line bad{.up = megabyte, .latency = 10ms, .jitter = 30ms, .loss_per_million = 20'000};
    Couple two(bad, bad, seed);
    for (std::uint32_t word = 1; word <= 50; ++word) {
      two.dialler->says(word, word * 100);
      two.door->says(word);
      two.wait(20ms);
    }
    two.network().reset(two.near.node, two.far.node);
    two.wait(10s);
    BOOST_TEST(two.world().inside_faults.empty());
    return std::pair(two.world().hash, two.world().deliveries);
  };
  BOOST_TEST((tell(1) == tell(1)));
  BOOST_TEST((tell(2) == tell(2)));
  BOOST_TEST(tell(1).first != tell(2).first);
}

// --- what is under way ------------------------------------------------------------------------------------------------

/// What was said before the pass was revoked, and comes afterwards, lets nobody in any more.
BOOST_AUTO_TEST_CASE(a_pass_that_is_revoked_before_a_word_has_come_lets_nobody_in) {
  World world;
  Machine& near = world.machine({.latency = 100ms});
  Machine& far = world.machine({.latency = 100ms});
  End& door = world.sealed_door(far);
  SealedPass pass;
  door.does([&](Context& context) { pass = context.issue_pass(door.opened, near.key); });
  world.wait(1s);
  End& dialler = world.dial_sealed(near, far, pass);
  BOOST_TEST_REQUIRE(world.wait_until([&] { return dialler.is_up(); }));
  dialler.says(1);
  world.wait(100ms);
  door.does([&](Context& context) { context.revoke_pass(door.opened, pass.id); });
  world.wait(30s);
  BOOST_TEST(door.story() == "");
  BOOST_TEST(door.heard.empty());
  BOOST_TEST(!dialler.is_up());
}

/// A datagram is lost on the line of either.
BOOST_AUTO_TEST_CASE(datagrams_about_keys_are_lost_on_the_tellers_line_as_well) {
  World world;
  Machine& near = world.machine();
  Machine& far = world.machine({.loss_per_million = 1'000'000});
  world.end(far, [&](Context& context) { return context.tell_key(far.ip + ":7000"); });
  End& asks = world.end(near, [&](Context& context) {
    return Opened{context.ask_key(far.ip + ":7000"), {}, {}};
  });
  world.wait(20s);
  BOOST_TEST(!asks.told.has_value());
}

BOOST_AUTO_TEST_CASE(half_of_what_has_left_waits_no_more) {
  Couple two({.up = 100'000});
  two.dialler->says(1, megabyte);
  two.wait(5s);
  BOOST_TEST(two.network().bytes_waiting(two.dialler->way) < 600'000u);
}

BOOST_AUTO_TEST_CASE(what_was_held_comes_before_what_was_said_later) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Couple two({.latency = 20ms}, {.latency = 20ms}, seed);
    two.cut(two.near, two.far);
    std::uint32_t word = 0;
    for (; word < 300; two.wait(10ms)) {
      if (word == 100) two.mend(two.near, two.far);
      two.dialler->says(++word);
    }
    two.wait(10s);
    BOOST_TEST(two.door->words() == numbers(1, word), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_pass_is_revoked_of_somebody_whose_process_is_gone) {
  World world;
  Machine& near = world.machine();
  Machine& far = world.machine();
  End& door = world.sealed_door(far);
  SealedPass pass;
  door.does([&](Context& context) { pass = context.issue_pass(door.opened, near.key); });
  world.wait(1s);
  End& dialler = world.dial_sealed(near, far, pass);
  BOOST_TEST_REQUIRE(world.wait_until([&] { return dialler.is_up(); }));
  dialler.says(1);
  BOOST_TEST_REQUIRE(world.wait_until([&] { return door.has_heard(1); }));
  near.kill();
  world.wait(1s);
  BOOST_TEST(door.is_up());
  door.does([&](Context& context) { context.revoke_pass(door.opened, pass.id); });
  world.wait(30s);
  BOOST_TEST(door.story() == "up, closed");
}

/// However small they are: whoever does not read is not written to without end.
BOOST_AUTO_TEST_CASE(small_words_to_who_does_not_take_them_meet_the_mark) {
  for (const int how : {0, 1, 2}) {
    Couple two({}, {}, 1, {.mark = 10});
    if (how == 0) two.far.host->pause();
    if (how == 1) two.cut(two.near, two.far);
    if (how == 2) two.network().cut(two.far.node, two.near.node);
    for (std::uint32_t i = 0; i < 10; ++i) {
      two.dialler->says_all(1 + i * 10'000, (i + 1) * 10'000);
      two.wait(200ms);
    }
    BOOST_TEST(two.network().figures().dropped_at_mark > 0u, "way " << how);
  }
}

BOOST_AUTO_TEST_CASE(what_is_published_comes_twice_or_late_if_that_was_set) {
  for (const bool late : {false, true}) {
    World world(1,
                late ? NetworkSettings{.feed_late_percent = 50} : NetworkSettings{.feed_twice_percent = 50});
    Machine& near = world.machine();
    Machine& far = world.machine();
    End& topic = world.topic(far);
    End& hears = world.subscribe(near, far);
    world.wait(1s);
    topic.does([&](Context& context) {
      for (std::uint32_t word = 1; word <= 200; ++word) context.answer(topic.opened, Have{{}, {word}}, {});
    });
    world.wait(2s);
    std::vector<std::uint32_t> words = hears.words();
    const bool in_order = std::is_sorted(words.begin(), words.end());
    std::sort(words.begin(), words.end());
    const auto first_double = std::unique(words.begin(), words.end());
    const auto doubles = static_cast<std::size_t>(words.end() - first_double);
    words.erase(first_double, words.end());
    BOOST_TEST(words == numbers(1, 200), boost::test_tools::per_element());
    BOOST_TEST(in_order == !late);
    BOOST_TEST((late ? doubles == 0 : doubles > 50 && doubles < 150));
  }
}

BOOST_AUTO_TEST_SUITE_END()
