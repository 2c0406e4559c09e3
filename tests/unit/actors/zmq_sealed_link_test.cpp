// Sealed links between two hosts, with whoever is on the way, and strangers.

#include "actors/zmq_sealed_link.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actors/actor.hpp"
#include "actors/payload_gauge.hpp"
#include "actors/zmq_host.hpp"
#include "messages/codec_impl.hpp"

namespace {

using namespace tutti;
using namespace std::chrono_literals;

struct Deposit {
  std::uint32_t number = 0;
  std::string text;
  TUTTI_MESSAGE(Deposit, 0xf021, number, text);
  Fault fault() const { return text == "forbidden" ? "a forbidden word" : Fault{}; }
};
struct Receipts {
  std::uint32_t number = 0;
  TUTTI_MESSAGE(Receipts, 0xf022, number);
};

struct Later {
  TUTTI_MESSAGE(Later, 0xf023);
};

struct VaultRole {
  static constexpr std::string_view name = "vault";
  using Accepts = Messages<Deposit>;
  using Says = Messages<Receipts>;
  static constexpr std::size_t frame_bytes = 1U << 20U;
};
struct TellerRole {
  static constexpr std::string_view name = "teller";
  using Accepts = Messages<Receipts>;
  using Says = Messages<Deposit>;
  static constexpr std::size_t frame_bytes = 1U << 20U;
};

LinkKey tellers_key() {
  LinkKey key;
  key.bytes.fill(7);
  return key;
}

/// What the actors have seen; grows on their threads.
class Notes {
 public:
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }
  bool wait_for(const std::string& line, std::ptrdiff_t times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return counted(line) >= times; });
  }
  std::ptrdiff_t count(const std::string& line) {
    const std::lock_guard lock(mutex_);
    return counted(line);
  }

 private:
  std::ptrdiff_t counted(const std::string& line) const {
    return std::count(lines_.begin(), lines_.end(), line);
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

std::string down(LinkLoss loss) {
  return "down: " + std::string(link_loss_names[static_cast<std::size_t>(loss)]);
}

/// What is deposited with this number.
Bytes content_of(std::uint32_t number) { return Bytes(200'000, static_cast<std::uint8_t>(number)); }

/// A sealed door for one pass. Whatever is deposited is given back.
class Vault final : public ActorOf<Vault, Messages<Deposit>> {
 public:
  struct Told {
    Opened door;
    SealedPass pass;
  };
  Vault(Notes& notes, Told& told) : notes_(notes), told_(told) {}
  void start(Context& context) override {
    told_.door = context.listen_sealed<TellerRole>("127.0.0.1:0");
    told_.pass = context.issue_pass(told_.door.address, tellers_key());
    notes_.add("open");
  }
  void on(const LinkUp& up, Context&) {
    notes_.add(up.listener == told_.door.address && up.key == tellers_key() ? "up" : "up as another one");
  }
  void on(const LinkDown& message, Context&) { notes_.add(down(message.loss)); }
  void on(const Deposit& deposit, Context& context) {
    notes_.add(deposit.text);
    if (deposit.text == "revoke") return context.revoke_pass(told_.door.address, told_.pass.id);
    if (deposit.text == "close") return context.close(context.sender());
    // Whoever makes the next deposit has had what was given back for the one before.
    const std::optional<Outflow> known = context.outflow(context.sender());
    if (known && deposit.number > 0 && known->confirmed >= (deposit.number - 1) * content_of(0).size())
      notes_.add("confirmed");
    context.reply(Receipts{deposit.number}, context.payload());
  }

 private:
  Notes& notes_;
  Told& told_;
};

/// Makes deposits, one after the other has come back; the one under way again when the link is another one.
class Teller final : public ActorOf<Teller, Messages<Receipts, Later>> {
 public:
  Teller(Notes& notes, std::string endpoint, const SealedPass& pass, std::uint32_t last, std::string text)
      : notes_(notes), endpoint_(std::move(endpoint)), pass_(pass), last_(last), text_(std::move(text)) {}
  void start(Context& context) override {
    vault_ = context.connect_sealed<VaultRole>(endpoint_, {}, pass_);
    context.send(vault_, Deposit{0, "too early"});
    context.after(2s, Later{});
  }
  void on(const Later&, Context&) { notes_.add("later"); }
  void on(const LinkUp& up, Context& context) {
    notes_.add(up.listener.value == 0 && up.link == vault_.address ? "up" : "another one is up");
    context.probe(vault_.address);
    next(context);
  }
  void on(const LinkEcho&, Context&) { notes_.add("echo"); }
  void on(const LinkDown& message, Context&) { notes_.add(down(message.loss)); }
  void on(const Receipts& receipt, Context& context) {
    const ByteView got = context.payload().view();
    const Bytes wanted = content_of(receipt.number);
    if (receipt.number != number_ || !std::equal(got.begin(), got.end(), wanted.begin(), wanted.end()))
      return notes_.add("wrong");
    if (number_ == last_) return notes_.add("done");
    ++number_;
    next(context);
  }

 private:
  void next(Context& context) {
    context.send(vault_, Deposit{number_, text_}, Payload::own(content_of(number_)));
  }

  Notes& notes_;
  std::string endpoint_;
  SealedPass pass_;
  std::uint32_t last_;
  std::string text_;
  Ref<VaultRole> vault_;
  std::uint32_t number_ = 1;
};

ZmqHostOptions quick() {
  ZmqHostOptions options;
  options.ping_after = 200ms;
  options.silent_after = 2s;
  options.redial_after = 1s;
  options.dial_pause = 10ms;
  return options;
}

struct Bank {
  explicit Bank(const ZmqHostOptions& options = quick()) : host(options) {
    host.spawn(host.reserve<VaultRole>(host.add_worker("bank")), "vault",
               std::make_unique<Vault>(notes, told));
    host.start();
    BOOST_TEST_REQUIRE(notes.wait_for("open"));
    BOOST_TEST_REQUIRE(told.door.fault == "");
  }
  std::uint16_t port() const {
    return static_cast<std::uint16_t>(
        std::stoi(told.door.endpoint.substr(told.door.endpoint.rfind(':') + 1)));
  }
  Notes notes;
  Vault::Told told;
  ZmqHost host;
};

struct Branch {
  Branch(const std::string& endpoint, const SealedPass& pass, std::uint32_t deposits = 20,
         const std::string& text = "gold", const ZmqHostOptions& options = quick())
      : host(options) {
    host.spawn(host.reserve<TellerRole>(host.add_worker("branch")), "teller",
               std::make_unique<Teller>(notes, endpoint, pass, deposits, text));
    host.start();
  }
  Notes notes;
  ZmqHost host;
};

/// A TCP connection, or a door for some.
class Plug {
 public:
  explicit Plug(int descriptor) : descriptor_(descriptor) {}
  Plug(const Plug&) = delete;
  Plug& operator=(const Plug&) = delete;
  ~Plug() { close(descriptor_); }
  static int dialled(std::uint16_t port) {
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = at(port);
    BOOST_TEST_REQUIRE(connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return descriptor;
  }
  static int listening() {
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = at(0);
    BOOST_TEST_REQUIRE(bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    BOOST_TEST_REQUIRE(listen(descriptor, 16) == 0);
    return descriptor;
  }
  int descriptor() const { return descriptor_; }
  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  bool write(ByteView bytes) const {
    while (!bytes.empty()) {
      const ssize_t size = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(size));
    }
    return true;
  }
  /// What is there, at most `most` bytes; empty at the end, or if nothing comes for 20 s.
  Bytes read(std::size_t most) const {
    pollfd ready{descriptor_, POLLIN, 0};
    Bytes bytes(most);
    const ssize_t size = ::poll(&ready, 1, 20'000) == 1 ? recv(descriptor_, bytes.data(), most, 0) : 0;
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }

 private:
  static sockaddr_in at(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  int descriptor_;
};

/// Somebody on the way: passes on what comes, or what he makes of it.
class Relay {
 public:
  /// Given what comes, from the dialler or to it, and how much has come of that connection before.
  using Spoil = std::function<void(bool from_dialler, std::size_t before, Bytes& bytes)>;
  Relay(std::uint16_t to_port, Spoil spoil)
      : to_port_(to_port), spoil_(std::move(spoil)), door_(Plug::listening()), thread_([this] { run(); }) {}
  ~Relay() {
    shutdown(door_.descriptor(), SHUT_RDWR);
    thread_.join();
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  std::string endpoint() const { return "127.0.0.1:" + std::to_string(door_.port()); }

 private:
  void run() {
    for (;;) {
      const int accepted = accept(door_.descriptor(), nullptr, nullptr);
      if (accepted < 0) return;
      const Plug near(accepted);
      const Plug far(Plug::dialled(to_port_));
      pass_on(near, far);
    }
  }
  /// One connection at a time: that is all that a link has.
  void pass_on(const Plug& near, const Plug& far) {
    std::array<std::size_t, 2> passed{};
    for (;;) {
      std::array<pollfd, 3> ready{
          {{near.descriptor(), POLLIN, 0}, {far.descriptor(), POLLIN, 0}, {door_.descriptor(), POLLHUP, 0}}};
      ::poll(ready.data(), ready.size(), -1);
      if ((ready[2].revents & POLLHUP) != 0) return;
      for (std::size_t i = 0; i < 2; ++i) {
        if (ready[i].revents == 0) continue;
        Bytes bytes = (i == 0 ? near : far).read(65'536);
        if (bytes.empty()) return;
        const std::size_t before = passed[i];
        passed[i] += bytes.size();
        spoil_(i == 0, before, bytes);
        if (!(i == 0 ? far : near).write(bytes)) return;
      }
    }
  }

  std::uint16_t to_port_;
  Spoil spoil_;
  Plug door_;
  std::thread thread_;
};

/// Somebody who speaks ZMTP 3 without a mechanism, and whatever frames he likes.
class Raw {
 public:
  explicit Raw(std::uint16_t port) : plug_(Plug::dialled(port)) {
    Bytes greeting(64);
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    std::memcpy(&greeting[12], "NULL", 4);
    const std::string ready = std::string(
        "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
        "DEALER",
        30);
    plug_.write(greeting);
    plug_.write(view_of(ready));
    BOOST_TEST_REQUIRE(exactly(64).size() == 64U);
    BOOST_TEST_REQUIRE(!hear().empty());  // its READY
  }
  void say(const Bytes& frame, bool more = false) const {
    Bytes head{static_cast<std::uint8_t>((more ? 1 : 0) | 2)};
    for (int i = 7; i >= 0; --i)
      head.push_back(static_cast<std::uint8_t>(std::uint64_t{frame.size()} >> (8 * i)));
    plug_.write(head);
    plug_.write(frame);
  }
  /// The next frame; empty if there is none.
  Bytes hear() const {
    const Bytes flags = exactly(1);
    if (flags.empty()) return {};
    std::size_t size = 0;
    for (const std::uint8_t byte : exactly((flags[0] & 2) != 0 ? 8 : 1)) size = size << 8U | byte;
    return exactly(size);
  }

 private:
  Bytes exactly(std::size_t size) const {
    Bytes all;
    while (all.size() < size) {
      const Bytes more = plug_.read(size - all.size());
      if (more.empty()) return {};
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }
  Plug plug_;
};

/// One who comes in by hand.
struct Visitor {
  Visitor(std::uint16_t port, const SealedPass& by, std::uint8_t random) : pass(by), raw(port) {
    SealedRandom ours;
    ours.bytes.fill(random);
    hello = make_hello(pass, ours);
    raw.say(hello.bytes());
    welcome = SealedWelcome::parse(raw.hear());
  }
  bool is_welcome() const { return welcome && is_proven(*welcome, pass, hello); }
  void deposit(const std::string& text) {
    if (!sealing) sealing.emplace(pass, hello.random, welcome->random, SealedChannel::Direction::to_door);
    const Bytes body = encode(Deposit{1, text});
    Bytes frame(body.size() + SealedChannel::tag_bytes);
    sealing->seal(SealedFrame::alone, body, frame.data());
    raw.say(frame);
  }
  SealedPass pass;
  Raw raw;
  SealedHello hello;
  std::optional<SealedWelcome> welcome;
  std::optional<SealedChannel> sealing;
};

const Bytes given_up(1);  ///< what a door says to whom it has given up: it cannot open

BOOST_AUTO_TEST_SUITE(zmq_sealed_link)

BOOST_AUTO_TEST_CASE(what_is_sealed_is_counted_until_it_is_taken_and_its_bytes_are_not_kept) {
  const SealedPass pass;
  SealedConversation ours(pass, {}, {}, SealedConversation::Side::dialler);
  SealedConversation theirs(pass, {}, {}, SealedConversation::Side::door);
  PayloadGauge gauge;
  const auto bytes = std::make_shared<const Bytes>(1000, 5);
  const Bytes body = encode(Deposit{1, "gold"});
  std::vector<zmq::message_t> frames = ours.seal(body, gauge.measured(Payload::hold(bytes, *bytes)));
  BOOST_TEST(bytes.use_count() == 1);
  BOOST_TEST(gauge.outstanding_bytes() == 1000U);
  std::optional<SealedConversation::Said> said = theirs.open(frames);
  BOOST_TEST_REQUIRE(said.has_value());
  BOOST_TEST((said->body == body));
  const ByteView opened = said->payload.view();
  BOOST_TEST(std::equal(opened.begin(), opened.end(), bytes->begin(), bytes->end()));
  frames.clear();
  BOOST_TEST(gauge.outstanding_bytes() == 1000U);  // it is the very memory that was sealed
  said.reset();
  BOOST_TEST(gauge.outstanding_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(whoever_has_the_pass_comes_in_and_what_is_said_arrives) {
  Bank bank;
  Branch branch(bank.told.door.endpoint, bank.told.pass);
  BOOST_TEST(branch.notes.wait_for("done"));
  BOOST_TEST(branch.notes.wait_for("echo"));
  BOOST_TEST(bank.notes.count("gold") == 20);
  BOOST_TEST(bank.notes.count("confirmed") == 20);
  BOOST_TEST(bank.notes.count("up") == 1);
  BOOST_TEST(branch.notes.count("up") == 1);
  BOOST_TEST(bank.notes.count("too early") == 0);
  BOOST_TEST(branch.notes.count("wrong") == 0);
}

BOOST_AUTO_TEST_CASE(an_idle_link_lives_on_and_a_second_one_comes_in_by_the_same_pass) {
  ZmqHostOptions options = quick();
  options.ping_after = 50ms;
  options.silent_after = 1s;
  Bank bank(options);
  Branch first(bank.told.door.endpoint, bank.told.pass, 1, "gold", options);
  BOOST_TEST(first.notes.wait_for("done"));
  Branch second(bank.told.door.endpoint, bank.told.pass, 1, "silver", options);
  BOOST_TEST(second.notes.wait_for("done"));
  BOOST_TEST(second.notes.wait_for("later"));  // than either would have waited in silence
  BOOST_TEST(bank.notes.count("up") == 2);
  for (Notes* notes : {&bank.notes, &first.notes, &second.notes})
    for (const LinkLoss loss : {LinkLoss::silent, LinkLoss::disconnected})
      BOOST_TEST(notes->count(down(loss)) == 0);
}

BOOST_AUTO_TEST_CASE(another_pass_lets_nobody_in) {
  Bank bank;
  SealedPass wrong_id = bank.told.pass;
  wrong_id.id.bytes[0] ^= 1;
  SealedPass wrong_secret = bank.told.pass;
  wrong_secret.secret.bytes[0] ^= 1;
  Branch stranger(bank.told.door.endpoint, wrong_id);
  Branch thief(bank.told.door.endpoint, wrong_secret);
  // Nothing is said to either, and the same connection is as good as new.
  const Raw raw(bank.port());
  for (const SealedPass& pass : {wrong_id, wrong_secret}) raw.say(make_hello(pass, {}).bytes());
  raw.say(Bytes(100'000));
  raw.say(Bytes(10), true);
  raw.say(Bytes(10));
  const SealedHello good = make_hello(bank.told.pass, {});
  raw.say(good.bytes());
  const auto welcome = SealedWelcome::parse(raw.hear());
  BOOST_TEST_REQUIRE(welcome.has_value());
  BOOST_TEST(is_proven(*welcome, bank.told.pass, good));
  Branch branch(bank.told.door.endpoint, bank.told.pass);
  BOOST_TEST(branch.notes.wait_for("done"));
  BOOST_TEST(bank.notes.count("up") == 1);
  BOOST_TEST(stranger.notes.count("up") + thief.notes.count("up") == 0);
}

BOOST_AUTO_TEST_CASE(a_revoked_pass_ends_its_links_and_opens_no_more) {
  Bank bank;
  Branch other(bank.told.door.endpoint, bank.told.pass, 1, "gold");
  BOOST_TEST(other.notes.wait_for("done"));
  Branch branch(bank.told.door.endpoint, bank.told.pass, 1, "revoke");
  BOOST_TEST(bank.notes.wait_for(down(LinkLoss::closed), 2));
  BOOST_TEST(branch.notes.wait_for(down(LinkLoss::disconnected)));
  BOOST_TEST(other.notes.wait_for(down(LinkLoss::disconnected)));
  const Raw raw(bank.port());
  raw.say(make_hello(bank.told.pass, {}).bytes());
  Branch late(bank.told.door.endpoint, bank.told.pass);
  BOOST_TEST(late.notes.wait_for("later"));
  BOOST_TEST(late.notes.count("up") == 0);
  BOOST_TEST(bank.notes.count("up") == 2);
}

BOOST_AUTO_TEST_CASE(who_is_closed_may_come_again) {
  Bank bank;
  Branch branch(bank.told.door.endpoint, bank.told.pass, 1, "close");
  BOOST_TEST(branch.notes.wait_for("up", 2));
  BOOST_TEST(bank.notes.wait_for("up", 2));
  BOOST_TEST(bank.notes.count(down(LinkLoss::closed)) == 0);  // the owner knows it
}

BOOST_AUTO_TEST_CASE(a_recorded_hello_gives_nothing) {
  Bank bank;
  Visitor replaying(bank.port(), bank.told.pass, 1);
  BOOST_TEST(replaying.is_welcome());
  Visitor honest(bank.port(), bank.told.pass, 1);  // the very same hello
  BOOST_TEST(honest.is_welcome());
  BOOST_TEST((honest.welcome->random != replaying.welcome->random));
  honest.deposit("gold");
  BOOST_TEST(bank.notes.wait_for("up"));
  // What the honest one has said does not open on the other link.
  const Bytes body = encode(Deposit{1, "gold"});
  Bytes recorded(body.size() + SealedChannel::tag_bytes);
  SealedChannel(bank.told.pass, honest.hello.random, honest.welcome->random,
                SealedChannel::Direction::to_door)
      .seal(SealedFrame::alone, body, recorded.data());
  replaying.raw.say(recorded);
  BOOST_TEST((replaying.raw.hear() == given_up));
  BOOST_TEST(bank.notes.wait_for("gold"));
  BOOST_TEST(bank.notes.count("up") == 1);
}

BOOST_AUTO_TEST_CASE(half_open_links_are_few_and_do_not_last) {
  Bank bank;
  std::vector<std::unique_ptr<Visitor>> visitors;
  for (std::size_t i = 0; i < SealedDoorLink::links_a_pass_max + 4; ++i) {
    visitors.push_back(std::make_unique<Visitor>(bank.port(), bank.told.pass, static_cast<std::uint8_t>(i)));
    BOOST_TEST(visitors.back()->is_welcome());
  }
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST((visitors[i]->raw.hear() == given_up), "visitor " << i);
  visitors.back()->deposit("gold");
  BOOST_TEST(bank.notes.wait_for("gold"));
  BOOST_TEST((visitors[5]->raw.hear() == given_up));  // it has said nothing for too long
  BOOST_TEST(bank.notes.count("up") == 1);
}

BOOST_AUTO_TEST_CASE(one_that_falls_silent_is_down) {
  ZmqHostOptions options = quick();
  options.silent_after = 300ms;
  Bank bank(options);
  Visitor visitor(bank.port(), bank.told.pass, 1);
  BOOST_TEST_REQUIRE(visitor.is_welcome());
  visitor.deposit("gold");
  BOOST_TEST(bank.notes.wait_for(down(LinkLoss::silent)));
}

BOOST_AUTO_TEST_CASE(wrong_words_of_one_who_is_in_are_his_fault) {
  Bank bank;
  Visitor visitor(bank.port(), bank.told.pass, 1);
  BOOST_TEST_REQUIRE(visitor.is_welcome());
  for (int i = 0; i < 16; ++i) visitor.deposit("forbidden");
  BOOST_TEST(bank.notes.wait_for(down(LinkLoss::misbehaved)));
  const Raw raw(bank.port());
  raw.say(make_hello(bank.told.pass, {}).bytes());
  raw.say(Bytes(0));
  BOOST_TEST(bank.notes.count("forbidden") == 0);
  BOOST_TEST(bank.notes.count("up") == 1);
}

/// Somebody on the way spoils one byte, in either direction; then he lets everything pass.
BOOST_AUTO_TEST_CASE(whatever_is_spoilt_on_the_way_ends_the_link_and_nothing_else) {
  const std::vector<std::pair<std::string, std::function<void(Bytes&, std::size_t)>>> ways{
      {"flipped", [](Bytes& bytes, std::size_t at) { bytes[at] ^= 0x10; }},
      {"left out",
       [](Bytes& bytes, std::size_t at) { bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at)); }},
      {"said twice", [](Bytes& bytes, std::size_t at) {
         bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes[at]);
       }}};
  for (const auto& [name, way] : ways)
    for (const bool from_dialler : {true, false})
      BOOST_TEST_CONTEXT(name << (from_dialler ? " from" : " to") << " the dialler") {
        Bank bank;
        std::atomic<bool> spoilt{false};
        const Relay relay(bank.port(), [&, &spoil = way](bool direction, std::size_t before, Bytes& bytes) {
          constexpr std::size_t at = 1'000'000;
          if (direction != from_dialler || before > at || before + bytes.size() <= at ||
              spoilt.exchange(true))
            return;
          spoil(bytes, at - before);
        });
        Branch branch(relay.endpoint(), bank.told.pass);
        BOOST_TEST(branch.notes.wait_for("done"));
        BOOST_TEST(spoilt.load());
        BOOST_TEST(branch.notes.count("up") == 2);
        BOOST_TEST(branch.notes.count(down(LinkLoss::disconnected)) +
                       branch.notes.count(down(LinkLoss::silent)) ==
                   1);
        BOOST_TEST(branch.notes.count("wrong") == 0);
        BOOST_TEST(bank.notes.count(down(LinkLoss::misbehaved)) == 0);
        BOOST_TEST(branch.notes.count(down(LinkLoss::misbehaved)) == 0);
      }
}

BOOST_AUTO_TEST_CASE(what_passes_is_not_to_be_read) {
  Bank bank;
  std::mutex mutex;
  Bytes seen;
  const Relay relay(bank.port(), [&](bool, std::size_t, Bytes& bytes) {
    const std::lock_guard lock(mutex);
    seen.insert(seen.end(), bytes.begin(), bytes.end());
  });
  Branch branch(relay.endpoint(), bank.told.pass, 2, "a word that nobody else may read");
  BOOST_TEST(branch.notes.wait_for("done"));
  const std::lock_guard lock(mutex);
  BOOST_TEST(seen.size() > 4 * content_of(1).size());
  for (const Bytes& secret : {Bytes(16, 1), Bytes(16, 2),
                              Bytes(bank.told.pass.secret.bytes.begin(), bank.told.pass.secret.bytes.end()),
                              Bytes{'a', ' ', 'w', 'o', 'r', 'd', ' ', 't', 'h', 'a', 't'}})
    BOOST_TEST((std::search(seen.begin(), seen.end(), secret.begin(), secret.end()) == seen.end()));
}

BOOST_AUTO_TEST_CASE(keys_that_have_been_used_enough_are_replaced) {
  ZmqHostOptions options = quick();
  options.sealed_bytes_max = 1'500'000;
  Bank bank;
  Branch branch(bank.told.door.endpoint, bank.told.pass, 20, "gold", options);
  BOOST_TEST(branch.notes.wait_for("done"));
  BOOST_TEST(branch.notes.count("up") >= 3);
  BOOST_TEST(branch.notes.count("wrong") == 0);
}

/// The dialler forgets to.
BOOST_AUTO_TEST_CASE(a_door_does_not_hear_keys_that_have_been_used_far_too_much) {
  ZmqHostOptions options = quick();
  options.sealed_bytes_max = 1'000'000;
  Bank bank(options);
  Branch branch(bank.told.door.endpoint, bank.told.pass);
  BOOST_TEST(branch.notes.wait_for(down(LinkLoss::disconnected)));
  BOOST_TEST(bank.notes.wait_for(down(LinkLoss::disconnected)));
  BOOST_TEST(branch.notes.wait_for("done"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
