// Who is let in at a door of the ZeroMQ host, and who is not.

#include "actors/zmq_gate.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "actors/zmq_host.hpp"
#include "messages/codec_impl.hpp"

namespace {

using namespace tutti;
using namespace std::chrono_literals;

struct Word {
  std::string text;
  TUTTI_MESSAGE(Word, 0xf011, text);
};
struct AdmitNow {
  TUTTI_MESSAGE(AdmitNow, 0xf012);
};

struct HouseRole {
  static constexpr std::string_view name = "house";
  using Accepts = Messages<Word, AdmitNow>;
  using Says = Messages<Word>;
  static constexpr std::size_t frame_bytes = 1U << 16U;
};
struct GuestRole {
  static constexpr std::string_view name = "guest";
  using Accepts = Messages<Word>;
  using Says = Messages<Word>;
  static constexpr std::size_t frame_bytes = 1U << 16U;
};

/// What the actors have seen; grows on their threads.
class Seen {
 public:
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }
  bool wait_for(const std::string& line, std::chrono::milliseconds patience = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience,
                             [&] { return std::find(lines_.begin(), lines_.end(), line) != lines_.end(); });
  }
  bool is_empty() {
    const std::lock_guard lock(mutex_);
    return lines_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

std::string up(const LinkKey& key) { return "up " + to_z85(key.view()); }

/// A door and a topic. Whoever is let in is told what it said. The named are named when some have been refused.
class House final : public ActorOf<House, Messages<Word, AdmitNow>> {
 public:
  House(Seen& seen, std::string at, std::string topic_at, Admits admits, std::vector<LinkKey> later)
      : seen_(seen),
        at_(std::move(at)),
        topic_at_(std::move(topic_at)),
        admits_(admits),
        later_(std::move(later)) {}
  void start(Context& context) override {
    door_ = context.listen<GuestRole>(at_, admits_).address;
    topic_ = {context.publish<HouseRole>(topic_at_, admits_).address};
    context.tell_key(at_);
    if (admits_ == Admits::named) context.after(500ms, AdmitNow{});
    seen_.add("open");
  }
  void on(const LinkUp& message, Context&) { seen_.add(up(message.key)); }
  void on(const Word& word, Context& context) {
    context.reply(word);
    context.send(topic_, word);
  }
  void on(const AdmitNow&, Context& context) {
    context.admit(door_, later_);
    context.admit(topic_.address, later_);
    seen_.add("admitted");
  }

 private:
  Seen& seen_;
  std::string at_;
  std::string topic_at_;
  Admits admits_;
  std::vector<LinkKey> later_;
  Address door_;
  Ref<HouseRole> topic_;
};

/// Asks for the key of the house unless it knows one, dials, and says a word.
class Guest final : public ActorOf<Guest, Messages<Word>> {
 public:
  Guest(Seen& seen, std::string at, std::optional<LinkKey> key)
      : seen_(seen), at_(std::move(at)), key_(key) {}
  void start(Context& context) override {
    if (key_) return dial(*key_, context);
    context.ask_key(at_);
  }
  void on(const KeyTold& told, Context& context) {
    seen_.add("told " + to_z85(told.key.view()));
    dial(told.key, context);
  }
  void on(const LinkUp& message, Context& context) {
    seen_.add(up(message.key));
    context.send(house_, Word{"hello"});
  }
  void on(const Word& word, Context&) { seen_.add(word.text); }

 private:
  void dial(const LinkKey& key, Context& context) { house_ = context.connect<HouseRole>(at_, key); }

  Seen& seen_;
  std::string at_;
  std::optional<LinkKey> key_;
  Ref<HouseRole> house_;
};

/// A house that runs.
struct Home {
  Home(std::string at, std::string topic_at, Admits admits = Admits::anybody, std::vector<LinkKey> later = {})
      : host(options_with(keys)) {
    const auto worker = host.add_worker("house");
    house = host.reserve<HouseRole>(worker);
    host.spawn(house, "house",
               std::make_unique<House>(seen, std::move(at), std::move(topic_at), admits, std::move(later)));
    host.start();
    BOOST_TEST_REQUIRE(seen.wait_for("open"));
  }
  static ZmqHostOptions options_with(const LinkKeys& keys) {
    ZmqHostOptions options;
    options.keys = keys;
    options.redial_after = 200ms;
    return options;
  }
  LinkKeys keys = make_link_keys();
  Seen seen;
  ZmqHost host;
  Ref<HouseRole> house;
};

struct Visitor {
  Visitor(const std::string& at, std::optional<LinkKey> key, const LinkKeys& with = make_link_keys())
      : keys(with), host(Home::options_with(keys)) {
    host.spawn(host.reserve<GuestRole>(host.add_worker("guest")), "guest",
               std::make_unique<Guest>(seen, at, key));
    host.start();
  }
  LinkKeys keys;
  Seen seen;
  ZmqHost host;
};

/// A plain TCP connection to a port of this machine.
class Line {
 public:
  explicit Line(std::uint16_t port) : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_TEST_REQUIRE(connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                       0);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() { close(descriptor_); }
  void say(const std::string& bytes) const { send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// All that is said until the other side hangs up; nothing if it does not within 10 s.
  std::optional<std::string> hear_out() const {
    std::string heard;
    std::array<char, 512> buffer{};
    pollfd ready{descriptor_, POLLIN, 0};
    while (poll(&ready, 1, 10'000) > 0) {
      const ssize_t size = recv(descriptor_, buffer.data(), buffer.size(), 0);
      if (size <= 0) return heard;
      heard.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return std::nullopt;
  }

 private:
  int descriptor_;
};

/// Listens with plain TCP.
class PlainDoor {
 public:
  explicit PlainDoor(std::uint16_t port) : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    const int yes = 1;
    setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_TEST_REQUIRE(bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    BOOST_TEST_REQUIRE(listen(descriptor_, 8) == 0);
  }
  PlainDoor(const PlainDoor&) = delete;
  PlainDoor& operator=(const PlainDoor&) = delete;
  ~PlainDoor() { close(descriptor_); }
  int accept() const { return ::accept(descriptor_, nullptr, nullptr); }

 private:
  int descriptor_;
};

void send_all(int line, const std::string& text) {
  BOOST_TEST_REQUIRE(send(line, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

std::string receive_all(int line, std::size_t size) {
  std::string text(size, '\0');
  const ssize_t came = recv(line, text.data(), size, MSG_WAITALL);
  text.resize(came < 0 ? 0 : static_cast<std::size_t>(came));
  return text;
}

template <class Text>
auto bytes_of(Text& text) {
  using Byte = std::conditional_t<std::is_const_v<Text>, const unsigned char, unsigned char>;
  return reinterpret_cast<Byte*>(text.data());
}

/// The first 64 bytes of ZMTP 3 with a mechanism.
std::string greeting(const std::string& mechanism) {
  std::string bytes("\xff\0\0\0\0\0\0\0\0\x7f\x03\0", 12);
  bytes += mechanism;
  bytes.resize(64);
  return bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(zmq_gate)

BOOST_AUTO_TEST_CASE(both_ends_of_a_link_know_whom_they_speak_with) {
  Home home("127.0.0.1:21830", "127.0.0.1:21831");
  Visitor visitor("127.0.0.1:21830", home.keys.key);
  BOOST_TEST(visitor.seen.wait_for(up(home.keys.key)));
  BOOST_TEST(visitor.seen.wait_for("hello"));
  BOOST_TEST(home.seen.wait_for(up(visitor.keys.key)));
}

BOOST_AUTO_TEST_CASE(a_key_is_told_to_whoever_asks) {
  Home home("127.0.0.1:21832", "127.0.0.1:21833");
  Visitor visitor("127.0.0.1:21832", std::nullopt);
  BOOST_TEST(visitor.seen.wait_for("told " + to_z85(home.keys.key.view())));
  BOOST_TEST(visitor.seen.wait_for("hello"));
  Visitor by_name("localhost:21832", std::nullopt);
  BOOST_TEST(by_name.seen.wait_for("told " + to_z85(home.keys.key.view())));
}

BOOST_AUTO_TEST_CASE(a_key_is_asked_for_until_somebody_answers) {
  Visitor visitor("127.0.0.1:21834", std::nullopt);
  Home home("127.0.0.1:21834", "127.0.0.1:21835");
  BOOST_TEST(visitor.seen.wait_for("told " + to_z85(home.keys.key.view())));
}

BOOST_AUTO_TEST_CASE(a_link_to_somebody_with_another_key_does_not_stand) {
  Home home("127.0.0.1:21836", "127.0.0.1:21837");
  Visitor mistaken("127.0.0.1:21836", make_link_keys().key);
  Visitor right("127.0.0.1:21836", home.keys.key);
  BOOST_TEST(right.seen.wait_for("hello"));
  BOOST_TEST(!mistaken.seen.wait_for("hello", 1s));
  BOOST_TEST(mistaken.seen.is_empty());
  BOOST_TEST(!home.seen.wait_for(up(mistaken.keys.key), 0ms));
}

BOOST_AUTO_TEST_CASE(only_the_named_are_let_in_and_who_they_are_may_change) {
  const LinkKeys friends = make_link_keys();
  Home home("127.0.0.1:21838", "127.0.0.1:21839", Admits::named, {friends.key});
  Visitor stranger("127.0.0.1:21838", home.keys.key);
  Visitor known("127.0.0.1:21838", home.keys.key, friends);
  BOOST_TEST(!known.seen.wait_for(up(home.keys.key), 200ms));
  BOOST_TEST(known.seen.wait_for("hello"));
  BOOST_TEST(home.seen.wait_for(up(friends.key)));
  BOOST_TEST(stranger.seen.is_empty());
  BOOST_TEST(!home.seen.wait_for(up(stranger.keys.key), 0ms));
}

BOOST_AUTO_TEST_CASE(without_a_gate_nobody_is_let_in) {
  zmq::context_t context;
  const LinkKeys keys = make_link_keys();
  zmq::socket_t door(context, zmq::socket_type::router);
  guard_door(door, keys, "door");
  door.set(zmq::sockopt::linger, 0);
  BOOST_TEST_REQUIRE(zmq_socket_monitor(door.handle(), "inproc://seen", ZMQ_EVENT_ALL) == 0);
  zmq::socket_t events(context, zmq::socket_type::pair);
  events.set(zmq::sockopt::rcvtimeo, 10'000);
  events.connect("inproc://seen");
  door.bind("tcp://127.0.0.1:21842");
  zmq::socket_t caller(context, zmq::socket_type::dealer);
  caller.set(zmq::sockopt::linger, 0);
  guard_dialler(caller, make_link_keys(), keys.key);
  caller.connect("tcp://127.0.0.1:21842");
  caller.send(zmq::str_buffer("let me in"), zmq::send_flags::none);
  bool failed = false;
  while (!failed) {
    zmq::message_t event;
    BOOST_TEST_REQUIRE(events.recv(event).has_value());
    std::uint16_t number = 0;
    std::memcpy(&number, event.data(), sizeof number);
    BOOST_TEST(number != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    failed = number == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    zmq::message_t address;
    BOOST_TEST_REQUIRE(events.recv(address).has_value());
  }
  door.set(zmq::sockopt::rcvtimeo, 200);
  zmq::message_t heard;
  BOOST_TEST(!door.recv(heard).has_value());
  zmq_socket_monitor(door.handle(), nullptr, 0);
}

BOOST_AUTO_TEST_CASE(a_domain_that_is_not_open_lets_nobody_in) {
  zmq::context_t context;
  ZmqGate gate(context);
  const LinkKeys keys = make_link_keys();
  gate.open("another door", Admits::anybody);
  zmq::socket_t door(context, zmq::socket_type::router);
  guard_door(door, keys, "door");
  door.set(zmq::sockopt::linger, 0);
  door.set(zmq::sockopt::rcvtimeo, 500);
  door.bind("tcp://127.0.0.1:21843");
  zmq::socket_t caller(context, zmq::socket_type::dealer);
  caller.set(zmq::sockopt::linger, 0);
  guard_dialler(caller, make_link_keys(), keys.key);
  caller.connect("tcp://127.0.0.1:21843");
  caller.send(zmq::str_buffer("let me in"), zmq::send_flags::none);
  zmq::message_t heard;
  BOOST_TEST(!door.recv(heard).has_value());
}

BOOST_AUTO_TEST_CASE(other_mechanisms_and_older_protocols_are_hung_up_on) {
  Home home("127.0.0.1:21844", "127.0.0.1:21845");
  const std::string dealer(
      "\x04\x19\x05READY\x0bSocket-Type\0\0\0\x06"
      "DEALER",
      29);
  const std::string hello(
      "\x04\x08\x05HELLO\x01"
      "a\x01"
      "b",
      12);
  const std::vector<std::string> rude{
      greeting("NULL") + dealer, greeting("PLAIN") + hello, greeting("GSSAPI"),
      // ZMTP 2: signature, revision 1, DEALER, an empty identity; and a word.
      std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\0", 14) + std::string("\0\x05hello", 7),
      // ZMTP 1: an empty identity; and a word.
      std::string("\x01\0", 2) + std::string("\x06\0hello", 7), "GET / HTTP/1.1\r\n\r\n"};
  for (const std::string& words : rude)
    for (const std::uint16_t port : {std::uint16_t{21844}, std::uint16_t{21845}}) {
      const Line line(port);
      line.say(words);
      const std::optional<std::string> heard = line.hear_out();
      BOOST_TEST(heard.has_value(), "they do not hang up");
      // No more than the greeting: no READY.
      BOOST_TEST((heard && heard->size() <= 64 && heard->find("READY") == std::string::npos));
    }
  Visitor visitor("127.0.0.1:21844", home.keys.key);
  BOOST_TEST(visitor.seen.wait_for("hello"));
}

/// libzmq's client asserts that the key which the other side chooses for the conversation is a good one.
BOOST_AUTO_TEST_CASE(whoever_is_dialled_and_chooses_a_bad_key_ends_nobody) {
  const LinkKeys keys = make_link_keys();
  const PlainDoor door(21848);
  Visitor visitor("127.0.0.1:21848", keys.key);
  const int line = door.accept();
  std::string ours = greeting("CURVE");
  ours[32] = 1;  // as the server
  send_all(line, ours);
  BOOST_TEST(receive_all(line, 64).size() == 64U);
  // The frame's head, HELLO, two versions and zeros; then the client's key of the conversation.
  const std::string hello = receive_all(line, 202);
  BOOST_TEST_REQUIRE(hello.substr(2, 6) == "\x05HELLO");
  const std::string client_key = hello.substr(82, 32);
  std::string nonce = "WELCOME-" + std::string(16, 'n');
  const std::string bad_key_and_cookie(128, '\0');
  std::string box(144, '\0');
  BOOST_TEST_REQUIRE(crypto_box_easy(bytes_of(box), bytes_of(bad_key_and_cookie), bad_key_and_cookie.size(),
                                     bytes_of(nonce), bytes_of(client_key), keys.secret.data()) == 0);
  send_all(line, "\x04\xa8\x07WELCOME" + nonce.substr(8) + box);
  BOOST_TEST(receive_all(line, 1).empty());  // hung up on
  close(line);
  BOOST_TEST(visitor.seen.is_empty());
}

BOOST_AUTO_TEST_CASE(one_host_may_be_several_people) {
  Home home("127.0.0.1:21846", "127.0.0.1:21847");
  Seen seen;
  ZmqHost host;
  const auto worker = host.add_worker("people");
  std::vector<LinkKeys> people;
  for (int i = 0; i < 2; ++i) {
    people.push_back(make_link_keys());
    const auto guest = host.reserve<GuestRole>(worker);
    host.give_keys(guest, people.back());
    host.spawn(guest, "guest", std::make_unique<Guest>(seen, "127.0.0.1:21846", home.keys.key));
  }
  host.start();
  for (const LinkKeys& each : people) BOOST_TEST(home.seen.wait_for(up(each.key)));
}

BOOST_AUTO_TEST_SUITE_END()
