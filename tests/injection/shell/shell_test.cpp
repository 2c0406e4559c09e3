#include "shell/shell.hpp"

#include <boost/test/unit_test.hpp>

#include "shell/exit_status.hpp"
#include "tests/injection/shell/shell_fixture.hpp"

namespace tutti {
namespace {

using Kind = ShellWorld::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

DownloadRow running_row() {
  DownloadRow row;
  row.group = {"lab"};
  row.file = {"f"};
  row.phase = DownloadPhase::fetching;
  row.size = 100_bytes;
  row.verified = 50_bytes;
  return row;
}

BOOST_AUTO_TEST_SUITE(shell)

// --- the order of things ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_script_runs_one_command_after_the_other) {
  ShellWorld world;
  world.log_in();
  world.console.events = {LineTyped{"create_group a"}, LineTyped{"# comment"}, LineTyped{""},
                          LineTyped{"create_group b"}, InputEnded{}};
  world.host.input_ready(0);
  BOOST_TEST(world.expect_question<CreateGroup>().group.text == "a");
  world.host.expect_silence();
  world.answer(Done{});
  BOOST_TEST(world.expect_question<CreateGroup>().group.text == "b");
  BOOST_TEST(!world.has_ended());
  world.answer(Refused{Code::group_exists, "it exists"});
  BOOST_TEST(world.has_ended());
  BOOST_TEST(world.exit_status == 10);
}

BOOST_AUTO_TEST_CASE(the_first_failure_decides_the_exit_status) {
  ShellWorld world;
  for (const std::string line : {"whoami", "frobnicate", "help"}) world.type(line);
  BOOST_TEST(world.take_errors() ==
             "error: not_logged_in: you are not logged in; use: login <user_id>\n"
             "error: unknown_command: there is no command 'frobnicate'; help lists them all\n");
  world.type("quit");
  BOOST_TEST(world.has_ended());
  BOOST_TEST(world.exit_status == 4);
}

BOOST_AUTO_TEST_CASE(thousands_of_lines_do_not_grow_the_stack) {
  ShellWorld world(Kind::json);
  for (int i = 0; i < 20000; ++i) world.console.events.push_back(LineTyped{"whoami"});
  world.console.events.push_back(InputEnded{});
  world.host.input_ready(0);
  BOOST_TEST(world.has_ended());
}

BOOST_AUTO_TEST_CASE(checks_come_in_their_order) {
  ShellWorld world(Kind::json);
  const auto code_of = [&](const std::string& line) {
    world.type(line);
    const std::string output = world.take_output();
    const std::size_t begin = output.find("\"code\":\"") + 8;
    return output.substr(begin, output.find('"', begin) - begin);
  };
  // The words, then the login, then the names.
  BOOST_TEST(code_of("create_group") == "usage");
  BOOST_TEST(code_of("create_group a/b") == "not_logged_in");
  BOOST_TEST(code_of("upload_file /no/such lab") == "not_logged_in");
  BOOST_TEST(code_of("create_user a/b pw") == "invalid_name");
  world.log_in();
  BOOST_TEST(code_of("login") == "usage");
  BOOST_TEST(code_of("login a/b pw") == "already_logged_in");
  BOOST_TEST(code_of("create_group a/b") == "invalid_name");
  BOOST_TEST(code_of("download_file lab a/b /x") == "invalid_name");
  world.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(every_command_that_needs_a_login_says_so) {
  for (const Command& command : command_table()) {
    if (command.login != LoginRule::needed) continue;
    ShellWorld world;
    std::string line(command.name);
    for (const Argument& argument : command.arguments)
      if (!argument.optional)
        line += ' ' + (argument.kind == ArgumentKind::choice ? choices_of(argument).front() : "x");
    world.type(line);
    BOOST_TEST(world.take_errors().starts_with("error: not_logged_in:"), line);
    world.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(an_upload_asks_for_the_membership_before_it_complains_about_the_file) {
  ShellWorld world;
  world.log_in();
  world.type("upload_file missing lab");
  const auto question = world.expect_question<ListMembers>();
  BOOST_TEST(question.group.text == "lab");
  // The page behind all names: nothing but the right to see it.
  BOOST_TEST((question.after > std::string(64, 'z')));
  world.answer(Refused{Code::no_such_group, "no group lab"});
  BOOST_TEST(world.take_errors() == "error: no_such_group: no group lab\n");
  world.type("upload_file missing lab");
  world.expect_question<ListMembers>();
  world.answer(Members{});
  BOOST_TEST(world.take_errors() == "error: no_such_file: there is no such file\n");
  world.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_file_whose_name_is_not_allowed_is_refused_before_anything_is_asked) {
  ShellWorld world;
  world.log_in();
  world.files.kinds = {{"a\nb", LocalFiles::Kind::regular}};
  world.type("upload_file 'a\nb' lab");
  BOOST_TEST(world.take_errors().starts_with("error: invalid_name: 'a\\x0ab' cannot be shared"));
  world.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_refused_share_is_reported) {
  ShellWorld world;
  world.log_in();
  world.files.kinds = {{"f", LocalFiles::Kind::regular}};
  world.type("upload_file f lab");
  const auto share = world.host.expect<ShareFile>(world.librarian);
  world.host.inject(world.librarian.address, world.shell.address,
                    Told{share->command, Refused{Code::file_conflict, "other content"}, false, ""});
  BOOST_TEST(world.take_errors() == "error: file_conflict: other content\n");
}

BOOST_AUTO_TEST_CASE(listings_are_followed_to_their_end) {
  ShellWorld world;
  world.log_in();
  world.type("list_groups");
  BOOST_TEST(world.expect_question<ListGroups>().after == "");
  world.answer(Groups{{{{"a"}, {"x"}, 1, {}}, {{"b"}, {"x"}, 1, {}}}, true});
  BOOST_TEST(world.take_output() == "");
  BOOST_TEST(world.expect_question<ListGroups>().after == "b");
  world.answer(Groups{{{{"c"}, {"x"}, 1, {}}}, true});
  BOOST_TEST(world.expect_question<ListGroups>().after == "c");
  world.answer(Groups{});
  BOOST_TEST(world.take_output() == "a\nb\nc\n");
  world.type("list_files lab");
  world.expect_question<ListFiles>();
  world.answer(Files{{{{"f"}, {}, 1, 1, {}}}, true});
  const auto next = world.expect_question<ListFiles>();
  BOOST_TEST(next.group.text == "lab");
  BOOST_TEST(next.after == "f");
  world.answer(Refused{Code::not_a_member, "no more"});
  BOOST_TEST(world.take_output() == "");
  BOOST_TEST(world.take_errors() == "error: not_a_member: no more\n");
  world.type("list_requests lab");
  world.expect_question<ListRequests>();
  world.answer(JoinRequests{{{"u"}}, true});
  world.expect_question<ListRequests>();
  world.answer(JoinRequests{{{"v"}}, false});
  BOOST_TEST(world.take_output() == "u\nv\n");
  world.type("list_members lab");
  world.expect_question<ListMembers>();
  world.answer(Members{{{{"u"}, true, true}}, true});
  world.expect_question<ListMembers>();
  world.answer(Members{{{{"v"}, false, true}}, false});
  BOOST_TEST(world.take_output() == "u\nv\n");
}

BOOST_AUTO_TEST_CASE(an_empty_page_that_promises_more_ends_the_listing) {
  ShellWorld world;
  world.log_in();
  world.type("list_groups");
  world.expect_question<ListGroups>();
  world.answer(Groups{{}, true});
  world.host.expect_silence();
  world.type("whoami");
  world.host.expect<AskLink>(world.tracker_link);
}

BOOST_AUTO_TEST_CASE(late_and_foreign_answers_are_dropped) {
  ShellWorld world;
  world.log_in();
  world.type("create_group a");
  world.expect_question<CreateGroup>();
  world.host.inject(world.tracker_link.address, world.shell.address, Told{{999}, Done{}, false, ""});
  BOOST_TEST(world.take_output() == "");
  world.answer(Done{});
  BOOST_TEST(world.take_output() != "");
  world.answer(Done{});
  world.host.inject(world.scheduler.address, world.shell.address, Downloads{world.asked, {}});
  world.host.inject(world.tracker_link.address, world.shell.address,
                    LinkStatus{world.asked, "", {}, 0, "", ""});
  BOOST_TEST(world.take_output() == "");
}

/// A replay says what was recorded, to whichever command has the number now.
BOOST_AUTO_TEST_CASE(an_answer_to_another_kind_of_command_is_dropped) {
  ShellWorld world;
  world.log_in();
  const auto say_to = [&](CommandId command) {
    world.host.inject(world.tracker_link.address, world.shell.address,
                      LinkStatus{command, "bob", {}, 1, "127.0.0.1:5000", "127.0.0.1:6000"});
    world.host.inject(world.tracker_link.address, world.shell.address, PeersSurveyed{command, {}});
    world.host.inject(world.scheduler.address, world.shell.address, Downloads{command, {}});
  };
  world.type("wait");
  const auto waiting = world.host.expect<AwaitDownloads>(world.scheduler);
  say_to(waiting->command);
  BOOST_TEST(world.take_output() == "");
  world.host.expect_silence();
  world.host.inject(world.scheduler.address, world.shell.address, Told{waiting->command, Done{}, false, ""});
  BOOST_TEST(world.take_output() == "All downloads are complete.\n");
  world.type("list_peers lab f");
  world.expect_question<FindFile>();
  say_to(world.asked);
  BOOST_TEST(world.take_output() == "");
  world.host.expect_silence();
  // The trackers' part of `status`, before the client's own.
  world.answer(Refused{Code::not_a_member, "no"});
  world.type("status");
  const auto status = world.host.expect<AskLink>(world.tracker_link);
  world.host.inject(world.tracker_link.address, world.shell.address,
                    Told{status->command, TrackerStatus{}, false, ""});
  BOOST_TEST(world.take_errors().find("error: other: ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_answer_of_another_kind_is_refused) {
  ShellWorld world;
  world.log_in();
  world.type("list_groups");
  world.expect_question<ListGroups>();
  world.answer(Sharers{});
  BOOST_TEST(world.take_errors().starts_with("error: other: "));
}

// --- exporting -------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_export_learns_what_the_file_is_and_has_it_written) {
  ShellWorld world(ShellWorld::Kind::json);
  world.log_in();
  world.files.kinds["/out"] = LocalFiles::Kind::directory;
  struct Case {
    std::string line, path, conductor;
  };
  for (const Case& each : {Case{"export_orch lab a", "/here/a.orch", "localhost:9999"},
                           Case{"export_orch lab a 10.0.0.1:7", "/here/a.orch", "10.0.0.1:7"},
                           Case{"export_orch lab a h.example:7 /x/y", "/x/y", "h.example:7"},
                           Case{"export_orch lab a h:7 /out", "/out/a.orch", "h:7"}}) {
    world.type(each.line);
    const auto question = world.expect_question<FindFile>();
    BOOST_TEST((question.group.text == "lab" && question.file.text == "a"));
    FileFound found;
    found.gid.bytes.fill(3);
    found.metainfo.name = FileName{"a"};
    world.answer(found);
    const auto order = world.host.expect<ExportFile>(world.exporter);
    BOOST_TEST(order->path == each.path);
    BOOST_TEST(order->conductor == each.conductor);
    BOOST_TEST((order->gid == found.gid && order->metainfo == found.metainfo));
    world.host.inject(world.exporter.address, world.shell.address,
                      Told{order->command, Done{}, false, "not for originals"});
    BOOST_TEST(world.take_output() ==
               R"({"command":"export_orch","ok":true,"group":"lab","file":"a","path":")" + each.path +
                   R"(","conductor":")" + each.conductor + R"(","message":"not for originals"})" + "\n");
  }
}

BOOST_AUTO_TEST_CASE(an_export_that_is_refused_says_so_and_its_words_are_looked_at_first) {
  ShellWorld world;
  world.type("export_orch lab a nowhere");
  BOOST_TEST(world.take_errors().starts_with("error: usage: 'nowhere' names no conductor"));
  world.type("export_orch lab a");
  BOOST_TEST(world.take_errors().starts_with("error: not_logged_in: "));
  world.log_in();
  world.type("export_orch lab ~a");
  BOOST_TEST(world.take_errors().starts_with("error: invalid_name: "));
  world.type("export_orch lab a");
  world.expect_question<FindFile>();
  world.answer(Refused{Code::not_a_member, "no"});
  BOOST_TEST(world.take_errors() == "error: not_a_member: no\n");
  world.type("export_orch lab a");
  world.expect_question<FindFile>();
  world.answer(FileFound{});
  const auto order = world.host.expect<ExportFile>(world.exporter);
  world.host.inject(world.exporter.address, world.shell.address,
                    Told{order->command, Refused{Code::destination_exists, "there"}, false, {}});
  BOOST_TEST(world.take_errors() == "error: destination_exists: there\n");
  world.host.expect_silence();
}

// --- passwords -------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_script_without_a_password_fails) {
  ShellWorld world;
  world.type("login alice");
  BOOST_TEST(world.take_errors().starts_with("error: usage: no password"));
  world.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_password_from_outside_is_used_where_none_is_given) {
  ShellWorld world(Kind::script, "from a file");
  world.type("create_user alice");
  BOOST_TEST(world.expect_question<CreateUser>().password == "from a file");
  world.answer(Done{});
  world.type("login alice inline");
  BOOST_TEST(world.expect_question<Login>().password == "inline");
}

BOOST_AUTO_TEST_CASE(a_person_is_asked_for_it) {
  ShellWorld world(Kind::terminal);
  world.type("login alice");
  BOOST_TEST(world.console.secret_prompt == "password for alice: ");
  world.host.expect_silence();
  world.press(SecretTyped{"hidden"});
  BOOST_TEST(world.expect_question<Login>().password == "hidden");
  BOOST_TEST(world.console.remembered == std::vector<std::string>{"login alice"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_new_password_is_typed_twice) {
  ShellWorld world(Kind::terminal);
  world.type("create_user alice");
  BOOST_TEST(world.console.secret_prompt == "password for alice: ");
  world.press(SecretTyped{"hidden"});
  BOOST_TEST(world.console.secret_prompt == "again: ");
  world.host.expect_silence();
  world.press(SecretTyped{"hidden"});
  BOOST_TEST(world.expect_question<CreateUser>().password == "hidden");
}

BOOST_AUTO_TEST_CASE(two_new_passwords_that_differ_make_no_account) {
  ShellWorld world(Kind::terminal);
  for (const std::string second : {"hiddne", ""}) {
    world.type("create_user alice");
    world.press(SecretTyped{"hidden"});
    world.press(SecretTyped{second});
    BOOST_TEST(world.take_errors() == "error: usage: the two passwords differ\n");
    world.host.expect_silence();
  }
  // What was typed for one account is nothing to the next.
  world.type("create_user bob");
  world.press(SecretTyped{"hidden"});
  world.press(Interrupted{});
  world.type("create_user bob");
  world.press(SecretTyped{"other"});
  world.host.expect_silence();
  world.press(SecretTyped{"other"});
  BOOST_TEST(world.expect_question<CreateUser>().password == "other");
}

BOOST_AUTO_TEST_CASE(who_changes_a_password_is_asked_for_the_old_one_and_twice_for_the_new_one) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.type("passwd");
  BOOST_TEST(world.console.secret_prompt == "password for alice: ");
  world.press(SecretTyped{"old"});
  BOOST_TEST(world.console.secret_prompt == "new password for alice: ");
  world.press(SecretTyped{"new"});
  BOOST_TEST(world.console.secret_prompt == "again: ");
  world.host.expect_silence();
  world.press(SecretTyped{"new"});
  BOOST_TEST((world.expect_question<ChangePassword>() == ChangePassword{"old", "new"}));
  world.answer(Done{});
  // A slip changes nothing, and what was typed inline is not asked for.
  world.type("passwd old");
  BOOST_TEST(world.console.secret_prompt == "new password for alice: ");
  world.press(SecretTyped{"new"});
  world.press(SecretTyped{"enw"});
  BOOST_TEST(world.take_errors() == "error: usage: the two passwords differ\n");
  world.type("passwd old new");
  BOOST_TEST((world.expect_question<ChangePassword>() == ChangePassword{"old", "new"}));
  for (const std::string& line : world.console.remembered)
    BOOST_TEST((line == "passwd" || !line.starts_with("passwd")), line);
}

BOOST_AUTO_TEST_CASE(a_script_that_changes_a_password_needs_both) {
  ShellWorld world(Kind::script, "from a file");
  world.log_in();
  world.type("passwd");
  BOOST_TEST(world.take_errors().starts_with("error: usage: no new password"));
  world.type("passwd inline new");
  BOOST_TEST((world.expect_question<ChangePassword>() == ChangePassword{"inline", "new"}));
}

BOOST_AUTO_TEST_CASE(an_empty_or_abandoned_password_asks_nobody) {
  ShellWorld world(Kind::terminal);
  world.type("login alice");
  world.press(SecretTyped{""});
  BOOST_TEST(world.take_errors().starts_with("error: usage: "));
  world.type("login alice");
  world.send(Signal::interrupt);
  world.host.expect_silence();
  world.type("help");
  BOOST_TEST(world.take_output() != "");
}

BOOST_AUTO_TEST_CASE(an_inline_password_is_not_remembered) {
  ShellWorld world(Kind::terminal);
  world.type("login alice secret");
  world.expect_question<Login>();
  world.answer(Refused{Code::bad_credentials, "wrong"});
  world.type("lgoin alice secret");
  world.type("secret");
  for (const std::string& line : world.console.remembered)
    BOOST_TEST(line.find("secret") == std::string::npos, line);
}

// --- waiting ---------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(wait_runs_out) {
  ShellWorld world;
  world.log_in();
  world.type("wait 5");
  const auto question = world.host.expect<AwaitDownloads>(world.scheduler);
  world.host.advance(milliseconds(4999));
  world.host.expect_silence();
  world.host.advance(milliseconds(1));
  BOOST_TEST((world.host.expect<ForgetCommand>(world.scheduler)->command == question->command));
  BOOST_TEST(world.take_errors().starts_with("error: timeout: "));
  world.press(InputEnded{});
  BOOST_TEST(world.exit_status == 11);
}

BOOST_AUTO_TEST_CASE(the_limit_of_a_wait_that_ended_is_forgotten) {
  ShellWorld world;
  world.log_in();
  world.type("wait 5");
  const auto question = world.host.expect<AwaitDownloads>(world.scheduler);
  world.host.inject(world.scheduler.address, world.shell.address, Told{question->command, Done{}, false, ""});
  world.type("wait");
  world.host.expect<AwaitDownloads>(world.scheduler);
  world.host.advance(seconds(10));
  world.host.expect_silence();
  BOOST_TEST(world.take_errors() == "");
}

BOOST_AUTO_TEST_CASE(serve_ends_when_told_to_stop) {
  ShellWorld world;
  world.log_in();
  world.type("serve");
  world.host.advance(seconds(1000));
  BOOST_TEST(!world.has_ended());
  world.send(Signal::terminate);
  BOOST_TEST(world.has_ended());
  BOOST_TEST(world.exit_status == 0);
}

BOOST_AUTO_TEST_CASE(an_interrupted_script_says_so_in_its_status) {
  ShellWorld world(Kind::json);
  world.log_in();
  world.type("wait");
  const auto question = world.host.expect<AwaitDownloads>(world.scheduler);
  world.send(Signal::interrupt);
  BOOST_TEST((world.host.expect<ForgetCommand>(world.scheduler)->command == question->command));
  BOOST_TEST(world.take_output() == R"({"command":"wait","ok":false,"code":"unfinished",)"
                                    R"("message":"stopped waiting; the downloads go on at the next login"})"
                                    "\n");
  BOOST_TEST(world.has_ended());
  BOOST_TEST(world.exit_status == exit_interrupted);

  ShellWorld serving(Kind::json);
  serving.log_in();
  serving.type("serve");
  serving.send(Signal::interrupt);
  BOOST_TEST(serving.take_output() == "{\"command\":\"serve\",\"ok\":true}\n");
  BOOST_TEST(serving.exit_status == exit_interrupted);

  ShellWorld idle;
  idle.send(Signal::hang_up);
  BOOST_TEST(idle.exit_status == exit_interrupted);
}

// --- a person --------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_prompt_names_user_and_tracker) {
  ShellWorld world(Kind::terminal);
  BOOST_TEST(world.console.prompt_text == "tutti@(no tracker)> ");
  world.host.inject(world.tracker_link.address, world.shell.address, TrackerChanged{1, "127.0.0.1:5000", ""});
  BOOST_TEST(world.console.prompt_text == "tutti@t1> ");
  BOOST_TEST(world.take_output() == "");
  world.host.inject(world.tracker_link.address, world.shell.address, SessionChanged{{}, "alice"});
  BOOST_TEST(world.console.prompt_text == "alice@t1> ");
  world.host.inject(world.tracker_link.address, world.shell.address, TrackerChanged{2, "127.0.0.1:5010", ""});
  BOOST_TEST(world.console.prompt_text == "alice@t2> ");
  BOOST_TEST(world.take_output() == "Tracker 2 at 127.0.0.1:5010 answers now.\n");
  world.host.inject(world.tracker_link.address, world.shell.address, SessionChanged{{}, ""});
  BOOST_TEST(world.console.prompt_text == "tutti@t2> ");
}

BOOST_AUTO_TEST_CASE(a_client_without_a_tracker_says_that_it_waits) {
  ShellWorld world(Kind::terminal);
  world.host.inject(world.tracker_link.address, world.shell.address, TrackerChanged{0, "", ""});
  BOOST_TEST(world.take_output() == "No tracker answers; trying on.\n");
  world.host.inject(world.tracker_link.address, world.shell.address, TrackerChanged{1, "127.0.0.1:5000", ""});
  BOOST_TEST(world.take_output() == "Tracker 1 at 127.0.0.1:5000 answers now.\n");
}

BOOST_AUTO_TEST_CASE(a_persons_failures_do_not_fail_the_program) {
  ShellWorld world(Kind::terminal);
  world.type("whoami");
  world.type("quit");
  BOOST_TEST(world.exit_status == 0);
}

BOOST_AUTO_TEST_CASE(ctrl_c_abandons_what_runs_and_nothing_else) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.type("create_group lab");
  world.expect_question<CreateGroup>();
  world.send(Signal::interrupt);
  BOOST_TEST((world.host.expect<ForgetCommand>(world.tracker_link)->command == world.asked));
  world.host.discard();
  BOOST_TEST(world.take_errors().starts_with("error: unfinished: "));
  world.answer(Done{});
  BOOST_TEST(world.take_output() == "");
  world.type("create_group lab2");
  world.expect_question<CreateGroup>();
  BOOST_TEST(!world.has_ended());
}

BOOST_AUTO_TEST_CASE(ctrl_c_ends_a_wait_and_no_download) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.type("wait");
  world.press(Interrupted{});
  BOOST_TEST(world.take_errors() == "error: unfinished: stopped waiting; the downloads go on\n");
  BOOST_TEST(!world.has_ended());
}

BOOST_AUTO_TEST_CASE(ctrl_c_is_heard_in_its_place_among_the_keys) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.type("create_group lab");
  world.expect_question<CreateGroup>();
  // Typed while the command runs: the line waits, the interruption does not.
  world.press(Interrupted{});
  BOOST_TEST(world.take_errors().starts_with("error: unfinished: "));
  world.host.discard();
  world.console.events = {LineTyped{"create_group a"}, Interrupted{}, LineTyped{"create_group b"}};
  world.host.input_ready(0);
  BOOST_TEST(world.expect_question<CreateGroup>().group.text == "a");
  BOOST_TEST((world.host.expect<ForgetCommand>(world.tracker_link)->command == world.asked));
  BOOST_TEST(world.expect_question<CreateGroup>().group.text == "b");
}

BOOST_AUTO_TEST_CASE(ctrl_c_at_the_prompt) {
  ShellWorld world(Kind::terminal);
  world.console.has_half_typed_line = true;
  world.send(Signal::interrupt);
  BOOST_TEST(world.take_output() == "");
  world.send(Signal::interrupt);
  BOOST_TEST(world.take_output() == "Type quit or press Ctrl-D to leave.\n");
  BOOST_TEST(!world.has_ended());
}

BOOST_AUTO_TEST_CASE(ctrl_c_ends_serving_and_returns_to_the_prompt) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.type("serve");
  world.send(Signal::interrupt);
  BOOST_TEST(!world.has_ended());
  world.type("quit");
  BOOST_TEST(world.has_ended());
}

BOOST_AUTO_TEST_CASE(a_resized_window_is_drawn_again) {
  ShellWorld world(Kind::terminal);
  world.send(Signal::resize);
  world.send(Signal::resumed);
  BOOST_TEST(world.console.redraws == 2);
}

// --- progress --------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(progress_is_asked_for_while_something_runs) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{running_row()});
  const auto first = world.host.expect<ListDownloads>(world.scheduler);
  // Not a second time while the first question is open.
  world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{running_row()});
  world.host.expect_silence();
  world.host.inject(world.scheduler.address, world.shell.address, Downloads{first->command, {running_row()}});
  BOOST_TEST(world.console.progress_text == "f  50% of 100 B");
  world.host.advance(milliseconds(500));
  const auto again = world.host.expect<ListDownloads>(world.scheduler);
  world.host.inject(world.scheduler.address, world.shell.address, Downloads{again->command, {}});
  BOOST_TEST(world.console.progress_text == "");
  world.host.advance(seconds(10));
  world.host.expect_silence();
  BOOST_TEST(world.take_output() == "");
}

BOOST_AUTO_TEST_CASE(a_change_is_looked_at_at_once_and_once) {
  ShellWorld world(Kind::terminal);
  world.type("login alice pw");
  world.expect_question<Login>();
  world.answer(LoggedIn{{}, {"alice"}, {}, {}});
  world.settle_login({running_row()});
  BOOST_TEST(world.console.progress_text == "f  50% of 100 B");
  world.host.advance(milliseconds(100));
  world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{running_row()});
  const auto again = world.host.expect<ListDownloads>(world.scheduler);
  world.host.inject(world.scheduler.address, world.shell.address, Downloads{again->command, {running_row()}});
  // The look that was due at 500 ms has been made; the next one is due at 600 ms.
  world.host.advance(milliseconds(499));
  world.host.expect_silence();
  world.host.advance(milliseconds(1));
  world.host.expect<ListDownloads>(world.scheduler);
  world.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(a_logout_ends_the_progress_and_says_what_pauses) {
  for (const std::size_t running : {0U, 1U, 2U}) {
    ShellWorld world(Kind::terminal);
    world.log_in();
    world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{running_row()});
    const auto question = world.host.expect<ListDownloads>(world.scheduler);
    world.host.inject(world.scheduler.address, world.shell.address,
                      Downloads{question->command, std::vector<DownloadRow>(running, running_row())});
    BOOST_TEST(world.console.progress_text.empty() == (running == 0));
    world.type("logout");
    world.expect_question<Logout>();
    // The end of the session may be heard of first.
    if (running == 2) world.host.inject(world.tracker_link.address, world.shell.address, SessionChanged{});
    world.answer(Done{});
    const std::string said = world.take_output();
    BOOST_TEST(world.console.progress_text == "");
    const std::string more = running == 0   ? ""
                             : running == 1 ? "1 download pauses until the next login.\n"
                                            : "2 downloads pause until the next login.\n";
    BOOST_TEST(said == "You are logged out. Nothing is shared until you log in again.\n" + more);
    world.host.advance(seconds(10));
    world.host.expect_silence();
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_comes_after_the_logout_draws_no_progress) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{running_row()});
  const auto question = world.host.expect<ListDownloads>(world.scheduler);
  world.host.inject(world.tracker_link.address, world.shell.address, SessionChanged{});
  world.host.inject(world.scheduler.address, world.shell.address,
                    Downloads{question->command, {running_row()}});
  BOOST_TEST(world.console.progress_text == "");
  world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{running_row()});
  world.host.advance(seconds(10));
  world.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(progress_that_is_refused_can_be_asked_for_again) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{running_row()});
  const auto question = world.host.expect<ListDownloads>(world.scheduler);
  world.host.inject(world.scheduler.address, world.shell.address,
                    Told{question->command, Refused{Code::not_logged_in, "no session"}, false, ""});
  BOOST_TEST(world.take_errors() == "");
  world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{running_row()});
  world.host.expect<ListDownloads>(world.scheduler);
}

BOOST_AUTO_TEST_CASE(a_login_waits_until_the_scheduler_has_heard_of_it) {
  ShellWorld world;
  world.console.events = {LineTyped{"login alice pw"}, LineTyped{"wait"}};
  world.host.input_ready(0);
  world.expect_question<Login>();
  world.answer(LoggedIn{{}, {"alice"}, {}, {}});
  const auto question = world.host.expect<ListDownloads>(world.scheduler);
  const Told refused{question->command, Refused{Code::not_logged_in, "nobody"}, false, ""};
  world.host.inject(world.scheduler.address, world.shell.address, refused);
  BOOST_TEST(world.take_output() == "");
  world.host.expect_silence();
  world.host.advance(milliseconds(10));
  world.settle_login();
  BOOST_TEST(world.take_output() == "You are logged in as alice.\n");
  BOOST_TEST(world.take_errors() == "");
  world.host.expect<AwaitDownloads>(world.scheduler);
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_at_once_was_a_login_all_the_same) {
  ShellWorld world;
  world.type("login alice pw");
  world.expect_question<Login>();
  world.answer(LoggedIn{{}, {"alice"}, {}, {}});
  const auto question = world.host.expect<ListDownloads>(world.scheduler);
  world.host.inject(world.tracker_link.address, world.shell.address, SessionChanged{});
  world.host.inject(world.scheduler.address, world.shell.address,
                    Told{question->command, Refused{Code::not_logged_in, "nobody"}, false, ""});
  world.host.advance(milliseconds(10));
  BOOST_TEST(world.take_output() == "You are logged in as alice.\n");
  world.host.expect_silence();
}

BOOST_AUTO_TEST_CASE(scripts_are_not_told_about_progress) {
  ShellWorld world;
  world.log_in();
  world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{running_row()});
  world.host.expect_silence();
  BOOST_TEST(world.take_output() + world.take_errors() == "");
}

BOOST_AUTO_TEST_CASE(hashing_shows_how_far_it_is) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.files.kinds = {{"f", LocalFiles::Kind::regular}};
  world.type("upload_file f lab");
  const auto share = world.host.expect<ShareFile>(world.librarian);
  world.host.advance(seconds(1));
  world.host.discard();
  world.host.inject(world.librarian.address, world.shell.address,
                    HashProgress{share->command, 50_bytes, 200_bytes});
  BOOST_TEST(world.console.progress_text == "hashing  25% of 200 B");
  world.host.inject(world.librarian.address, world.shell.address,
                    HashProgress{share->command, 60_bytes, 200_bytes});
  BOOST_TEST(world.console.progress_text == "hashing  25% of 200 B");
  world.host.inject(world.librarian.address, world.shell.address,
                    Told{share->command, FileAdded{}, false, ""});
  BOOST_TEST(world.console.progress_text == "");
  BOOST_TEST(world.take_output() == "You share f in lab.\n");
}

// --- events ----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(events_in_each_form) {
  DownloadRow failed = running_row();
  failed.phase = DownloadPhase::failed;
  failed.code = Code::disk_full;
  failed.sentence = "the disk is full.";
  const ShareChanged share{{"lab"}, {"f"}, "/f", Code::no_such_file, "the file is gone."};
  const Notice notice{NoticeKind::join_requested, "lab", "bob", "bob asks to join lab."};
  const auto tell = [&](ShellWorld& world) {
    world.host.inject(world.scheduler.address, world.shell.address, DownloadChanged{failed});
    world.host.inject(world.librarian.address, world.shell.address, share);
    world.host.inject(world.tracker_link.address, world.shell.address, notice);
    world.host.inject(world.tracker_link.address, world.shell.address, TrackerChanged{0, "", "No tracker."});
  };
  ShellWorld script;
  tell(script);
  BOOST_TEST(script.take_output() == "");
  BOOST_TEST(script.take_errors() ==
             "note: The download of f in lab has failed: the disk is full.\n"
             "note: [lab] f: the file is gone.\n"
             "note: bob asks to join lab.\nnote: No tracker.\n");
  ShellWorld terminal(Kind::terminal);
  tell(terminal);
  BOOST_TEST(terminal.take_output() ==
             "The download of f in lab has failed: the disk is full.\n[lab] f: the file is gone.\n"
             "bob asks to join lab.\nNo tracker.\n");
  ShellWorld json(Kind::json);
  tell(json);
  json.host.inject(json.tracker_link.address, json.shell.address, SessionChanged{{}, "alice"});
  BOOST_TEST(json.take_errors() == "");
  BOOST_TEST(
      json.take_output() ==
      R"({"event":"download_changed","group":"lab","file":"f","path":"","phase":"failed","size":100,"verified":50,"percent":50,"bytes_per_second":0,"pieces":0,"pieces_verified":0,"peers":0,"priority":"normal","sequential":false,"code":"disk_full","message":"the disk is full."})"
      "\n"
      R"({"event":"share_changed","group":"lab","file":"f","path":"/f","code":"no_such_file","message":"the file is gone."})"
      "\n"
      R"({"event":"notice","kind":"join_requested","group":"lab","user":"bob","message":"bob asks to join lab."})"
      "\n"
      R"({"event":"tracker_changed","tracker":null,"endpoint":null,"message":"No tracker."})"
      "\n"
      R"({"event":"session_changed","user":"alice"})"
      "\n");
}

// --- Tab -------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(names_are_fetched_behind_the_tab) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.press(TabPressed{"join_group l"});
  BOOST_REQUIRE_EQUAL(world.console.completions.size(), 1U);
  BOOST_TEST(world.console.completions[0].candidates.empty());
  world.expect_question<ListGroups>();
  // The user has not typed on: what comes is used at once.
  world.console.still_at_tab = true;
  world.answer(Groups{{{{"lab"}, {"bob"}, 1, {}}}, false});
  BOOST_REQUIRE_EQUAL(world.console.completions.size(), 2U);
  BOOST_TEST(world.console.completions[1].common == "lab ");
  world.host.expect_silence();
  // The next Tab knows it, and asks again behind it; nothing new comes, so nothing happens.
  world.press(TabPressed{"join_group l"});
  BOOST_TEST(world.console.completions.back().common == "lab ");
  world.expect_question<ListGroups>();
  world.answer(Groups{{{{"lab"}, {"bob"}, 1, {}}}, false});
  BOOST_TEST(world.console.completions.size() == 3U);
}

BOOST_AUTO_TEST_CASE(names_of_downloads_are_asked_of_the_scheduler) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.press(TabPressed{"pause lab "});
  const auto question = world.host.expect<ListDownloads>(world.scheduler);
  world.console.still_at_tab = true;
  DownloadRow row;
  row.group.text = "lab";
  row.file.text = "film";
  world.host.inject(world.scheduler.address, world.shell.address, Downloads{question->command, {row}});
  BOOST_TEST(world.console.completions.back().common == "film ");
  // A refusal ends the question as well.
  world.press(TabPressed{"cancel lab "});
  const auto again = world.host.expect<ListDownloads>(world.scheduler);
  world.host.inject(world.scheduler.address, world.shell.address,
                    Told{again->command, Refused{Code::not_logged_in, "log in"}, false, ""});
  world.press(TabPressed{"cancel lab "});
  world.host.expect<ListDownloads>(world.scheduler);
}

BOOST_AUTO_TEST_CASE(a_late_answer_does_not_disturb_another_line) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.press(TabPressed{"stop_share lab "});
  BOOST_TEST(world.expect_question<ListFiles>().group.text == "lab");
  world.console.still_at_tab = false;
  world.answer(Files{{{{"f"}, {}, 1, 1, {}}}, false});
  BOOST_TEST(world.console.completions.size() == 1U);
}

BOOST_AUTO_TEST_CASE(tab_asks_nobody_before_the_login_and_nothing_twice) {
  ShellWorld world(Kind::terminal);
  world.press(TabPressed{"join_group l"});
  world.host.expect_silence();
  world.log_in();
  world.press(TabPressed{"join_group l"});
  world.expect_question<ListGroups>();
  world.press(TabPressed{"stop_share lab "});
  world.host.expect_silence();
  world.answer(Refused{Code::tracker_unreachable, "none"});
  world.press(TabPressed{"accept_request lab "});
  world.expect_question<ListRequests>();
}

BOOST_AUTO_TEST_CASE(listings_teach_the_tab) {
  ShellWorld world(Kind::terminal);
  world.log_in();
  world.type("list_groups");
  world.expect_question<ListGroups>();
  world.answer(Groups{{{{"lab"}, {"x"}, 1, {}}}, true});
  world.expect_question<ListGroups>();
  world.answer(Groups{{{{"zoo"}, {"x"}, 1, {}}}, false});
  world.press(TabPressed{"join_group z"});
  BOOST_TEST(world.console.completions.back().common == "zoo ");
  world.press(TabPressed{"join_group l"});
  BOOST_TEST(world.console.completions.back().common == "lab ");
}

// --- traces ----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(recording_is_switched_on_and_off) {
  ShellWorld world;
  world.type("trace stop");
  BOOST_TEST(world.take_errors() == "error: other: nothing is being recorded\n");
  world.type("trace start t");
  BOOST_TEST(world.trace.path == "/here/t");
  world.type("trace stop");
  BOOST_TEST(world.trace.path == "");
  world.trace.fault = "t cannot be written";
  world.type("trace start t");
  BOOST_TEST(world.take_errors() == "error: io_error: t cannot be written\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace tutti
