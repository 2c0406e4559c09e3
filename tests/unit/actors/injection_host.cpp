// The kernel as an actor sees it: dispatch, timers, children, links; and the host that tests are written with.

#include "actors/injection_host.hpp"
#include "messages/codec_impl.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

using namespace tutti;
using namespace std::chrono_literals;

namespace {

struct Ping {
  std::uint32_t number = 0;
  TUTTI_MESSAGE(Ping, 0xf101, number);
  Fault fault() const { return number == 13 ? "an unlucky number" : Fault{}; }
};
struct Pong {
  std::uint32_t number = 0;
  TUTTI_MESSAGE(Pong, 0xf102, number);
};
struct Alarm {
  std::uint32_t number = 0;
  TUTTI_MESSAGE(Alarm, 0xf103, number);
};
struct Stranger {
  TUTTI_MESSAGE(Stranger, 0xf104);
};

struct PlayerRole {
  static constexpr std::string_view name = "player";
  using Accepts = Messages<Ping>;
  using Says = Messages<Pong>;
  static constexpr std::size_t frame_bytes = 1000;
};
struct PartnerRole {
  static constexpr std::string_view name = "partner";
  using Accepts = Messages<Pong>;
  using Says = Messages<Ping>;
  static constexpr std::size_t frame_bytes = 1000;
};

/// Does what the test tells it to; writes down what happens to it.
struct Player final : ActorOf<Player, Messages<Ping, Pong, Alarm>> {
  std::function<void(Context&)> at_start = [](Context&) {};
  std::function<void(const Ping&, Context&)> at_ping = [](const Ping&, Context&) {};
  std::function<Farewell(Context&)> at_stop = [](Context&) { return Farewell::now; };
  std::vector<std::string>* diary = nullptr;
  mutable int checked = 0;

  void write(const std::string& line) {
    if (diary != nullptr) diary->push_back(line);
  }
  void start(Context& context) override { at_start(context); }
  Farewell stop(Context& context) override {
    write("stop");
    return at_stop(context);
  }
  void check_invariants() const override { ++checked; }
  void on(const Ping& ping, Context& context) {
    write("ping " + std::to_string(ping.number));
    at_ping(ping, context);
  }
  void on(const Pong& pong, Context&) { write("pong " + std::to_string(pong.number)); }
  void on(const Alarm& alarm, Context& context) {
    write(
        "alarm " + std::to_string(alarm.number) + " at " +
        std::to_string(
            std::chrono::duration_cast<std::chrono::milliseconds>(context.now().time_since_epoch()).count()));
  }
  void on(const LinkUp& up, Context&) { write("up " + up.peer); }
  void on(const LinkDown& down, Context&) {
    write("down " + std::string(link_loss_names[static_cast<std::size_t>(down.loss)]));
  }
  void on(const ActorStopped&, Context&) { write("child stopped"); }
};

/// Has no handler for anything of the kernel's.
struct Deaf final : ActorOf<Deaf, Messages<Ping>> {
  void on(const Ping&, Context&) {}
};

struct World {
  InjectionHost host;
  std::vector<std::string> diary;
  Player* player = nullptr;
  Ref<PlayerRole> ref;
  Ref<PartnerRole> partner = host.probe<PartnerRole>();

  void spawn(const std::function<void(Player&)>& prepare = [](Player&) {}) {
    auto actor = std::make_unique<Player>();
    player = actor.get();
    player->diary = &diary;
    prepare(*player);
    ref = host.spawn<PlayerRole>("player", std::move(actor));
  }
};

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : ", ") + line;
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dispatch)

BOOST_FIXTURE_TEST_CASE(a_message_reaches_its_handler_and_is_answered, World) {
  spawn([](Player& p) {
    p.at_ping = [](const Ping& ping, Context& context) { context.reply(Pong{ping.number + 1}); };
  });
  host.inject(partner.address, ref.address, Ping{4});
  const auto said = host.expect<Pong>(partner);
  BOOST_TEST(said->number == 5U);
  BOOST_CHECK(said.from == ref.address);
  host.expect_silence();
}

BOOST_FIXTURE_TEST_CASE(what_is_not_accepted_is_a_fault_of_its_sender, World) {
  spawn();
  host.inject(partner.address, ref.address, Stranger{});
  BOOST_REQUIRE(host.faults().size() == 1U);
  BOOST_TEST(host.faults().front().starts_with("player does not accept message"));
  BOOST_TEST(diary.empty());
}

BOOST_FIXTURE_TEST_CASE(what_is_malformed_is_a_fault_of_its_sender, World) {
  spawn();
  Bytes body = encode(Ping{1});
  body.push_back(0);
  host.inject_encoded(partner.address, ref.address, Ping::message_id, body);
  BOOST_REQUIRE(host.faults().size() == 1U);
  BOOST_TEST(host.faults().front() == "Ping: bytes are left over");
  BOOST_TEST(diary.empty());
}

BOOST_FIXTURE_TEST_CASE(a_messages_own_rules_are_checked_at_the_door_only, World) {
  Address link;
  spawn([&](Player& p) {
    p.at_start = [&](Context& c) { link = c.connect<PartnerRole>("127.0.0.1:1", LinkKey{}).address; };
  });
  host.link_up(link);
  host.inject(partner.address, ref.address, Ping{13});
  BOOST_TEST(host.faults().empty());
  host.inject(link, ref.address, Ping{13});
  BOOST_REQUIRE(host.faults().size() == 1U);
  BOOST_TEST(host.faults().front() == "Ping: an unlucky number");
  BOOST_TEST(joined(diary) == "up 127.0.0.1:1, ping 13");
}

BOOST_FIXTURE_TEST_CASE(what_the_other_side_may_not_say_does_not_pass_the_door, World) {
  Address link;
  spawn([&](Player& p) {
    p.at_start = [&](Context& c) { link = c.connect<PartnerRole>("127.0.0.1:1", LinkKey{}).address; };
  });
  host.link_up(link);
  host.inject(link, ref.address, Pong{1});
  BOOST_TEST(host.faults().size() == 1U);
  BOOST_TEST(joined(diary) == "up 127.0.0.1:1");
}

BOOST_AUTO_TEST_CASE(what_the_kernel_says_may_go_unheard) {
  InjectionHost host;
  const auto deaf = host.spawn<PlayerRole>("deaf", std::make_unique<Deaf>());
  host.inject(Address{}, deaf.address, LinkUp{});
  host.inject(Address{}, deaf.address, LinkDown{});
  host.inject(Address{}, deaf.address, ActorStopped{});
  host.inject(Address{}, deaf.address, InputReady{});
  BOOST_TEST(host.faults().empty());
}

BOOST_FIXTURE_TEST_CASE(nobody_outside_can_speak_as_the_kernel, World) {
  Address link;
  spawn([&](Player& p) {
    p.at_start = [&](Context& c) { link = c.connect<PartnerRole>("127.0.0.1:1", LinkKey{}).address; };
  });
  host.inject(link, ref.address, LinkDown{link, LinkLoss::closed});
  BOOST_TEST(host.faults().size() == 1U);
  BOOST_TEST(diary.empty());
}

BOOST_FIXTURE_TEST_CASE(a_payload_crosses_by_handle, World) {
  Bytes bytes(100, 1);
  const std::uint8_t* where = bytes.data();
  spawn([](Player& p) {
    p.at_ping = [](const Ping&, Context& context) { context.reply(Pong{}, context.payload()); };
  });
  host.inject(partner.address, ref.address, Ping{1}, Payload::own(std::move(bytes)));
  BOOST_CHECK(host.expect<Pong>(partner).payload.view().data() == where);
}

BOOST_FIXTURE_TEST_CASE(invariants_are_checked_after_every_message, World) {
  spawn();
  const int before = player->checked;
  host.inject(partner.address, ref.address, Ping{1});
  host.inject(partner.address, ref.address, Ping{2});
  BOOST_TEST(player->checked - before == 2);
}

BOOST_FIXTURE_TEST_CASE(messages_to_nobody_vanish, World) {
  spawn([this](Player& p) {
    p.at_ping = [](const Ping&, Context& context) { context.answer(Address{4711}, Pong{}); };
  });
  host.inject(partner.address, ref.address, Ping{1});
  host.inject(partner.address, Address{4712}, Ping{1});
  host.expect_silence();
  BOOST_TEST(host.faults().empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(timers)

BOOST_FIXTURE_TEST_CASE(they_fire_in_order_at_their_exact_instants, World) {
  spawn([](Player& p) {
    p.at_start = [](Context& c) {
      c.after(30ms, Alarm{1});
      c.after(10ms, Alarm{2});
      c.after(20ms, Alarm{3});
    };
  });
  host.advance(9ms);
  BOOST_TEST(diary.empty());
  host.advance(100ms);
  BOOST_TEST(joined(diary) == "alarm 2 at 10, alarm 3 at 20, alarm 1 at 30");
}

BOOST_FIXTURE_TEST_CASE(those_of_one_instant_fire_in_the_order_of_setting, World) {
  spawn([](Player& p) {
    p.at_start = [](Context& c) {
      for (std::uint32_t i = 0; i < 5; ++i) c.after(10ms, Alarm{i});
    };
  });
  host.advance(10ms);
  BOOST_TEST(joined(diary) == "alarm 0 at 10, alarm 1 at 10, alarm 2 at 10, alarm 3 at 10, alarm 4 at 10");
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_one_never_fires, World) {
  std::vector<TimerId> ids;
  spawn([&](Player& p) {
    p.at_start = [&](Context& c) {
      for (std::uint32_t i = 0; i < 3; ++i) ids.push_back(c.after(10ms, Alarm{i}));
    };
    p.at_ping = [&](const Ping& ping, Context& c) { c.cancel(ids[ping.number]); };
  });
  host.inject(partner.address, ref.address, Ping{1});
  host.advance(10ms);
  BOOST_TEST(joined(diary) == "ping 1, alarm 0 at 10, alarm 2 at 10");
  host.inject(partner.address, ref.address, Ping{0});  // has fired: no error
  host.inject(partner.address, ref.address, Ping{1});  // cancelled already
  host.advance(1s);
  BOOST_TEST(diary.size() == 5U);
}

BOOST_FIXTURE_TEST_CASE(nobody_cancels_anothers, World) {
  TimerId id;
  spawn([&](Player& p) { p.at_start = [&](Context& c) { id = c.after(10ms, Alarm{1}); }; });
  auto other = std::make_unique<Player>();
  other->at_start = [&](Context& c) { c.cancel(id); };
  host.spawn<PlayerRole>("other", std::move(other));
  host.advance(10ms);
  BOOST_TEST(joined(diary) == "alarm 1 at 10");
}

BOOST_FIXTURE_TEST_CASE(those_of_a_stopped_actor_are_gone, World) {
  spawn([](Player& p) { p.at_start = [](Context& c) { c.after(10ms, Alarm{1}); }; });
  BOOST_TEST(host.stop(ref.address));
  host.advance(1s);
  BOOST_TEST(joined(diary) == "stop");
}

BOOST_FIXTURE_TEST_CASE(time_of_day_goes_with_the_hosts_time, World) {
  std::vector<WallTime> times;
  spawn([&](Player& p) { p.at_ping = [&](const Ping&, Context& c) { times.push_back(c.wall_time()); }; });
  host.set_wall_time(WallTime{5000ms});
  host.inject(partner.address, ref.address, Ping{1});
  host.advance(250ms);
  host.inject(partner.address, ref.address, Ping{1});
  BOOST_TEST((times == std::vector<WallTime>{WallTime{5000ms}, WallTime{5250ms}}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(stopping)

/// A parent with one child, both writing one diary.
struct Family : World {
  Address child;
  bool child_is_busy = false;

  Family() {
    spawn([this](Player& p) {
      p.at_start = [this](Context& c) {
        auto actor = std::make_unique<Player>();
        actor->diary = &diary;
        actor->at_stop = [this](Context&) { return child_is_busy ? Farewell::later : Farewell::now; };
        actor->at_ping = [](const Ping&, Context& context) { context.goodbye(); };
        child = c.spawn<PlayerRole>("child", std::move(actor)).address;
      };
      p.at_ping = [this](const Ping&, Context& c) { c.stop(child); };
    });
  }
};

BOOST_FIXTURE_TEST_CASE(a_parent_hears_of_its_child, Family) {
  host.inject(partner.address, ref.address, Ping{1});
  BOOST_TEST(joined(diary) == "ping 1, stop, child stopped");
  BOOST_TEST(!host.is_alive(child));
  BOOST_TEST(host.is_alive(ref.address));
}

BOOST_FIXTURE_TEST_CASE(children_stop_with_their_parent, Family) {
  BOOST_TEST(host.stop(ref.address));
  BOOST_TEST(!host.is_alive(child));
}

BOOST_FIXTURE_TEST_CASE(a_busy_child_keeps_its_parent, Family) {
  child_is_busy = true;
  BOOST_TEST(!host.stop(ref.address));
  BOOST_TEST(host.is_alive(ref.address));
  host.inject(partner.address, child, Ping{1});
  BOOST_TEST(!host.is_alive(child));
  BOOST_TEST(!host.is_alive(ref.address));
}

BOOST_FIXTURE_TEST_CASE(what_was_said_before_the_stop_is_handled_first, Family) {
  host.inject(partner.address, ref.address, Ping{1});
  diary.clear();
  host.inject(partner.address, child, Ping{2});
  BOOST_TEST(diary.empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(links)

struct Linked : World {
  Address link;
  Opened door;
  Address question;
  Linked() {
    spawn([this](Player& p) {
      p.at_start = [this](Context& c) {
        link = c.connect<PartnerRole>("127.0.0.1:5000", LinkKey{}).address;
        door = c.listen<PartnerRole>("127.0.0.1:0");
      };
      p.at_ping = [this](const Ping& ping, Context& c) {
        if (ping.number == 1) c.send(Ref<PartnerRole>{link}, Pong{7});
        if (ping.number == 2) c.reply(Pong{8});
        if (ping.number == 3) c.close(door.address);
        if (ping.number == 4) question = c.ask_key("tracker.example:5000");
      };
    });
  }
};

BOOST_FIXTURE_TEST_CASE(what_is_sent_over_a_link_that_is_down_is_dropped, Linked) {
  host.inject(partner.address, ref.address, Ping{1});
  host.expect_silence();
  host.link_up(link);
  host.inject(partner.address, ref.address, Ping{1});
  host.expect_exactly(host.link_to("127.0.0.1:5000"), Pong{7});
  host.link_down(link, LinkLoss::silent);
  host.inject(partner.address, ref.address, Ping{1});
  host.expect_silence();
  BOOST_TEST(joined(diary) == "ping 1, up 127.0.0.1:5000, ping 1, down silent, ping 1");
}

BOOST_FIXTURE_TEST_CASE(a_door_on_port_0_gets_a_port, Linked) {
  BOOST_TEST(door.fault.empty());
  BOOST_TEST(door.endpoint.starts_with("127.0.0.1:"));
  BOOST_TEST(!door.endpoint.ends_with(":0"));
}

BOOST_FIXTURE_TEST_CASE(everyone_at_a_door_has_a_link_of_their_own, Linked) {
  const Address ann = host.accept(door.address, "10.0.0.1:1");
  const Address bob = host.accept(door.address, "10.0.0.2:2");
  host.inject(bob, ref.address, Ping{2});
  host.expect_silence(ann);
  host.expect_exactly(bob, Pong{8});
  host.link_down(ann);
  BOOST_TEST(!host.is_open(ann));
  BOOST_TEST(host.is_open(bob));
  BOOST_TEST(joined(diary) == "up 10.0.0.1:1, up 10.0.0.2:2, ping 2, down disconnected");
}

BOOST_FIXTURE_TEST_CASE(a_closed_door_takes_its_links_with_it, Linked) {
  const Address ann = host.accept(door.address);
  host.inject(partner.address, ref.address, Ping{3});
  BOOST_TEST(!host.is_open(door.address));
  BOOST_TEST(!host.is_open(ann));
  BOOST_TEST(host.is_open(link));
}

BOOST_FIXTURE_TEST_CASE(nothing_is_kept_of_what_has_ended_by_itself, Linked) {
  for (int i = 0; i < 3; ++i) {
    host.inject(partner.address, ref.address, Ping{4});
    BOOST_TEST(host.link_count(ref.address) == 3U);
    host.tell_key(question, LinkKey{});
    BOOST_TEST(host.link_count(ref.address) == 2U);
  }
}

BOOST_FIXTURE_TEST_CASE(links_close_with_their_actor, Linked) {
  host.stop(ref.address);
  BOOST_TEST(host.links().empty());
}

BOOST_AUTO_TEST_CASE(a_taken_endpoint_is_said_to_whoever_wants_to_listen) {
  InjectionHost host;
  host.refuse_endpoint("127.0.0.1:9", "the address is in use");
  Opened opened;
  auto actor = std::make_unique<Player>();
  actor->at_start = [&](Context& c) { opened = c.listen<PartnerRole>("127.0.0.1:9"); };
  host.spawn<PlayerRole>("player", std::move(actor));
  BOOST_TEST(opened.fault == "the address is in use");
  BOOST_CHECK(opened.address == Address{});
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(injection_host)

BOOST_FIXTURE_TEST_CASE(expectations_that_do_not_hold_say_what_was_there, World) {
  spawn([](Player& p) {
    p.at_ping = [](const Ping& ping, Context& context) { context.reply(Pong{ping.number}); };
  });
  BOOST_CHECK_THROW(host.expect<Pong>(partner), ExpectationFailed);
  host.inject(partner.address, ref.address, Ping{4});
  BOOST_CHECK_THROW(host.expect_silence(), ExpectationFailed);
  BOOST_CHECK_THROW(host.expect_silence(partner.address), ExpectationFailed);
  BOOST_CHECK_THROW(host.expect<Stranger>(partner.address), ExpectationFailed);
  BOOST_CHECK_THROW(host.expect_exactly(partner.address, Pong{5}), ExpectationFailed);
  BOOST_CHECK_THROW(host.link_to("127.0.0.1:1"), ExpectationFailed);
  BOOST_CHECK_THROW(host.input_ready(0), ExpectationFailed);
}

BOOST_FIXTURE_TEST_CASE(messages_for_one_are_kept_in_order_and_apart_from_those_for_others, World) {
  const auto other = host.probe<PartnerRole>("other");
  spawn([&](Player& p) {
    p.at_ping = [&](const Ping& ping, Context& context) {
      context.reply(Pong{ping.number});
      context.send(other, Pong{ping.number + 100});
    };
  });
  host.inject(partner.address, ref.address, Ping{1});
  host.inject(partner.address, ref.address, Ping{2});
  BOOST_TEST(host.expect<Pong>(other)->number == 101U);
  BOOST_TEST(host.expect<Pong>(partner)->number == 1U);
  BOOST_TEST(host.find<Pong>(partner.address)->message.number == 2U);
  BOOST_TEST(!host.find<Pong>(partner.address).has_value());
  host.discard(other.address);
  host.expect_silence();
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_chance_and_secrets) {
  const auto draw = [](std::uint64_t seed) {
    InjectionHost host(seed);
    Bytes drawn(16);
    std::uint64_t number = 0;
    auto actor = std::make_unique<Player>();
    actor->at_start = [&](Context& c) {
      c.fill_secret(drawn);
      number = c.random()();
    };
    host.spawn<PlayerRole>("player", std::move(actor));
    return to_hex(drawn) + std::to_string(number);
  };
  BOOST_TEST(draw(1) == draw(1));
  BOOST_TEST(draw(1) != draw(2));
}

BOOST_FIXTURE_TEST_CASE(actors_of_one_host_reach_each_other_before_inject_returns, World) {
  const auto second = host.reserve<PlayerRole>();
  spawn([&](Player& p) {
    p.at_ping = [&](const Ping& ping, Context& context) { context.send(second, Ping{ping.number + 1}); };
  });
  auto actor = std::make_unique<Player>();
  actor->at_ping = [&](const Ping& ping, Context& context) { context.send(partner, Pong{ping.number + 1}); };
  host.spawn_at(second.address, "second", std::move(actor));
  host.inject(partner.address, ref.address, Ping{1});
  host.expect_exactly(partner.address, Pong{3});
}

BOOST_AUTO_TEST_SUITE_END()
