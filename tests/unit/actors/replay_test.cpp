// What was recorded in any host is replayed alone: the same actor does the same, and another one is found out.

#include "actors/replay.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>

#include "actors/injection_host.hpp"
#include "actors/observed.hpp"
#include "messages/catalogue.hpp"
#include "messages/inside_client.hpp"
#include "messages/shell_client.hpp"

using namespace tutti;
using namespace std::chrono_literals;

namespace {

struct ListenerRole {
  static constexpr std::string_view name = "listener";
  using Accepts = Messages<HashProgress, ForgetCommand, AskLink>;
};

/// What is done differently by a worker with a bug.
enum class Bug : std::uint8_t {
  none,
  counts_wrong,
  forgets_timer,
  spawns_twice,
  says_more,
  sends_other_bytes
};

class Child final : public ActorOf<Child, Messages<AskLink>> {
 public:
  Child(Ref<ListenerRole> listener, Bug bug) : listener_(listener), bug_(bug) {}
  void start(Context& context) override {
    if (bug_ == Bug::says_more) context.send(listener_, ForgetCommand{{8}});
  }
  void on(const AskLink& ask, Context& context) { context.send(listener_, ForgetCommand{ask.command}); }

 private:
  Ref<ListenerRole> listener_;
  Bug bug_;
};

/// Uses everything that a context has.
class Worker final : public ActorOf<Worker, Messages<AskLink, ForgetCommand>> {
 public:
  Worker(Ref<ListenerRole> listener, Bug bug) : listener_(listener), bug_(bug) {}
  void start(Context& context) override {
    door_ = context.listen<FetchingPeerRole>("127.0.0.1:0").address;
    child_ = context.spawn<ListenerRole>("child", std::make_unique<Child>(listener_, bug_));
    if (bug_ == Bug::spawns_twice)
      context.spawn<ListenerRole>("child", std::make_unique<Child>(listener_, bug_));
    const SealedPass pass = context.issue_pass(door_, LinkKey{});
    context.revoke_pass(door_, pass.id);
  }
  void on(const AskLink& ask, Context& context) {
    const std::uint64_t chance = context.random().below(1'000'000);
    std::array<std::uint8_t, 8> secret{};
    context.fill_secret(secret);
    const auto ms = static_cast<std::uint64_t>(context.wall_time().time_since_epoch().count());
    const auto now = static_cast<std::uint64_t>(context.now().time_since_epoch().count());
    const std::uint64_t seen = observed(context, looks_);
    ByteCount sum{chance + secret[0] + ms + now + seen + (bug_ == Bug::counts_wrong ? 1U : 0U)};
    Payload payload = context.payload();
    if (bug_ == Bug::sends_other_bytes && !payload.empty()) payload = Payload::own(Bytes(payload.size(), 9));
    context.send(listener_, HashProgress{ask.command, sum, {}}, std::move(payload));
    const TimerId timer = context.after(1s, ForgetCommand{{77}});
    if (bug_ != Bug::forgets_timer && ask.command.value % 2 == 0) context.cancel(timer);
    context.answer(child_.address, AskLink{{ask.command}});
  }
  void on(const ForgetCommand& forget, Context& context) { context.send(listener_, forget); }
  std::uint64_t looks_ = 0;

 private:
  Ref<ListenerRole> listener_;
  Bug bug_;
  Address door_;
  Ref<ListenerRole> child_;
};

/// A recording of a worker that goes with the test.
class Recorded {
 public:
  Recorded() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tutti-replay-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    BOOST_REQUIRE(file_.start(path(), {.replayable = true}) == "");
    host_.set_trace(&file_);
    listener_ = host_.probe<ListenerRole>();
    file_.began({"worker", "", {}});
    auto worker = std::make_unique<Worker>(listener_, Bug::none);
    worker->looks_ = 5;  // what an actor sees elsewhere
    worker_ = host_.spawn<ListenerRole>("worker", std::move(worker));
  }
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;
  ~Recorded() { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "trace").string(); }
  void happens() {
    host_.inject(listener_.address, worker_.address, AskLink{{1}});
    host_.advance(500ms);
    host_.inject(listener_.address, worker_.address, AskLink{{2}}, Payload::own(Bytes(1000, 7)));
    host_.inject(listener_.address, worker_.address, AskLink{{3}}, Payload::own(Bytes(10, 7)));
    host_.advance(5s);
    host_.stop(worker_.address);
  }
  ReplayOutcome replayed(Bug bug) {
    host_.set_trace(nullptr);
    file_.stop();
    TraceReader reader;
    BOOST_REQUIRE(reader.open(path()) == "");
    return replay(reader, {nullptr, [&](const ProcessBegan& process) {
                             BOOST_TEST(process.kind == "worker");
                             std::vector<ReplayedActor> actors;
                             actors.push_back({worker_.address, std::make_unique<Worker>(listener_, bug)});
                             return actors;
                           }});
  }
  TraceFile& file() { return file_; }
  InjectionHost& host() { return host_; }
  Ref<ListenerRole> listener() const { return listener_; }
  Ref<ListenerRole> worker() const { return worker_; }

 private:
  std::filesystem::path folder_;
  TraceFile file_;
  InjectionHost host_;
  Ref<ListenerRole> listener_;
  Ref<ListenerRole> worker_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(replaying)

BOOST_FIXTURE_TEST_CASE(the_same_actor_does_the_same, Recorded) {
  happens();
  const ReplayOutcome outcome = replayed(Bug::none);
  BOOST_TEST(!outcome.difference.has_value());
  BOOST_TEST(outcome.actors == 2U);
  BOOST_TEST(outcome.deliveries == 8U);  // three questions, two timers, three of the child
  BOOST_TEST(outcome.unfinished == "");
}

BOOST_FIXTURE_TEST_CASE(a_wrong_number_is_named_with_its_field, Recorded) {
  happens();
  const auto difference = replayed(Bug::counts_wrong).difference;
  BOOST_TEST_REQUIRE(difference.has_value());
  BOOST_TEST(difference->actor == "worker");
  BOOST_TEST(difference->delivery == 1U);
  BOOST_TEST(difference->amid == "AskLink{command: 1} from listener");
  BOOST_TEST(difference->field == "done");
  BOOST_TEST(difference->recorded.starts_with("HashProgress{command: 1, done: "), difference->recorded);
  BOOST_TEST(difference->now.ends_with(" to listener"), difference->now);
  BOOST_TEST(difference->now != difference->recorded);
}

BOOST_FIXTURE_TEST_CASE(a_timer_that_is_not_cancelled_is_named, Recorded) {
  happens();
  const auto difference = replayed(Bug::forgets_timer).difference;
  BOOST_TEST_REQUIRE(difference.has_value());
  BOOST_TEST(difference->delivery == 2U);
  BOOST_TEST(difference->recorded.starts_with("TimerCancelled{"), difference->recorded);
  BOOST_TEST(difference->now.starts_with("AskLink{command: 2} to child"), difference->now);
  BOOST_TEST(difference->field == "");
}

BOOST_FIXTURE_TEST_CASE(other_bytes_of_the_same_size_are_other_bytes, Recorded) {
  happens();
  const auto difference = replayed(Bug::sends_other_bytes).difference;
  BOOST_TEST_REQUIRE(difference.has_value());
  BOOST_TEST(difference->delivery == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_second_child_is_named, Recorded) {
  happens();
  const auto difference = replayed(Bug::spawns_twice).difference;
  BOOST_TEST_REQUIRE(difference.has_value());
  BOOST_TEST(difference->delivery == 0U);
  BOOST_TEST(difference->amid == "its start");
}

BOOST_FIXTURE_TEST_CASE(what_a_child_says_too_much_is_the_childs, Recorded) {
  happens();
  const auto difference = replayed(Bug::says_more).difference;
  BOOST_TEST_REQUIRE(difference.has_value());
  BOOST_TEST(difference->actor == "child");
  BOOST_TEST(difference->recorded == "nothing");
}

BOOST_FIXTURE_TEST_CASE(the_last_delivery_of_a_program_that_ended_amid_it_is_named, Recorded) {
  host().inject(listener().address, worker().address, AskLink{{1}});
  host().set_trace(nullptr);
  file().delivered(Instant(9s),
                   {listener().address, worker().address, AskLink::message_id, encode(AskLink{{4}}), {}});
  const std::string before = path() + "-copy";
  std::filesystem::copy_file(path(), before);
  file().stop();
  std::filesystem::rename(before, path());  // as kill -9 leaves it: nobody has ended the file
  const ReplayOutcome outcome = replayed(Bug::none);
  BOOST_TEST(!outcome.difference.has_value());
  BOOST_TEST(outcome.unfinished == "worker had heard AskLink{command: 4}");
}

BOOST_FIXTURE_TEST_CASE(the_secret_of_a_pass_is_in_no_recording, Recorded) {
  host().set_trace(nullptr);
  file().stop();
  TraceReader reader;
  BOOST_REQUIRE(reader.open(path()) == "");
  std::size_t secrets = 0;
  while (const auto record = reader.next()) {
    const auto* step = record->get<ActorStepped>();
    if (step == nullptr) continue;
    for (const Bytes& each : step->secrets)
      if (each.size() == SealedSecret::size) {
        ++secrets;
        BOOST_TEST((each == Bytes(SealedSecret::size)));
      }
  }
  BOOST_TEST(secrets == 1U);
}

BOOST_AUTO_TEST_CASE(the_field_that_differs_is_found) {
  BOOST_TEST(differing_field("A{b: 1, c: 2}", "A{b: 1, c: 3}") == "c");
  BOOST_TEST(differing_field("A{b: C{d: \"x{y: 1\", e: 1}}", "A{b: C{d: \"x{y: 1\", e: 2}}") == "b.e");
  BOOST_TEST(differing_field("A{b: C{d: 1}, e: 1}", "A{b: C{d: 1}, e: 2}") == "e");
  BOOST_TEST(differing_field("A{b: 1}", "B{b: 1}") == "");
  BOOST_TEST(differing_field("A{b: 1}", "nothing") == "");
}

BOOST_AUTO_TEST_SUITE_END()
