// All actors of one tracker together, under a client that the test plays.

#include <boost/test/unit_test.hpp>

#include "actors/digest.hpp"
#include "tests/injection/tracker/support.hpp"
#include "tracker/tracker_node.hpp"

using namespace tutti;
using namespace tutti::testing;

namespace {

class NoDevice final : public ConsoleDevice {
 public:
  int input() const override { return -1; }
  int signals() const override { return -1; }
  std::optional<std::string> read_input() override { return std::nullopt; }
  void take_signal() override {}
  void print(std::string_view line) override { last_line = line; }
  void fail(std::string_view sentence) override { last_line = sentence; }
  std::string start_trace(const std::string&) override { return {}; }
  bool stop_trace() override { return false; }
  std::string last_line;
};

/// A client of the tracker: one link, one session.
struct Client {
  Client(World& world, const TrackerAddresses& tracker, std::uint8_t key)
      : world_(world),
        tracker_(tracker),
        link(
            world.host.accept(world.host.link_to("127.0.0.1:5000"), "127.0.0.1:40000", id_of<LinkKey>(key))) {
    world_.inject(link, tracker_.front_desk.address, Hello{1, 1, id_of<ClientKey>(key), "test"});
    world_.expect<Welcome>(link);
  }
  TrackerAnswer ask(const ClientRequest& what) {
    ++request_.counter;
    request_.what = what;
    return repeat();
  }
  TrackerAnswer repeat() {
    world_.inject(link, tracker_.front_desk.address, request_);
    const auto answer = world_.find<Answer>(link);
    BOOST_REQUIRE(answer.has_value());
    BOOST_TEST(!answer->provisional);
    request_.floor = answer->at;
    if (const auto* logged_in = answer->what.get<LoggedIn>()) request_.token = logged_in->token;
    return answer->what;
  }
  template <class M>
  M get(const ClientRequest& what) {
    const TrackerAnswer answer = ask(what);
    const auto* refused = answer.get<Refused>();
    BOOST_REQUIRE_MESSAGE(answer.get<M>() != nullptr,
                          (refused != nullptr ? refused->sentence : "another answer"));
    return *answer.get<M>();
  }
  Code refusal(const ClientRequest& what) {
    const TrackerAnswer answer = ask(what);
    BOOST_REQUIRE(answer.get<Refused>() != nullptr);
    return answer.get<Refused>()->code;
  }
  void enter(const std::string& name) {
    get<Done>(CreateUser{{name}, "secret"});
    get<LoggedIn>(Login{{name}, "secret", "", 9000});
  }

 private:
  World& world_;
  TrackerAddresses tracker_;
  Request request_;

 public:
  Address link;
};

struct Fixture : World {
  NoDevice device;
  TrackerAddresses at{host.reserve<FrontDeskRole>(),  host.reserve<DirectoryRole>(),
                      host.reserve<ReplicatorRole>(), host.reserve<JournalRole>(),
                      host.reserve<ConsoleRole>(),    {host.reserve<PasswordHasherRole>()}};

  Fixture() {
    TrackerSettings settings{1, parse_tracker_info("127.0.0.1:5000").trackers, "/data", {}};
    settings.config.password = {1, 8};
    TrackerCast cast = make_tracker(settings, at, make_memory_store(id_of<StoreId>(1)), device);
    host.spawn_at(at.console.address, "console", std::move(cast.console));
    host.spawn_at(at.hashers[0].address, "hasher", std::move(cast.hashers[0]));
    host.spawn_at(at.journal.address, "journal", std::move(cast.journal));
    host.spawn_at(at.replicator.address, "replicator", std::move(cast.replicator));
    host.spawn_at(at.front_desk.address, "front_desk", std::move(cast.front_desk));
    host.spawn_at(at.directory.address, "directory", std::move(cast.directory));
  }
};

AddFile file_of(const std::string& name, std::uint8_t content) {
  AddFile add;
  add.group = {"lab"};
  add.metainfo.name = {name};
  add.metainfo.piece_length = 512_KiB;
  add.metainfo.size = {700'000};
  add.metainfo.sha1 = id_of<Sha1>(content);
  for (int i = 0; i < 2; ++i) {
    add.metainfo.piece_sha1.push_back(id_of<Sha1>(content));
    add.metainfo.piece_sha256.push_back(id_of<Sha256>(content));
  }
  return add;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(whole_tracker)

BOOST_FIXTURE_TEST_CASE(it_serves, Fixture) {
  BOOST_TEST(device.last_line == "tracker 1 serves on 127.0.0.1:5000 (data in /data)");
}

BOOST_FIXTURE_TEST_CASE(the_main_job_from_account_to_file, Fixture) {
  Client anna(*this, at, 1);
  Client bert(*this, at, 2);
  BOOST_TEST((anna.refusal(ListGroups{}) == Code::not_logged_in));
  BOOST_TEST((anna.refusal(Login{{"anna"}, "secret", "", 9000}) == Code::bad_credentials));
  anna.enter("anna");
  bert.enter("bert");
  anna.get<Done>(CreateGroup{{"lab"}});
  bert.get<Done>(JoinGroup{{"lab"}});
  BOOST_TEST((expect<Notice>(anna.link).kind == NoticeKind::join_requested));
  BOOST_TEST((anna.get<JoinRequests>(ListRequests{{"lab"}, ""}).users == std::vector<UserName>{{"bert"}}));
  anna.get<Done>(AcceptRequest{{"lab"}, {"bert"}});
  BOOST_TEST((expect<Notice>(bert.link).kind == NoticeKind::accepted));

  const AddFile add = file_of("song.flac", 7);
  const FileAdded added = anna.get<FileAdded>(add);
  BOOST_TEST(!added.existed);
  BOOST_TEST((bert.refusal(file_of("song.flac", 8)) == Code::file_conflict));
  const FileFound found = bert.get<FileFound>(FindFile{{"lab"}, {"song.flac"}});
  BOOST_TEST((found.metainfo == add.metainfo));
  BOOST_TEST((found.fid == added.fid));
  BOOST_REQUIRE(found.sharers.size() == 1);
  BOOST_TEST(found.sharers[0].host == "127.0.0.1");
  BOOST_TEST(found.sharers[0].port == 9000);
  BOOST_TEST(bert.get<FileAdded>(add).existed);
  BOOST_TEST(bert.get<Sharers>(FindSharers{added.gid, added.fid}).sharers.size() == 2);
  BOOST_TEST(host.faults().empty());
}

BOOST_FIXTURE_TEST_CASE(a_repeated_request_is_done_once, Fixture) {
  Client anna(*this, at, 1);
  anna.enter("anna");
  anna.get<Done>(CreateGroup{{"lab"}});
  BOOST_TEST(anna.repeat().get<Done>() != nullptr);
  BOOST_TEST((anna.refusal(CreateGroup{{"lab"}}) == Code::group_exists));
}

BOOST_FIXTURE_TEST_CASE(a_message_that_is_none_of_a_clients_is_kept_out, Fixture) {
  Client anna(*this, at, 1);
  inject(anna.link, at.front_desk.address, Settled{});
  BOOST_TEST(host.faults().size() == 1);
  inject(anna.link, at.front_desk.address, Hello{2, 1, {}, ""});
  BOOST_TEST(host.faults().size() == 2);
  anna.enter("anna");
}

BOOST_AUTO_TEST_SUITE_END()
