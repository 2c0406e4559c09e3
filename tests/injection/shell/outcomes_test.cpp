// Every command with every outcome, in plain and in JSON form.

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "shell/exit_status.hpp"
#include "tests/injection/shell/shell_fixture.hpp"

namespace tutti {
namespace {

using Json = nlohmann::json;

Sha1 some_sha1() {
  Sha1 digest;
  digest.bytes.fill(0xab);
  return digest;
}

DownloadRow row(const std::string& file, DownloadPhase phase) {
  DownloadRow download;
  download.id = {1};
  download.group = {"lab"};
  download.file = {file};
  download.path = "/here/" + file;
  download.phase = phase;
  download.size = 4_MiB;
  download.verified = phase == DownloadPhase::complete ? 4_MiB : 1_MiB;
  download.pieces = 8;
  download.pieces_verified = phase == DownloadPhase::complete ? 8 : 2;
  return download;
}

LinkStatus some_link(std::uint32_t tracker_number = 1) {
  return {{}, "alice", {}, tracker_number, tracker_number == 0 ? "" : "127.0.0.1:5000", "127.0.0.1:6000"};
}

std::string zeros() { return std::string(64, '0'); }

/// A command that can be typed, how it succeeds, and how that looks.
struct Case {
  std::string line;
  std::function<void(ShellWorld&)> succeed;  // plays the partners until the success
  std::string plain;
  std::string json;  // without command and ok
};

template <class Request>
std::function<void(ShellWorld&)> answered(TrackerAnswer what) {
  return [what](ShellWorld& world) {
    world.expect_question<Request>();
    world.answer(what);
  };
}

void share(ShellWorld& world) {
  const auto share = world.host.expect<ShareFile>(world.librarian);
  BOOST_TEST(share->path == "/here/f.txt");
  BOOST_TEST(share->group.text == "lab");
  world.host.inject(world.librarian.address, world.shell.address,
                    Told{share->command, FileAdded{{}, {}, true}, false, ""});
}

template <class M>
void done_by(ShellWorld& world, Address partner) {
  const auto message = world.host.expect<M>(partner);
  world.host.inject(partner, world.shell.address, Told{message->command, Done{}, false, ""});
}

void show_downloads(ShellWorld& world) {
  const auto question = world.host.expect<ListDownloads>(world.scheduler);
  world.host.inject(world.scheduler.address, world.shell.address,
                    Downloads{question->command,
                              {row("a.txt", DownloadPhase::fetching), row("b c", DownloadPhase::complete)}});
}

void show_link(ShellWorld& world) {
  const auto question = world.host.expect<AskLink>(world.tracker_link);
  LinkStatus status = some_link();
  status.command = question->command;
  world.host.inject(world.tracker_link.address, world.shell.address, status);
}

ClientKey bobs_key() {
  ClientKey key;
  key.bytes.fill(7);
  return key;
}

FileFound some_file() {
  FileFound found;
  found.fid.bytes.fill(3);
  found.metainfo.name = {"f.txt"};
  found.metainfo.size = 3_bytes;
  found.metainfo.piece_length = 512_KiB;
  found.metainfo.piece_sha1.push_back(some_sha1());
  found.metainfo.sha1 = some_sha1();
  found.sharers = {{{"bob"}, bobs_key(), "127.0.0.1", 6001}, {{"carol"}, {}, "::1", 6002}};
  return found;
}

/// Bob answers, Carol does not.
void survey_of(ShellWorld& world, const FileFound& file) {
  world.expect_question<FindFile>();
  world.answer(file);
  world.expect_question<AskTicket>();
  world.answer(TicketGiven{});
  const auto question = world.host.expect<AskLink>(world.tracker_link);
  LinkStatus status = some_link();
  status.command = question->command;
  world.host.inject(world.tracker_link.address, world.shell.address, status);
  const Address bob = world.host.link_to("127.0.0.1:6001");
  const auto say = [&](const auto& message) {
    for (const auto& link : world.host.links())
      if (link.address == bob) world.host.inject(bob, link.owner, message);
  };
  world.host.link_up(bob);
  world.host.expect<PeerHello>(bob);
  say(PeerWelcome{peer_peer_version, bobs_key()});
  world.host.expect<ShowTicket>(bob);
  world.host.expect<OpenFile>(bob);
  say(FileOpened{some_file().fid, {0x80}});
  world.host.expect<CloseFile>(bob);
  world.host.advance(std::chrono::seconds(1));
}
void survey(ShellWorld& world) { survey_of(world, some_file()); }
/// Two members got wrong pieces from bob.
void survey_of_reported(ShellWorld& world) {
  FileFound file = some_file();
  file.sharers.front().reports = 2;
  survey_of(world, file);
}

void show_limits(ShellWorld& world) {
  const auto question = world.host.expect<ListLimits>(world.storage);
  world.host.inject(
      world.storage.address, world.shell.address,
      Limits{question->command,
             {{LimitDirection::up, "", 0, 0, 2U << 20U}, {LimitDirection::down, "lab", 1320, 360, 1000}}});
}

void diagnose(ShellWorld& world) {
  const auto downloads = world.host.expect<DiagnoseDownloads>(world.scheduler);
  DownloadFacts facts;
  facts.row = row("f.txt", DownloadPhase::fetching);
  facts.without_source = {{17_piece, 19_piece}};
  facts.pieces_without_source = 3;
  facts.limit = 1024;
  SourceFacts source;
  source.user.text = "bob";
  source.endpoint = "1.2.3.4:5";
  source.state = SourceState::asked;
  source.silent = std::chrono::milliseconds(8200);
  source.asked = 1_MiB;
  source.way = BlockWay::sealed_unreachable;
  source.sealed_port = 6101;
  source.window = 4_MiB;
  facts.sources = {source};
  facts.writing = WritingFacts{std::chrono::microseconds(12'345), 40, 45};
  world.host.inject(world.scheduler.address, world.shell.address,
                    DownloadsDiagnosed{downloads->command, {facts}});
  const auto share = world.host.expect<DiagnoseShare>(world.uploader);
  LeecherFacts leecher;
  leecher.client = bobs_key();
  leecher.address = "1.2.3.4:99";
  ShareFacts served;
  served.pieces = 8;
  served.pieces_served = 2;
  leecher.admitted = true;
  leecher.sealed = true;
  served.leechers = {leecher};
  world.host.inject(world.uploader.address, world.shell.address, ShareDiagnosed{share->command, served});
  show_link(world);
  world.expect_question<FindFile>();
  FileFound found;
  found.sharers = {{{"bob"}, bobs_key(), "1.2.3.4", 5}};
  world.answer(found);
}

void control(ShellWorld& world) { done_by<ControlDownloads>(world, world.scheduler.address); }

const std::string limits_text = "up 2097152 (all)\ndown 1000 lab 22:00-06:00\n";
const std::string limits_json =
    R"("limits":[{"direction":"up","group":null,"bytes_per_second":2097152,"from":null,"until":null},{"direction":"down","group":"lab","bytes_per_second":1000,"from":"22:00","until":"06:00"}])";

std::vector<Case> cases() {
  const std::string link_json = fmt::format(
      R"("user":"alice","client":"{}","serving":"127.0.0.1:6000","tracker":{{"number":1,"endpoint":"127.0.0.1:5000"}})",
      zeros());
  const std::string sha1 = some_sha1().hex();
  return {
      {"create_user alice pw", answered<CreateUser>(Done{}),
       "The account alice is made. Log in with: login alice\n", R"("user":"alice")"},
      {"logout", answered<Logout>(Done{}), "You are logged out. Nothing is shared until you log in again.\n",
       ""},
      {"passwd old new", answered<ChangePassword>(Done{}),
       "Your password is changed, and you are logged out everywhere but here.\n", ""},
      {"create_group lab", answered<CreateGroup>(Done{}), "The group lab is made; you are its owner.\n",
       R"("group":"lab")"},
      {"join_group lab", answered<JoinGroup>(Done{}), "The owner of lab has been asked to let you in.\n",
       R"("group":"lab")"},
      {"leave_group lab", answered<LeaveGroup>(Done{}), "You have left lab.\n", R"("group":"lab")"},
      {"list_requests lab", answered<ListRequests>(JoinRequests{{{"bob"}, {"carol"}}, false}), "bob\ncarol\n",
       R"("group":"lab","requests":["bob","carol"])"},
      {"accept_request lab bob", answered<AcceptRequest>(Done{}), "bob is a member of lab now.\n",
       R"("group":"lab","user":"bob")"},
      {"reject_request lab bob", answered<RejectRequest>(Done{}),
       "The request of bob to join lab is turned down.\n", R"("group":"lab","user":"bob")"},
      {"remove_member lab bob", answered<RemoveMember>(Done{}), "bob is not a member of lab any more.\n",
       R"("group":"lab","user":"bob")"},
      {"transfer_group lab bob", answered<TransferGroup>(Done{}), "bob is the owner of lab now.\n",
       R"("group":"lab","user":"bob")"},
      {"list_groups",
       answered<ListGroups>(
           Groups{{{{"lab"}, {"alice"}, 2, Standing::owner}, {{"zoo"}, {"bob"}, 1, {}}}, false}),
       "lab\nzoo\n",
       R"("groups":[{"group":"lab","owner":"alice","members":2,"standing":"owner"},{"group":"zoo","owner":"bob","members":1,"standing":"none"}])"},
      {"list_members lab",
       answered<ListMembers>(Members{{{{"alice"}, true, true}, {{"bob"}, false, false}}, false}),
       "alice\nbob\n",
       R"("group":"lab","members":[{"user":"alice","owner":true,"online":true},{"user":"bob","owner":false,"online":false}])"},
      {"list_files lab", answered<ListFiles>(Files{{{{"a b.txt"}, 3_bytes, 2, 1, some_sha1()}}, false}),
       "a b.txt\n",
       fmt::format(
           R"("group":"lab","files":[{{"file":"a b.txt","size":3,"sharers":2,"sharers_online":1,"sha1":"{}","directory":false}}])",
           sha1)},
      {"list_peers lab f.txt", survey, "bob 127.0.0.1:6001 100%\ncarol [::1]:6002 unknown\n",
       fmt::format(
           R"("group":"lab","file":"f.txt","size":3,"sha1":"{}","pieces":1,"piece_length":524288,"peers":[{{"user":"bob","host":"127.0.0.1","port":6001,"pieces_verified":1,"percent":100,"reported_by":0}},{{"user":"carol","host":"::1","port":6002,"pieces_verified":null,"percent":null,"reported_by":0}}])",
           sha1)},
      {"list_peers lab f.txt", survey_of_reported,
       "bob 127.0.0.1:6001 100% reported by 2 members\ncarol [::1]:6002 unknown none reported\n",
       fmt::format(
           R"("group":"lab","file":"f.txt","size":3,"sha1":"{}","pieces":1,"piece_length":524288,"peers":[{{"user":"bob","host":"127.0.0.1","port":6001,"pieces_verified":1,"percent":100,"reported_by":2}},{{"user":"carol","host":"::1","port":6002,"pieces_verified":null,"percent":null,"reported_by":0}}])",
           sha1)},
      {"upload_file f.txt lab", share, "You share f.txt in lab, as others do.\n",
       R"("group":"lab","path":"/here/f.txt","file":"f.txt","existed":true)"},
      {"upload_file lab f.txt", share, "You share f.txt in lab, as others do.\n",
       R"("group":"lab","path":"/here/f.txt","file":"f.txt","existed":true)"},
      {"export_orch lab f.txt 10.0.0.1:9999 /x.orch",
       [](ShellWorld& world) {
         world.expect_question<FindFile>();
         world.answer(FileFound{});
         const auto order = world.host.expect<ExportFile>(world.exporter);
         world.host.inject(world.exporter.address, world.shell.address,
                           Told{order->command, Done{}, false, ""});
       },
       "f.txt can be shared in an Orchestra by /x.orch.\n",
       R"("group":"lab","file":"f.txt","path":"/x.orch","conductor":"10.0.0.1:9999")"},
      {"stop_share lab f.txt",
       [](ShellWorld& world) { done_by<UnshareFile>(world, world.librarian.address); },
       "You do not share f.txt in lab any more.\n", R"("group":"lab","file":"f.txt")"},
      {"download_file lab f.txt out",
       [](ShellWorld& world) { done_by<StartDownload>(world, world.scheduler.address); },
       "The download of f.txt runs.\n", R"("group":"lab","file":"f.txt","destination":"/here/out")"},
      {"show_downloads", show_downloads, "[D] [lab] a.txt\n[C] [lab] b c\n",
       R"("downloads":[{"group":"lab","file":"a.txt","path":"/here/a.txt","phase":"fetching","size":4194304,"verified":1048576,"percent":25,"bytes_per_second":0,"pieces":8,"pieces_verified":2,"peers":0,"priority":"normal","sequential":false},{"group":"lab","file":"b c","path":"/here/b c","phase":"complete","size":4194304,"verified":4194304,"percent":100,"bytes_per_second":0,"pieces":8,"pieces_verified":8,"peers":0,"priority":"normal","sequential":false}])"},
      {"Show_downloads", show_downloads, "[D] [lab] a.txt\n[C] [lab] b c\n",
       R"("downloads":[{"group":"lab","file":"a.txt","path":"/here/a.txt","phase":"fetching","size":4194304,"verified":1048576,"percent":25,"bytes_per_second":0,"pieces":8,"pieces_verified":2,"peers":0,"priority":"normal","sequential":false},{"group":"lab","file":"b c","path":"/here/b c","phase":"complete","size":4194304,"verified":4194304,"percent":100,"bytes_per_second":0,"pieces":8,"pieces_verified":8,"peers":0,"priority":"normal","sequential":false}])"},
      {"download_file lab f.txt out --sequential",
       [](ShellWorld& world) { done_by<StartDownload>(world, world.scheduler.address); },
       "The download of f.txt runs.\n", R"("group":"lab","file":"f.txt","destination":"/here/out")"},
      {"pause", control, "Paused.\n", ""},
      {"pause lab f.txt", control, "Paused.\n", R"("group":"lab","file":"f.txt")"},
      {"resume lab f.txt out", control, "Resumed.\n",
       R"("group":"lab","file":"f.txt","destination":"/here/out")"},
      {"cancel lab f.txt", control, "The download of f.txt is cancelled.\n",
       R"("group":"lab","file":"f.txt")"},
      {"recheck lab f.txt", control, "f.txt is hashed again: see show_downloads.\n",
       R"("group":"lab","file":"f.txt")"},
      {"set_priority lab f.txt high", control, "The priority of f.txt is high now.\n",
       R"("group":"lab","file":"f.txt")"},
      {"set_limit", show_limits, limits_text, limits_json},
      {"set_limit up 2M",
       [](ShellWorld& world) {
         done_by<SetLimit>(world, world.storage.address);
         show_limits(world);
       },
       limits_text, limits_json},
      {"set_limit down 1000 lab 22:00-06:00",
       [](ShellWorld& world) {
         world.expect_question<ListMembers>();
         world.answer(Members{});
         const auto set = world.host.expect<SetLimit>(world.storage);
         BOOST_CHECK((set->limit == RateLimit{LimitDirection::down, "lab", 1320, 360, 1000}));
         world.host.inject(world.storage.address, world.shell.address, Told{set->command, Done{}, false, ""});
         show_limits(world);
       },
       limits_text, R"("group":"lab",)" + limits_json},
      {"diagnose lab f.txt", diagnose,
       "/here/f.txt: 25% of 4 MiB are here and verified, nothing comes.\n"
       "There is no source for pieces 17 to 19.\nA limit of 1 KiB/s is set.\n"
       "Peer 1.2.3.4:5 (bob) sends nothing for 8 s, though it is asked for 1 MiB.\n"
       "Port 6101 of peer 1.2.3.4:5 (bob) cannot be reached from here, so blocks come over its first port, "
       "at about half "
       "of the pace: it has to be let in where the first one is.\n"
       "A block takes 12.3 ms from coming to being written; of the time 40 % go to hashing, 45 % to the "
       "disk: it waits for "
       "the disk.\n"
       "You share 2 of 8 pieces.\nPeer 1.2.3.4:99 (bob) has it open and asks for nothing.\n",
       R"("group":"lab","file":"f.txt","tracker_answers":true,"downloads":[{"group":"lab","file":"f.txt","path":"/here/f.txt","phase":"fetching","size":4194304,"verified":1048576,"percent":25,"bytes_per_second":0,"pieces":8,"pieces_verified":2,"peers":0,"priority":"normal","sequential":false,"limit":1024,"waits_for_limit":false,"before_it":null,"sharers_unknown":false,"pieces_without_source":3,"without_source":[[17,19]],"sources":[{"user":"bob","endpoint":"1.2.3.4:5","state":"asked","since_ms":0,"silent_ms":8200,"bytes_per_second":0,"asked":1048576,"unwritten":0,"way":"sealed_unreachable","sealed_port":6101,"window":4194304,"answers_in_us":0}],"writing":{"block_us":12345,"hashing_percent":40,"writing_percent":45}}],"share":{"pieces":8,"pieces_served":2,"limit":null,"waits_for_limit":false,"reads":0,"leechers":[{"user":"bob","client":")" +
           bobs_key().hex() +
           R"(","address":"1.2.3.4:99","admitted":true,"bytes_per_second":0,"requests":0,"untaken":0,"sealed":true}]},"sentences":["/here/f.txt: 25% of 4 MiB are here and verified, nothing comes.","There is no source for pieces 17 to 19.","A limit of 1 KiB/s is set.","Peer 1.2.3.4:5 (bob) sends nothing for 8 s, though it is asked for 1 MiB.","Port 6101 of peer 1.2.3.4:5 (bob) cannot be reached from here, so blocks come over its first port, at about half of the pace: it has to be let in where the first one is.","A block takes 12.3 ms from coming to being written; of the time 40 % go to hashing, 45 % to the disk: it waits for the disk.","You share 2 of 8 pieces.","Peer 1.2.3.4:99 (bob) has it open and asks for nothing."])"},
      {"wait", [](ShellWorld& world) { done_by<AwaitDownloads>(world, world.scheduler.address); },
       "All downloads are complete.\n", ""},
      {"wait 5", [](ShellWorld& world) { done_by<AwaitDownloads>(world, world.scheduler.address); },
       "All downloads are complete.\n", ""},
      {"whoami", show_link, "alice\n", link_json},
      {"status",
       [](ShellWorld& world) {
         show_link(world);
         world.expect_question<AskStatus>();
         world.answer(
             TrackerStatus{{{1, "127.0.0.1:5000", TrackerHealth::self, 0, {}},
                            {2, "127.0.0.1:5010", TrackerHealth::behind, 3, std::chrono::milliseconds(250)}},
                           4,
                           2,
                           1});
         world.expect_question<AskSessions>();
         world.answer(Sessions{{{{}, 1'700'000'000'000, "10.0.0.7", true}, {bobs_key(), 0, "", false}}});
       },
       "user: alice\nserving: 127.0.0.1:6000\nclient: " + zeros() +
           "\ntracker: 1 at 127.0.0.1:5000\n"
           "network: 4 users, 2 groups, 1 file\n" +
           fmt::format("session: 00000000 since {:%Y-%m-%d %H:%M}, at 10.0.0.7, this one\n"
                       "session: {} since {:%Y-%m-%d %H:%M}, not online\n",
                       fmt::localtime(std::time_t{1'700'000'000}), bobs_key().hex().substr(0, 8),
                       fmt::localtime(std::time_t{0})) +
           "1 127.0.0.1:5000 answers us\n2 127.0.0.1:5010 3 operations behind\n",
       link_json +
           R"(,"trackers":[{"number":1,"endpoint":"127.0.0.1:5000","health":"self","operations_behind":0,"last_heard_ms":0},{"number":2,"endpoint":"127.0.0.1:5010","health":"behind","operations_behind":3,"last_heard_ms":250}],"users":4,"groups":2,"files":1,"sessions":[{"client":")" +
           zeros() + R"(","since":1700000000,"host":"10.0.0.7","this":true},{"client":")" + bobs_key().hex() +
           R"(","since":0,"host":null,"this":false}])"},
      {"trace start t", [](ShellWorld&) {}, "Recording of messages: start.\n", R"("path":"/here/t")"},
      {"serve", [](ShellWorld& world) { world.send(Signal::terminate); }, "Stopped serving.\n", ""},
      {"quit", [](ShellWorld&) {}, "", ""},
      {"exit", [](ShellWorld&) {}, "", ""},
  };
}

std::string word_of(const std::string& line) { return line.substr(0, line.find(' ')); }

std::string ok_line(const Case& each) {
  return fmt::format(R"({{"command":"{}","ok":true{}{}}})", word_of(each.line), each.json.empty() ? "" : ",",
                     each.json) +
         '\n';
}

std::unique_ptr<ShellWorld> world_for(const std::string& line, ShellWorld::Kind kind) {
  auto world = std::make_unique<ShellWorld>(kind);
  world->files.kinds = {{"f.txt", LocalFiles::Kind::regular}};
  const bool needs_login = find_command(word_of(line))->login == LoginRule::needed;
  if (needs_login || word_of(line) == "status") world->log_in();
  return world;
}

/// Lets the partner that the command has spoken to last refuse it; false if it asks nobody.
bool refuse(ShellWorld& world, Code code) {
  const Refused refused{code, "because of a \"reason\""};
  if (const auto ask = world.host.find<Ask>(world.tracker_link.address)) {
    world.host.inject(world.tracker_link.address, world.shell.address,
                      Told{ask->message.command, refused, false, ""});
    return true;
  }
  for (const Envelope& envelope : world.host.outbox()) {
    if (envelope.id == AskLink::message_id || envelope.id == ListDownloads::message_id ||
        envelope.id == DiagnoseDownloads::message_id)
      return false;
    BOOST_REQUIRE((envelope.to == world.librarian.address || envelope.to == world.scheduler.address ||
                   envelope.to == world.storage.address));
  }
  CommandId command;
  if (const auto m = world.host.find<ShareFile>(world.librarian.address)) command = m->message.command;
  if (const auto m = world.host.find<UnshareFile>(world.librarian.address)) command = m->message.command;
  if (const auto m = world.host.find<StartDownload>(world.scheduler.address)) command = m->message.command;
  if (const auto m = world.host.find<AwaitDownloads>(world.scheduler.address)) command = m->message.command;
  if (const auto m = world.host.find<ControlDownloads>(world.scheduler.address)) command = m->message.command;
  if (const auto m = world.host.find<SetLimit>(world.storage.address)) command = m->message.command;
  if (const auto m = world.host.find<ListLimits>(world.storage.address)) command = m->message.command;
  if (command.value == 0) return false;
  world.host.inject(world.scheduler.address, world.shell.address, Told{command, refused, false, ""});
  return true;
}

BOOST_AUTO_TEST_SUITE(outcomes)

BOOST_AUTO_TEST_CASE(every_command_has_a_case) {
  std::set<std::string> tried{"login",
                              "help"};  // below: one needs that nobody is logged in, the other is long
  for (const Case& each : cases()) tried.insert(word_of(each.line));
  for (const std::string& word : command_words()) BOOST_TEST(tried.contains(word), word);
}

BOOST_AUTO_TEST_CASE(successes_in_plain_form) {
  for (const Case& each : cases()) {
    BOOST_TEST_CONTEXT(each.line) {
      const auto world = world_for(each.line, ShellWorld::Kind::script);
      world->type(each.line);
      each.succeed(*world);
      BOOST_TEST(world->take_output() == each.plain);
      BOOST_TEST(world->take_errors() == "");
      if (!world->has_ended()) world->press(InputEnded{});
      BOOST_TEST(world->has_ended());
      BOOST_TEST(world->exit_status == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(successes_in_json_form) {
  for (const Case& each : cases()) {
    BOOST_TEST_CONTEXT(each.line) {
      const auto world = world_for(each.line, ShellWorld::Kind::json);
      world->type(each.line);
      each.succeed(*world);
      std::string output = world->take_output();
      // Logging out is an event as well, when the tracker link says so; here it has not.
      BOOST_TEST(output == ok_line(each));
      BOOST_TEST(Json::parse(output).is_object());
      BOOST_TEST(world->take_errors() == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(every_refusal_of_every_command) {
  for (const Case& each : cases()) {
    for (std::size_t number = 0; number < code_names.size(); ++number) {
      const auto code = static_cast<Code>(number);
      BOOST_TEST_CONTEXT(each.line << " " << name_of(code)) {
        const auto plain_world = world_for(each.line, ShellWorld::Kind::script);
        plain_world->type(each.line);
        if (word_of(each.line) == "status" || !refuse(*plain_world, code)) continue;
        BOOST_TEST(plain_world->take_output() == "");
        BOOST_TEST(plain_world->take_errors() ==
                   fmt::format("error: {}: because of a \"reason\"\n", name_of(code)));
        plain_world->press(InputEnded{});
        BOOST_TEST(plain_world->exit_status == exit_status_of(code));

        const auto json_world = world_for(each.line, ShellWorld::Kind::json);
        json_world->type(each.line);
        BOOST_REQUIRE(refuse(*json_world, code));
        BOOST_TEST(
            json_world->take_output() ==
            fmt::format(R"({{"command":"{}","ok":false,"code":"{}","message":"because of a \"reason\""}})",
                        word_of(each.line), name_of(code)) +
                '\n');
        BOOST_TEST(json_world->take_errors() == "");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(exit_statuses_are_those_that_scripts_rely_on) {
  const std::map<int, std::vector<std::string>> classes{
      {2, {"usage", "unknown_command", "invalid_name"}},
      {4, {"not_logged_in", "already_logged_in", "bad_credentials"}},
      {3, {"no_such_group", "no_such_user", "no_such_request", "no_such_file"}},
      {5, {"not_a_member", "not_the_owner"}},
      {10,
       {"user_exists", "group_exists", "already_a_member", "request_pending", "destination_exists",
        "file_conflict"}},
      {1, {"not_sharing", "other"}},
      {6, {"tracker_unreachable"}},
      {7, {"no_peers", "unfinished"}},
      {8, {"integrity"}},
      {9, {"disk_full", "io_error"}},
      {11, {"timeout"}}};
  std::size_t count = 0;
  for (const auto& [status, names] : classes) {
    for (const std::string& name : names) {
      const auto at = std::find(code_names.begin(), code_names.end(), name);
      BOOST_REQUIRE((at != code_names.end()));
      BOOST_TEST(exit_status_of(static_cast<Code>(at - code_names.begin())) == status, name);
      ++count;
    }
  }
  BOOST_TEST(count == code_names.size());
}

BOOST_AUTO_TEST_CASE(logging_in) {
  ShellWorld world;
  world.type("login alice pw");
  BOOST_TEST((world.expect_question<Login>() == Login{{"alice"}, "pw", "", 0}));
  world.answer(LoggedIn{{}, {"alice"}, {}, {"Your group a is called a2 now."}});
  BOOST_TEST(world.take_output() == "");
  world.settle_login();
  BOOST_TEST(world.take_output() == "You are logged in as alice.\nYour group a is called a2 now.\n");
  ShellWorld json(ShellWorld::Kind::json);
  json.type("login alice pw");
  json.expect_question<Login>();
  json.answer(LoggedIn{{}, {"alice"}, {}, {}});
  json.settle_login();
  BOOST_TEST(json.take_output() == R"({"command":"login","ok":true,"user":"alice","messages":[]})"
                                   "\n");
}

BOOST_AUTO_TEST_CASE(provisional_successes_say_so) {
  ShellWorld world;
  world.log_in();
  world.type("create_group lab");
  world.expect_question<CreateGroup>();
  world.answer(Done{}, true, "tracker 2 is unreachable");
  BOOST_TEST(world.take_output() == "The group lab is made; you are its owner.\n");
  BOOST_TEST(world.take_errors() == "note: tracker 2 is unreachable\n");
  ShellWorld json(ShellWorld::Kind::json);
  json.log_in();
  json.type("create_group lab");
  json.expect_question<CreateGroup>();
  json.answer(Done{}, true, "tracker 2 is unreachable");
  BOOST_TEST(
      json.take_output() ==
      R"({"command":"create_group","ok":true,"group":"lab","provisional":true,"message":"tracker 2 is unreachable"})"
      "\n");
}

BOOST_AUTO_TEST_CASE(help_names_every_command) {
  ShellWorld world;
  world.type("help");
  const std::string text = world.take_output();
  for (const Command& command : command_table())
    BOOST_TEST(text.find(usage_of(command)) != std::string::npos, command.name);
  world.type("help login");
  BOOST_TEST(world.take_output().starts_with("login <user_id> [<passwd>]\nLog in; "));
  ShellWorld json(ShellWorld::Kind::json);
  json.type("help");
  BOOST_TEST(Json::parse(json.take_output())["commands"].size() == command_table().size());
  json.type("help quit");
  BOOST_TEST(Json::parse(json.take_output())["commands"][0]["name"] == "quit");
}

BOOST_AUTO_TEST_CASE(help_fits_the_screen) {
  for (const std::size_t columns : {60U, 80U, 100U}) {
    ShellWorld world(ShellWorld::Kind::terminal);
    world.console.width = columns;
    for (const std::string line : {"help", "help show_downloads", "help status"}) world.type(line);
    std::istringstream text(world.take_output());
    std::size_t lines = 0;
    for (std::string each; std::getline(text, each); ++lines) BOOST_TEST(each.size() <= columns, each);
    BOOST_TEST(lines > command_table().size());
  }
}

BOOST_AUTO_TEST_CASE(status_without_a_tracker_is_no_failure) {
  ShellWorld world(ShellWorld::Kind::json);
  world.type("status");
  const auto question = world.host.expect<AskLink>(world.tracker_link);
  world.host.inject(world.tracker_link.address, world.shell.address,
                    LinkStatus{question->command, "", {}, 0, "", "1.2.3.4:5"});
  const Json status = Json::parse(world.take_output());
  BOOST_TEST(status["ok"] == true);
  BOOST_TEST(status["tracker"].is_null());
  BOOST_TEST(status["user"].is_null());
  // The tracker goes away between the two questions.
  world.type("status");
  show_link(world);
  world.expect_question<AskStatus>();
  world.answer(Refused{Code::tracker_unreachable, "none answers"});
  BOOST_TEST(Json::parse(world.take_output())["ok"] == true);
}

BOOST_AUTO_TEST_CASE(terminals_see_more) {
  const Style style{.terminal = true, .color = false};
  DownloadRow download = row("a.txt", DownloadPhase::fetching);
  download.bytes_per_second = 1U << 20U;
  download.peers = 2;
  BOOST_TEST(download_line(download, style) == "[D] [lab] a.txt    25% of 4 MiB  1 MiB/s  4 s left  2 peers");
  BOOST_TEST(download_line(row("a", DownloadPhase::complete), style) == "[C] [lab] a   4 MiB");
  download = row("a", DownloadPhase::failed);
  download.sentence = "the disk is \x1b[31mfull";
  BOOST_TEST(download_line(download, style) ==
             "[D] [lab] a    25% of 4 MiB  failed: the disk is \\x1b[31mfull");
  BOOST_TEST(download_line(row("a", DownloadPhase::complete), {true, true})
                 .starts_with("\x1b[32m[C]\x1b[0m [lab] a"));
  BOOST_TEST(progress_line({row("a", DownloadPhase::complete)}) == "");
  BOOST_TEST(progress_line({row("a", DownloadPhase::waiting)}) == "a  25% of 4 MiB  waiting");
  BOOST_TEST(progress_line({row("a", DownloadPhase::fetching), row("b", DownloadPhase::checking)}) ==
             "2 downloads  25% of 8 MiB");
}

BOOST_AUTO_TEST_CASE(the_long_table) {
  ShellWorld world;
  world.log_in();
  world.type("show_downloads -l");
  show_downloads(world);
  const std::string text = world.take_output();
  BOOST_TEST(text.find("[D]  lab    a.txt  fetching  25%   4 MiB  0 B/s  2/8     0      /here/a.txt") !=
                 std::string::npos,
             text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
