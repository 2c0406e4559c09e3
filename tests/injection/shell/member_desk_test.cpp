#include "shell/member_desk.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>
#include <string>

#include "actors/injection_host.hpp"

namespace {

using namespace tutti;
using namespace std::chrono_literals;

class FakeKeys final : public KeyConsole {
 public:
  bool drawn = false;
  std::string typed;
  std::string said;
  std::string complained;
  std::string shown;

  bool is_drawn() const override { return drawn; }
  bool hears_keys() const override { return drawn; }
  std::size_t columns() const override { return 100; }
  int descriptor() const override { return 0; }
  std::string read() override { return std::exchange(typed, {}); }
  void say(std::string_view line) override { said.append(line).append("\n"); }
  void complain(std::string_view line) override { complained.append(line).append("\n"); }
  void progress(const std::string& line) override { shown = line; }
};

class FakeSignals final : public Signals {
 public:
  std::deque<Signal> signals;
  int descriptor() const override { return 99; }
  std::optional<Signal> next() override {
    if (signals.empty()) return std::nullopt;
    const Signal signal = signals.front();
    signals.pop_front();
    return signal;
  }
};

struct Room {
  explicit Room(bool is_there = false, bool once = false, bool drawn = false) {
    keys.drawn = drawn;
    MemberPlace place;
    place.is_there = is_there;
    place.download.id = {1};
    place.download.path = "/folder/file";
    place.download.metainfo.name = FileName{"file"};
    place.download.group = GroupName{"orchestra"};
    MemberDeskOptions options;
    options.once = once;
    desk = host.spawn<ShellRole>(
        "desk",
        std::make_unique<MemberDesk>(options, place, MemberDesk::Others{librarian, scheduler, storage}, keys,
                                     signals, status));
    Uid uid;
    uid.bytes.fill(1);
    host.inject(scheduler.address, desk.address, SessionChanged{uid, "member"});
    host.expect<ListDownloads>(scheduler);
  }
  DownloadRow row(DownloadPhase phase, Code code = Code::other, std::string sentence = {}) {
    DownloadRow row;
    row.id = {1};
    row.phase = phase;
    row.pieces = 4;
    row.pieces_verified = 1;
    row.code = code;
    row.sentence = std::move(sentence);
    return row;
  }
  void changed(DownloadPhase phase, Code code = Code::other, const std::string& sentence = {}) {
    host.inject(scheduler.address, desk.address, DownloadChanged{row(phase, code, sentence)});
  }
  void listed(DownloadPhase phase) {
    host.inject(scheduler.address, desk.address, Downloads{{1}, {row(phase)}});
  }

  InjectionHost host;
  Ref<LibrarianRole> librarian = host.probe<LibrarianRole>();
  Ref<SchedulerRole> scheduler = host.probe<SchedulerRole>();
  Ref<StorageRole> storage = host.probe<StorageRole>();
  FakeKeys keys;
  FakeSignals signals;
  int status = -1;
  Ref<ShellRole> desk;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(member_desk)

BOOST_AUTO_TEST_CASE(a_download_that_is_complete_ends_it_if_that_is_all_it_is_for) {
  Room room(false, true);
  room.listed(DownloadPhase::finding);
  room.host.expect_silence();
  room.changed(DownloadPhase::complete);
  BOOST_TEST(room.keys.said == "complete: /folder/file\n");
  BOOST_TEST(room.status == 0);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_there_is_checked_before_it_is_a_share) {
  Room room(true);
  room.listed(DownloadPhase::complete);
  BOOST_TEST((room.host.expect<ControlDownloads>(room.scheduler)->order == DownloadOrder::recheck));
  room.host.expect<AwaitDownloads>(room.scheduler);
  // It is called complete before, while and after it is checked; only the outcome counts.
  room.listed(DownloadPhase::complete);
  room.changed(DownloadPhase::checking);
  room.changed(DownloadPhase::complete);
  room.host.expect_silence();
  BOOST_TEST(room.keys.said.empty());
  room.host.inject(room.scheduler.address, room.desk.address, Told{{3}, Done{}, false, {}});
  BOOST_TEST((room.host.expect<CheckFile>(room.storage)->path == "/folder/file"));
  room.host.inject(room.storage.address, room.desk.address,
                   FileChecked{1, FileIdentity{{4}, 1, 1, 1, 1}, Code::other, {}});
  BOOST_TEST((room.host.expect<AdoptShare>(room.librarian)->share.path == "/folder/file"));
  BOOST_TEST(room.keys.said == "complete: /folder/file\n");
  BOOST_TEST(room.status == -1);  // it goes on sharing
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_right_is_fetched) {
  Room room(true, true);
  room.listed(DownloadPhase::complete);
  room.host.discard();
  room.changed(DownloadPhase::checking);
  room.changed(DownloadPhase::fetching);
  room.host.inject(room.scheduler.address, room.desk.address, Told{{3}, Done{}, false, {}});
  room.host.expect_silence();
  room.changed(DownloadPhase::complete);
  room.host.expect_silence();
  BOOST_TEST(room.status == 0);
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_while_it_is_checked_is_an_end) {
  Room room(true);
  room.listed(DownloadPhase::complete);
  room.host.inject(room.scheduler.address, room.desk.address,
                   Told{{3}, Refused{Code::file_conflict, "it was changed"}, false, {}});
  BOOST_TEST(room.status == 10);
}

BOOST_AUTO_TEST_CASE(a_file_that_changes_while_it_is_shared_is_looked_at_again) {
  Room room;
  room.listed(DownloadPhase::complete);
  room.host.inject(room.librarian.address, room.desk.address,
                   ShareChanged{GroupName{"orchestra"}, FileName{"file"}, "/folder/file", Code::file_conflict,
                                "it has changed"});
  BOOST_TEST((room.host.expect<ControlDownloads>(room.scheduler)->order == DownloadOrder::recheck));
  room.host.expect<AwaitDownloads>(room.scheduler);
  // There is nothing that its user could share again.
  BOOST_TEST(room.keys.said.find("it is looked at again") != std::string::npos);
  room.changed(DownloadPhase::checking);
  room.changed(DownloadPhase::complete);
  room.host.inject(room.scheduler.address, room.desk.address, Told{{3}, Done{}, false, {}});
  room.host.expect<CheckFile>(room.storage);
  BOOST_TEST(room.status == -1);
}

BOOST_AUTO_TEST_CASE(what_waiting_does_not_heal_ends_it) {
  Room room;
  room.changed(DownloadPhase::failed, Code::disk_full, "there is no room");
  BOOST_TEST(room.keys.complained == "error: disk_full: there is no room\n");
  BOOST_TEST(room.status == 9);
}

BOOST_AUTO_TEST_CASE(q_ends_it_on_a_terminal_and_a_line_elsewhere) {
  Room terminal(false, false, true);
  terminal.keys.typed = "xq";
  terminal.host.input_ready(0);
  BOOST_TEST(terminal.status == 0);
  Room pipe;
  pipe.keys.typed = "quiz\nqu";
  pipe.host.input_ready(0);
  BOOST_TEST(pipe.status == -1);
  BOOST_TEST(pipe.keys.complained == "error: unknown_command: it shares by itself; q ends it\n");
  pipe.keys.typed = "it\n";
  pipe.host.input_ready(0);
  BOOST_TEST(pipe.status == 0);
}

BOOST_AUTO_TEST_CASE(a_signal_ends_it_and_another_size_does_not) {
  Room room;
  room.signals.signals = {Signal::resize};
  room.host.input_ready(99);
  BOOST_TEST(room.status == -1);
  room.signals.signals = {Signal::interrupt};
  room.host.input_ready(99);
  BOOST_TEST(room.status == 130);
}

BOOST_AUTO_TEST_CASE(the_bar_is_drawn_where_somebody_looks) {
  Room room(false, false, true);
  room.host.advance(250ms);
  room.host.expect<ListDownloads>(room.scheduler);
  room.listed(DownloadPhase::fetching);
  BOOST_TEST(room.keys.shown.find("25% (1 of 4 parts, 3 left)") != std::string::npos);
  Room pipe;
  pipe.changed(DownloadPhase::waiting, Code::no_peers, "nobody is there");
  pipe.changed(DownloadPhase::waiting, Code::no_peers, "nobody is there");
  BOOST_TEST(pipe.keys.said == "nobody is there\n");
}

BOOST_AUTO_TEST_SUITE_END()
