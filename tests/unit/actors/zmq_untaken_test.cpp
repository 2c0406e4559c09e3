// Who is sent much and takes nothing, and who says nothing any more.

#include <boost/test/unit_test.hpp>
#include <future>

#include "actors/actor.hpp"
#include "actors/zmq_gate.hpp"
#include "actors/zmq_host.hpp"
#include "messages/codec_impl.hpp"

namespace {

using namespace tutti;
using namespace std::chrono_literals;

struct Page {
  std::string text;
  TUTTI_MESSAGE(Page, 0xf021, text);
};
struct More {
  TUTTI_MESSAGE(More, 0xf022);
};

struct LibraryRole {
  static constexpr std::string_view name = "library";
  using Accepts = Messages<Page, More>;
};
struct ReaderRole {
  static constexpr std::string_view name = "reader";
  using Accepts = Messages<Page>;
  using Says = Messages<Page>;
  static constexpr std::size_t frame_bytes = 2U << 20U;
};

/// What was given to somebody, and how that got on as last seen.
struct Given {
  std::size_t pages = 0;
  Outflow outflow{};
};

/// Gives whoever comes one page after the other, and says what it gave when he is gone.
class Library final : public ActorOf<Library, Messages<Page, More>> {
 public:
  Library(std::string endpoint, std::promise<Given>& gone) : endpoint_(std::move(endpoint)), gone_(gone) {}
  void start(Context& context) override {
    BOOST_TEST_REQUIRE(context.listen<ReaderRole>(endpoint_).fault.empty());
  }
  void on(const LinkUp& up, Context& context) {
    reader_ = up.link;
    on(More{}, context);
  }
  void on(const LinkDown&, Context&) {
    gone_.set_value(given_);
    reader_ = {};
  }
  void on(const Page&, Context&) {}
  void on(const More&, Context& context) {
    if (reader_.value == 0) return;
    context.answer(reader_, Page{std::string(1U << 20U, 'x')});
    ++given_.pages;
    given_.outflow = context.outflow(reader_).value_or(given_.outflow);
    context.after(1ms, More{});
  }

 private:
  std::string endpoint_;
  std::promise<Given>& gone_;
  Address reader_;
  Given given_;
};

/// Hears whoever comes.
class Listener final : public ActorOf<Listener, Messages<Page, More>> {
 public:
  explicit Listener(std::string endpoint) : endpoint_(std::move(endpoint)) {}
  void start(Context& context) override {
    BOOST_TEST_REQUIRE(context.listen<ReaderRole>(endpoint_).fault.empty());
  }
  void on(const LinkUp&, Context&) {}
  void on(const LinkDown&, Context&) {}
  void on(const Page&, Context&) {}
  void on(const More&, Context&) {}

 private:
  std::string endpoint_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(zmq_untaken)

BOOST_AUTO_TEST_CASE(who_takes_nothing_is_hung_up_on_before_he_fills_the_memory) {
  std::promise<Given> gone;
  const LinkKeys keys = make_link_keys();
  // He goes on connecting and speaking, so that nothing but what he does not take ends his link.
  ZmqHost host({.ping_after = 60s, .silent_after = 60s, .keys = keys});
  const auto library = host.reserve<LibraryRole>(host.add_worker("library"));
  host.spawn(library, "library", std::make_unique<Library>("127.0.0.1:21893", gone));
  host.start();
  zmq::context_t context;
  zmq::socket_t reader(context, zmq::socket_type::dealer);
  reader.set(zmq::sockopt::linger, 0);
  reader.set(zmq::sockopt::rcvhwm, 1);
  guard_dialler(reader, make_link_keys(), keys.key);
  reader.connect("tcp://127.0.0.1:21893");
  const Bytes hello = encode(Page{"hello"});
  BOOST_TEST_REQUIRE(reader.send(zmq::buffer(hello), zmq::send_flags::none).has_value());
  std::future<Given> given = gone.get_future();
  BOOST_TEST_REQUIRE((given.wait_for(30s) == std::future_status::ready));
  // What systems take into their buffers comes on top.
  const Given was = given.get();
  BOOST_TEST(was.pages > 30U);
  BOOST_TEST(was.pages < 80U);
  BOOST_TEST(was.outflow.confirmed > 0U);
  BOOST_TEST(was.outflow.confirmed < was.pages << 20U);
  BOOST_TEST(was.outflow.unsent > 0U);
}

BOOST_AUTO_TEST_CASE(who_has_spoken_and_falls_silent_is_hung_up_on) {
  const LinkKeys keys = make_link_keys();
  ZmqHost host({.ping_after = 50ms, .silent_after = 100ms, .keys = keys});
  const auto library = host.reserve<LibraryRole>(host.add_worker("library"));
  host.spawn(library, "library", std::make_unique<Listener>("127.0.0.1:21897"));
  host.start();
  zmq::context_t context;
  zmq::socket_t speaker(context, zmq::socket_type::dealer);
  speaker.set(zmq::sockopt::linger, 0);
  speaker.set(zmq::sockopt::reconnect_ivl, -1);
  guard_dialler(speaker, make_link_keys(), keys.key);
  BOOST_TEST_REQUIRE(zmq_socket_monitor(speaker.handle(), "inproc://ends", ZMQ_EVENT_DISCONNECTED) == 0);
  zmq::socket_t ends(context, zmq::socket_type::pair);
  ends.connect("inproc://ends");
  speaker.connect("tcp://127.0.0.1:21897");
  const Bytes hello = encode(Page{"hello"});
  BOOST_TEST_REQUIRE(speaker.send(zmq::buffer(hello), zmq::send_flags::none).has_value());
  zmq::pollitem_t ended{ends.handle(), 0, ZMQ_POLLIN, 0};
  BOOST_TEST(zmq::poll(&ended, 1, 30s) == 1);
  zmq_socket_monitor(speaker.handle(), nullptr, 0);
}

BOOST_AUTO_TEST_SUITE_END()
