#include "actors/zmq_host.hpp"

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "messages/codec_impl.hpp"
#include "messages/codes.hpp"

namespace {

using namespace tutti;
using namespace std::chrono_literals;

struct Say {
  std::string text;
  TUTTI_MESSAGE(Say, 0xf001, text);
  Fault fault() const { return text == "forbidden" ? "a forbidden word" : Fault{}; }
};
struct Echo {
  std::string text;
  TUTTI_MESSAGE(Echo, 0xf002, text);
};
struct Tick {
  TUTTI_MESSAGE(Tick, 0xf003);
};
struct Secret {
  TUTTI_MESSAGE(Secret, 0xf004);
};

struct EchoerRole {
  static constexpr std::string_view name = "echoer";
  using Accepts = Messages<Say, Secret>;
  using Says = Messages<Echo>;
  static constexpr std::size_t frame_bytes = 1U << 20U;
};
struct SpeakerRole {
  static constexpr std::string_view name = "speaker";
  using Accepts = Messages<Echo>;
  using Says = Messages<Say>;
  static constexpr std::size_t frame_bytes = 1U << 20U;
};

/// What every server of these tests proves.
const LinkKeys& server_keys() {
  static const LinkKeys keys = make_link_keys();
  return keys;
}

/// What the test waits for: a list that grows on the workers' threads.
class Diary {
 public:
  void write(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }
  /// Waits until `line` has been written `times` times.
  bool wait_for(const std::string& line, int times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s,
                             [&] { return std::count(lines_.begin(), lines_.end(), line) >= times; });
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

class Echoer final : public ActorOf<Echoer, Messages<Say, Secret>> {
 public:
  Echoer(Diary& diary, std::string endpoint) : diary_(diary), endpoint_(std::move(endpoint)) {}
  void start(Context& context) override {
    if (endpoint_.empty()) return;
    const Opened opened = context.listen<SpeakerRole>(endpoint_);
    diary_.write(opened.fault.empty() ? "listening" : "refused");
  }
  Farewell stop(Context&) override {
    diary_.write("echoer stops");
    return Farewell::now;
  }
  void on(const Say& say, Context& context) {
    context.reply(Echo{say.text + " " + std::to_string(context.payload().size())}, context.payload());
  }
  void on(const Secret&, Context&) { diary_.write("secret told"); }
  void on(const LinkUp&, Context&) { diary_.write("somebody came"); }
  void on(const LinkDown& down, Context&) {
    diary_.write("somebody left: " + std::string(link_loss_names[static_cast<std::size_t>(down.loss)]));
  }

 private:
  Diary& diary_;
  std::string endpoint_;
};

class Speaker final : public ActorOf<Speaker, Messages<Echo, Tick>> {
 public:
  Speaker(Diary& diary, Ref<EchoerRole> echoer, std::string endpoint)
      : diary_(diary), echoer_(echoer), endpoint_(std::move(endpoint)) {}
  void start(Context& context) override {
    if (endpoint_.empty()) {
      context.send(echoer_, Say{"near"}, Payload::own(Bytes(600'000, 7)));
    } else {
      echoer_ = context.connect<EchoerRole>(endpoint_, server_keys().key);
      context.send(echoer_, Say{"too early"});
    }
    context.after(1ms, Tick{});
  }
  void on(const Tick&, Context&) { diary_.write("tick"); }
  void on(const LinkEcho&, Context&) { diary_.write("sign of life"); }
  void on(const Echo& echo, Context& context) {
    diary_.write(echo.text);
    if (!context.payload().empty() && context.payload().view().back() != 7) diary_.write("payload damaged");
  }
  void on(const LinkUp&, Context& context) {
    diary_.write("up");
    context.probe(echoer_.address);
    context.send(echoer_, Say{"far"}, Payload::own(Bytes(600'000, 7)));
    context.send(echoer_, Say{"small"});
  }
  void on(const LinkDown& down, Context&) {
    diary_.write("down: " + std::string(link_loss_names[static_cast<std::size_t>(down.loss)]));
  }

 private:
  Diary& diary_;
  Ref<EchoerRole> echoer_;
  std::string endpoint_;
};

/// Says what it may not.
class Rude final : public ActorOf<Rude, Messages<Echo>> {
 public:
  Rude(Diary& diary, std::string endpoint) : diary_(diary), endpoint_(std::move(endpoint)) {}
  void start(Context& context) override {
    echoer_ = context.connect<EchoerRole>(endpoint_, server_keys().key);
  }
  void on(const LinkUp&, Context& context) {
    for (int i = 0; i < 10; ++i) context.send(echoer_, Secret{});
    for (int i = 0; i < 10; ++i) context.send(echoer_, Say{"forbidden"});
  }
  void on(const Echo&, Context&) { diary_.write("echo for the rude"); }

 private:
  Diary& diary_;
  Ref<EchoerRole> echoer_;
  std::string endpoint_;
};

/// Dials while the process may not open anything.
class Poor final : public ActorOf<Poor, Messages<Echo>> {
 public:
  Poor(Diary& diary, std::string endpoint) : diary_(diary), endpoint_(std::move(endpoint)) {}
  void start(Context& context) override {
    rlimit usual{};
    getrlimit(RLIMIT_NOFILE, &usual);
    const rlimit none{3, usual.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    echoer_ = context.connect<EchoerRole>(endpoint_, server_keys().key);
    setrlimit(RLIMIT_NOFILE, &usual);
    diary_.write("dialled");
  }
  void on(const LinkUp&, Context& context) { context.send(echoer_, Say{"at last"}); }
  void on(const Echo& echo, Context&) { diary_.write(echo.text); }

 private:
  Diary& diary_;
  Ref<EchoerRole> echoer_;
  std::string endpoint_;
};

BOOST_AUTO_TEST_SUITE(zmq_host)

BOOST_AUTO_TEST_CASE(actors_on_two_workers_exchange_messages_payloads_and_timers) {
  Diary diary;
  ZmqHost host;
  const auto echoer = host.reserve<EchoerRole>(host.add_worker("one"));
  const auto speaker = host.reserve<SpeakerRole>(host.add_worker("two"));
  host.spawn(echoer, "echoer", std::make_unique<Echoer>(diary, ""));
  host.spawn(speaker, "speaker", std::make_unique<Speaker>(diary, echoer, ""));
  host.start();
  BOOST_TEST(diary.wait_for("near 600000"));
  BOOST_TEST(diary.wait_for("tick"));
  host.stop();
  BOOST_TEST(diary.wait_for("echoer stops"));
  host.stop();
}

BOOST_AUTO_TEST_CASE(a_link_comes_up_carries_payloads_and_comes_back_after_a_restart) {
  Diary near;
  ZmqHost client({.ping_after = 50ms, .silent_after = 200ms, .redial_after = 300ms});
  const auto speaker = client.reserve<SpeakerRole>(client.add_worker("speaker"));
  client.spawn(speaker, "speaker", std::make_unique<Speaker>(near, Ref<EchoerRole>{}, "127.0.0.1:21871"));
  client.start();
  for (int round = 1; round <= 2; ++round) {
    Diary far;
    ZmqHost server({.ping_after = 50ms, .silent_after = 200ms, .keys = server_keys()});
    const auto echoer = server.reserve<EchoerRole>(server.add_worker("echoer"));
    server.spawn(echoer, "echoer", std::make_unique<Echoer>(far, "127.0.0.1:21871"));
    server.start();
    BOOST_REQUIRE(near.wait_for("up", round));
    BOOST_TEST(near.wait_for("far 600000", round));
    BOOST_TEST(near.wait_for("small 0", round));
    BOOST_TEST(near.wait_for("sign of life", round));
    BOOST_TEST(far.wait_for("somebody came"));
    server.stop();
    BOOST_TEST(near.wait_for("down: disconnected", round));
  }
  const auto lines = near.lines();
  BOOST_TEST(std::count(lines.begin(), lines.end(), "payload damaged") == 0);
  BOOST_TEST(std::count(lines.begin(), lines.end(), "too early 0") == 0);
}

BOOST_AUTO_TEST_CASE(who_has_no_descriptors_left_dials_again_later) {
  Diary far;
  ZmqHost server({.keys = server_keys()});
  const auto echoer = server.reserve<EchoerRole>(server.add_worker("echoer"));
  server.spawn(echoer, "echoer", std::make_unique<Echoer>(far, "127.0.0.1:21879"));
  server.start();
  Diary near;
  ZmqHost client({.redial_after = 50ms});
  const auto poor = client.reserve<SpeakerRole>(client.add_worker("poor"));
  client.spawn(poor, "poor", std::make_unique<Poor>(near, "127.0.0.1:21879"));
  client.start();
  BOOST_TEST(near.wait_for("dialled"));
  BOOST_TEST(near.wait_for("at last 0"));
}

BOOST_AUTO_TEST_CASE(a_peer_that_leaves_is_noticed_at_the_door) {
  Diary far;
  ZmqHost server({.ping_after = 30ms, .silent_after = 100ms, .keys = server_keys()});
  const auto echoer = server.reserve<EchoerRole>(server.add_worker("echoer"));
  server.spawn(echoer, "echoer", std::make_unique<Echoer>(far, "127.0.0.1:21872"));
  server.start();
  {
    Diary near;
    ZmqHost client({.ping_after = 30ms, .silent_after = 100ms});
    const auto speaker = client.reserve<SpeakerRole>(client.add_worker("speaker"));
    client.spawn(speaker, "speaker", std::make_unique<Speaker>(near, Ref<EchoerRole>{}, "127.0.0.1:21872"));
    client.start();
    BOOST_REQUIRE(near.wait_for("small 0"));
  }
  BOOST_TEST(far.wait_for("somebody left: silent"));
}

BOOST_AUTO_TEST_CASE(what_may_not_be_said_is_dropped_and_its_sender_given_up) {
  Diary far;
  Diary near;
  ZmqHost server({.keys = server_keys()});
  const auto echoer = server.reserve<EchoerRole>(server.add_worker("echoer"));
  server.spawn(echoer, "echoer", std::make_unique<Echoer>(far, "127.0.0.1:21873"));
  server.start();
  ZmqHost client;
  const auto rude = client.reserve<SpeakerRole>(client.add_worker("rude"));
  client.spawn(rude, "rude", std::make_unique<Rude>(near, "127.0.0.1:21873"));
  client.start();
  BOOST_TEST(far.wait_for("somebody left: misbehaved"));
  const auto lines = far.lines();
  BOOST_TEST(std::count(lines.begin(), lines.end(), "secret told") == 0);
  BOOST_TEST(near.lines().empty());
}

BOOST_AUTO_TEST_CASE(a_taken_port_is_a_fault_and_not_the_end) {
  Diary first;
  Diary second;
  ZmqHost host;
  const auto worker = host.add_worker("doors");
  const auto one = host.reserve<EchoerRole>(worker);
  const auto two = host.reserve<EchoerRole>(worker);
  host.spawn(one, "one", std::make_unique<Echoer>(first, "127.0.0.1:21874"));
  host.spawn(two, "two", std::make_unique<Echoer>(second, "127.0.0.1:21874"));
  host.start();
  BOOST_TEST(first.wait_for("listening"));
  BOOST_TEST(second.wait_for("refused"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
