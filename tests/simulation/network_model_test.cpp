// What the data sheet of SwarmNetwork promises, line by line: how long something is on its way, what a cut does to it, what is
// lost and what is not. Stories of swarms are worth as much as this is true.

#include "tests/simulation/small_world.hpp"

using namespace tutti;
using namespace tutti::simulation;
using namespace tutti::simulation::small_world;
using namespace std::chrono_literals;

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

BOOST_AUTO_TEST_SUITE_END()
