#include <boost/test/unit_test.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "actors/actor.hpp"
#include "actors/payload_gauge.hpp"
#include "actors/zmq_host.hpp"
#include "messages/byte_stream.hpp"

namespace {

using namespace tutti;
using namespace std::chrono_literals;

/// What the actors have seen, for the test to wait for.
class Notes {
 public:
  void add(std::string_view what) {
    const std::lock_guard lock(mutex_);
    text_ += what;
    changed_.notify_all();
  }
  bool wait_for(std::string_view what) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return text_.find(what) != std::string::npos; });
  }
  bool wait_for_size(std::size_t size) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return text_.size() >= size; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

struct NobodyRole {
  static constexpr std::string_view name = "nobody";
  using Accepts = Messages<>;
};

/// Sends back what comes; hangs up on a `!`.
class Mirror final : public ActorOf<Mirror, ByteStreamMessages> {
 public:
  Mirror(Notes& notes, std::string& endpoint) : notes_(notes), endpoint_(endpoint) {}
  void start(Context& context) override {
    endpoint_ = context.listen_stream<ByteStreamRole>("127.0.0.1:0").endpoint;
  }
  void on(const LinkUp& up, Context&) { notes_.add("up from " + up.peer + "\n"); }
  void on(const LinkDown&, Context&) { notes_.add("down\n"); }
  void on(const StreamBytes&, Context& context) {
    const ByteView view = context.payload().view();
    if (view[0] == '!') return context.close(context.sender());
    context.reply(StreamBytes{}, context.payload());
  }

 private:
  Notes& notes_;
  std::string& endpoint_;
};

/// Says something as soon as its link stands, and notes what comes back.
class Dialler final : public ActorOf<Dialler, ByteStreamMessages> {
 public:
  Dialler(Notes& notes, const std::string& endpoint, std::string text, std::string from = {})
      : notes_(notes), endpoint_(endpoint), text_(std::move(text)), from_(std::move(from)) {}
  void start(Context& context) override { link_ = context.dial_stream<ByteStreamRole>(endpoint_, from_); }
  void on(const LinkUp&, Context& context) {
    context.send(link_, StreamBytes{}, gauge_.measured(Payload::own({text_.begin(), text_.end()})));
  }
  void on(const LinkDown& down, Context&) {
    notes_.add(down.loss == LinkLoss::unreachable ? "unreachable\n" : "ended\n");
  }
  void on(const StreamBytes&, Context& context) {
    const ByteView view = context.payload().view();
    notes_.add(std::string(view.begin(), view.end()));
  }

 private:
  Notes& notes_;
  const std::string& endpoint_;
  std::string text_;
  std::string from_;
  Ref<ByteStreamRole> link_;
  PayloadGauge gauge_;
};

/// A mirror in one host and somebody who dials it in another.
struct Pair {
  explicit Pair(const std::string& text, const std::string& from = {}) {
    mirrors.spawn(mirrors.reserve<NobodyRole>(mirrors.add_worker("mirror")), "mirror",
                  std::make_unique<Mirror>(mirrored, endpoint));
    mirrors.start();
    dial(text, from);
  }
  void dial(const std::string& text, const std::string& from) {
    diallers.spawn(diallers.reserve<NobodyRole>(diallers.add_worker("dialler")), "dialler",
                   std::make_unique<Dialler>(dialled, endpoint, text, from));
    diallers.start();
  }
  ~Pair() {
    diallers.stop();
    mirrors.stop();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  Notes mirrored;
  Notes dialled;
  std::string endpoint;
  ZmqHost mirrors;
  ZmqHost diallers;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(zmq_stream)

BOOST_AUTO_TEST_CASE(bytes_go_both_ways_from_the_address_that_was_asked_for) {
  Pair pair("hello", "127.0.0.7");
  BOOST_TEST(pair.mirrored.wait_for("up from 127.0.0.7\n"));
  BOOST_TEST(pair.dialled.wait_for("hello"));
}

BOOST_AUTO_TEST_CASE(much_comes_back_whole) {
  constexpr std::size_t much = 20U << 20U;
  Pair pair(std::string(much, 'x'));
  BOOST_TEST(pair.dialled.wait_for_size(much));
}

BOOST_AUTO_TEST_CASE(who_is_hung_up_on_hears_it) {
  Pair pair("!");
  BOOST_TEST(pair.dialled.wait_for("ended\n"));
}

BOOST_AUTO_TEST_CASE(who_dials_and_ends_is_missed) {
  Pair pair("hello");
  BOOST_TEST(pair.dialled.wait_for("hello"));
  pair.diallers.stop();
  BOOST_TEST(pair.mirrored.wait_for("down\n"));
}

BOOST_AUTO_TEST_CASE(an_attempt_that_comes_to_nothing_is_said) {
  const std::string nobody = "127.0.0.1:1";
  Notes notes;
  ZmqHostOptions options;
  options.redial_after = 300ms;
  ZmqHost host(options);
  host.spawn(host.reserve<NobodyRole>(host.add_worker("dialler")), "dialler",
             std::make_unique<Dialler>(notes, nobody, "hello"));
  host.start();
  BOOST_TEST(notes.wait_for("unreachable\n"));
  host.stop();
}

BOOST_AUTO_TEST_SUITE_END()
