// One command of the shell, from its words to its outcome.

#include <fmt/format.h>

#include <algorithm>

#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "peer/peer_survey.hpp"
#include "shell/shell.hpp"

namespace tutti {

namespace {

/// Sorts behind every account name, so the page after it is empty: a listing from here asks for nothing but the
/// right to see it.
constexpr std::string_view after_all_names = "~";

/// A limit shorter than an answer inside the process takes would say `timeout` though nothing runs.
constexpr std::chrono::milliseconds shortest_limit{100};
/// Hashing says how far it is more often than eyes can follow.
constexpr std::chrono::milliseconds progress_pause{100};

/// Between two questions whether the scheduler has heard of a session.
constexpr std::chrono::milliseconds settling_pause{10};

std::string base_name(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Shell::Running* Shell::running(CommandId id) {
  auto* running = std::get_if<Running>(&state_);
  return running != nullptr && running->id == id ? running : nullptr;
}

std::optional<Refused> Shell::check(Invocation& invocation) const {
  const Command& command = *invocation.command;
  if (command.login == LoginRule::needed && user_.empty())
    return Refused{Code::not_logged_in, "you are not logged in; use: login <user_id>"};
  if (command.login == LoginRule::forbidden && !user_.empty())
    return Refused{Code::already_logged_in, fmt::format("you are logged in as {}; use logout first", user_)};
  if (command.arrange != nullptr) command.arrange(invocation, tools_.files);
  if (const auto fault = name_fault(invocation)) return fault;
  while (const Argument* missing = missing_password(invocation)) {
    const bool is_new = missing->kind == ArgumentKind::new_password;
    const std::optional<std::string>& known = is_new ? options_.new_password : options_.password;
    if (!known && tools_.console.is_interactive()) break;
    if (!known)
      return Refused{
          Code::usage,
          fmt::format("no {}: give it as an argument, {} --password-file or in {}; expected: {}",
                      is_new ? "new password" : "password", is_new ? "as the second line of" : "with",
                      is_new ? "TUTTI_NEW_PASSWORD" : "TUTTI_PASSWORD", usage_of(command))};
    invocation.arguments.push_back(*known);
  }
  return std::nullopt;
}

/// Asks for the password that is missing, and then for the next one, before the command runs.
void Shell::ask_secret_or_run(Invocation invocation, Context& context) {
  const Argument* missing = missing_password(invocation);
  if (missing == nullptr) return run(std::move(invocation), context);
  const std::string& whose = invocation.has(0) && invocation.command->arguments[0].kind == ArgumentKind::user
                                 ? invocation.argument(0)
                                 : user_;
  const bool is_new = missing->kind == ArgumentKind::new_password;
  tools_.console.ask_secret(fmt::format("{}password for {}: ", is_new ? "new " : "", whose));
  state_ = AwaitingSecret{.invocation = std::move(invocation)};
}

void Shell::run(Invocation invocation, Context& context) {
  Errand errand = invocation.command->errand(invocation, tools_.files);
  state_ = Running{.id = {++last_command_}, .outcome = {std::move(invocation), Done{}}, .errand = errand};
  std::visit([&](const auto& each) { begin(each, context); }, errand);
}

void Shell::begin(const Refused& refused, Context& context) { finish(refused, context); }

void Shell::begin(const AskTrackers& errand, Context& context) {
  // The end of the session may be heard of before the answer.
  if (errand.request.get<Logout>() != nullptr) std::get<Running>(state_).pausing = downloads_running_;
  ask(errand.request, context);
}

void Shell::begin(const ShareLocalFile& errand, Context& context) {
  auto& running = std::get<Running>(state_);
  running.found = tools_.files.file_to_share(errand.typed_path);
  if (running.found.refused) {
    ask(ListMembers{errand.group, std::string(after_all_names)}, context);
    return;
  }
  const std::string name = base_name(running.found.path);
  if (const auto fault = file_name_fault(name); !fault.empty()) {
    finish(Refused{Code::invalid_name, fmt::format("'{}' cannot be shared under its name: {}", name, fault)},
           context);
    return;
  }
  running.outcome.further = {{"path", running.found.path}, {"file", name}};
  context.send(partners_.librarian, ShareFile{running.id, running.found.path, errand.group});
}

void Shell::begin(const StopSharing& errand, Context& context) {
  context.send(partners_.librarian, UnshareFile{std::get<Running>(state_).id, errand.group, errand.file});
}

void Shell::begin(const Fetch& errand, Context& context) {
  auto& running = std::get<Running>(state_);
  running.outcome.further = {{"destination", errand.destination}};
  context.send(partners_.scheduler, StartDownload{running.id, errand.group, errand.file, errand.destination,
                                                  errand.sequential, errand.only});
}

void Shell::begin(const Export& errand, Context& context) {
  std::get<Running>(state_).outcome.further = {{"path", errand.path}, {"conductor", errand.conductor}};
  ask(FindFile{errand.group, errand.file}, context);
}

void Shell::begin(const SurveySharers& errand, Context& context) {
  ask(FindFile{errand.group, errand.file}, context);
}

void Shell::begin(const ShowDownloads&, Context& context) {
  context.send(partners_.scheduler, ListDownloads{std::get<Running>(state_).id});
}

void Shell::begin(const Control& errand, Context& context) {
  auto& running = std::get<Running>(state_);
  if (errand.which && !errand.which->destination.empty())
    running.outcome.further = {{"destination", errand.which->destination}};
  context.send(partners_.scheduler,
               ControlDownloads{running.id, errand.order, errand.which, errand.priority});
}

void Shell::begin(const Diagnose& errand, Context& context) {
  auto& running = std::get<Running>(state_);
  running.outcome.result = DiagnosisReport{};
  context.send(partners_.scheduler, DiagnoseDownloads{running.id, errand.group, errand.file});
}

void Shell::begin(const ChangeLimits& errand, Context& context) {
  const CommandId id = std::get<Running>(state_).id;
  if (!errand.limit) {
    context.send(partners_.storage, ListLimits{id});
  } else if (!errand.limit->group.empty() && errand.limit->bytes_per_second > 0) {
    // A limit of a group that was mistyped would silently be none.
    ask(ListMembers{GroupName{errand.limit->group}, std::string(after_all_names)}, context);
  } else {
    context.send(partners_.storage, SetLimit{id, *errand.limit});
  }
}

void Shell::begin(const Wait& errand, Context& context) {
  auto& running = std::get<Running>(state_);
  context.send(partners_.scheduler, AwaitDownloads{running.id});
  if (errand.limit)
    running.limit = context.after(std::max(*errand.limit, shortest_limit), WaitExpired{running.id});
  poll_progress(context);
}

void Shell::begin(const Serve&, Context&) { speaker_.hint("Serving; press Ctrl-C to stop."); }

void Shell::begin(const ShowLink&, Context& context) {
  context.send(partners_.tracker_link, AskLink{std::get<Running>(state_).id});
}

void Shell::begin(const ShowHelp& errand, Context& context) { finish(HelpPage{errand.about}, context); }

void Shell::begin(const SwitchTrace& errand, Context& context) {
  if (errand.path.empty()) {
    tools_.trace.stop() ? finish(Done{}, context)
                        : finish(Refused{Code::other, "nothing is being recorded"}, context);
    return;
  }
  if (const std::string fault = tools_.trace.start(errand.path); !fault.empty()) {
    finish(Refused{Code::io_error, fault}, context);
    return;
  }
  std::get<Running>(state_).outcome.further = {{"path", errand.path}};
  finish(Done{}, context);
}

void Shell::begin(const Quit&, Context& context) {
  report(std::get<Running>(state_).outcome);
  end(tools_.console.is_interactive() ? 0 : speaker_.exit_status(), context);
}

void Shell::ask(ClientRequest request, Context& context) {
  auto& running = std::get<Running>(state_);
  running.asked = std::move(request);
  context.send(partners_.tracker_link, Ask{running.id, *running.asked});
}

void Shell::on(const Told& told, Context& context) {
  if (told.command == progress_question_) {
    progress_question_ = {};  // there is no session any more
  } else if (told.command == downloads_question_) {
    downloads_question_ = {};
  } else if (name_question_ && name_question_->first == told.command) {
    names_arrived(told, context);
  } else if (running(told.command) != nullptr) {
    answered(told, context);
  }
}

void Shell::answered(const Told& told, Context& context) {
  auto& running = std::get<Running>(state_);
  if (std::holds_alternative<LoggedIn>(running.outcome.result)) {
    // The scheduler has not heard of the session yet: what was sent to it before may come after.
    context.after(settling_pause, SessionSettling{running.id});
    return;
  }
  if (const auto* change = std::get_if<ChangeLimits>(&running.errand))
    return limit_answered(*change, told, context);
  if (std::holds_alternative<Diagnose>(running.errand)) return diagnosed(&told, context);
  Result result = result_of(told.what);
  running.outcome.provisional = told.provisional;
  running.outcome.sentence = told.sentence;

  if (auto* report = std::get_if<LinkReport>(&running.outcome.result)) {
    // A tracker that went away meanwhile is no failure of `status`: it is what there is to say.
    if (const auto* sessions = told.what.get<Sessions>()) report->sessions = sessions->sessions;
    if (const auto* status = told.what.get<TrackerStatus>()) {
      report->trackers = *status;
      if (!report->link.user.empty()) return ask(AskSessions{}, context);
    }
    finish(Result(*report), context);
    return;
  }
  if (const auto* found = told.what.get<FileFound>();
      found != nullptr && std::holds_alternative<SurveySharers>(running.errand)) {
    running.outcome.result = PeerListing{*found, {}, {}};
    return ask(AskTicket{found->gid}, context);
  }
  auto* listing = std::get_if<PeerListing>(&running.outcome.result);
  if (const auto* given = told.what.get<TicketGiven>(); given != nullptr && listing != nullptr) {
    listing->ticket = given->ticket;
    // The peers want to know who asks.
    context.send(partners_.tracker_link, AskLink{running.id});
    return;
  }
  const auto* exports = std::get_if<Export>(&running.errand);
  if (const auto* found = told.what.get<FileFound>(); found != nullptr && exports != nullptr) {
    context.send(partners_.exporter, ExportFile{running.id, exports->path, exports->conductor, found->gid,
                                                found->fid, found->metainfo});
    return;
  }
  const bool refused = std::holds_alternative<Refused>(result);
  // We are a member, so what is wrong with the file is the first thing that is wrong.
  if (!refused && running.found.refused) result = *running.found.refused;
  if (running.asked && !refused && !running.found.refused) {
    if (auto next = next_page(*running.asked, result)) {
      running.pages ? append_page(*running.pages, std::move(result))
                    : void(running.pages = std::move(result));
      ask(std::move(*next), context);
      return;
    }
  }
  if (running.pages && !refused) {
    append_page(*running.pages, std::move(result));
    result = std::move(*running.pages);
  }
  if (running.asked) learn(*running.asked, result);
  if (const auto* session = std::get_if<LoggedIn>(&result)) {
    set_user(session->user.text, context);
    running.outcome.result = *session;
    context.send(partners_.scheduler, ListDownloads{running.id});
    return;
  }
  finish(std::move(result), context);
}

/// First that we may see the group, then that the limit is set; at the end all limits are shown.
void Shell::limit_answered(const ChangeLimits& errand, const Told& told, Context& context) {
  auto& running = std::get<Running>(state_);
  if (const auto* refused = told.what.get<Refused>()) return finish(*refused, context);
  if (std::exchange(running.asked, std::nullopt)) {
    context.send(partners_.storage, SetLimit{running.id, *errand.limit});
  } else {
    context.send(partners_.storage, ListLimits{running.id});
  }
}

void Shell::on(const Limits& limits, Context& context) {
  if (running(limits.command) != nullptr) finish(limits, context);
}

void Shell::on(const DownloadsDiagnosed& diagnosed, Context& context) {
  Running* found = running(diagnosed.command);
  if (found == nullptr) return;
  auto* report = std::get_if<DiagnosisReport>(&found->outcome.result);
  const auto* question = std::get_if<Diagnose>(&found->errand);
  if (report == nullptr || question == nullptr) return;
  report->downloads = diagnosed.downloads;
  context.send(partners_.uploader, DiagnoseShare{found->id, question->group, question->file});
}

void Shell::on(const ShareDiagnosed& diagnosed, Context& context) {
  Running* found = running(diagnosed.command);
  if (found == nullptr) return;
  if (auto* report = std::get_if<DiagnosisReport>(&found->outcome.result)) report->share = diagnosed.share;
  context.send(partners_.tracker_link, AskLink{found->id});
}

/// All has been asked. `told`: what the trackers say of the file, unless none answers.
void Shell::diagnosed(const Told* told, Context& context) {
  auto& running = std::get<Running>(state_);
  auto& report = std::get<DiagnosisReport>(running.outcome.result);
  const auto* refused = told == nullptr ? nullptr : told->what.get<Refused>();
  const auto* found = told == nullptr ? nullptr : told->what.get<FileFound>();
  if (found != nullptr) report.sharers = found->sharers;
  if (refused != nullptr && refused->code == Code::tracker_unreachable) report.tracker_answers = false;
  if (!report.downloads.empty() || report.share) return finish(Result(report), context);
  const auto& question = std::get<Diagnose>(running.errand);
  finish(refused != nullptr
             ? *refused
             : Refused{Code::no_such_file, fmt::format("you neither fetch nor share {} in {}",
                                                       question.file.text, question.group.text)},
         context);
}

void Shell::on(const LinkStatus& status, Context& context) {
  Running* found = running(status.command);
  if (found == nullptr) return;
  if (const auto* diagnosis = std::get_if<Diagnose>(&found->errand)) {
    const bool answers = status.tracker_number != 0;
    std::get<DiagnosisReport>(found->outcome.result).tracker_answers = answers;
    answers ? ask(FindFile{diagnosis->group, diagnosis->file}, context) : diagnosed(nullptr, context);
    return;
  }
  if (const auto* listing = std::get_if<PeerListing>(&found->outcome.result)) {
    const FileFound& file = listing->found;
    context.spawn<PeerSurveyRole>(
        "peer_survey", std::make_unique<PeerSurvey>(
                           SurveyQuestion{status.command, status.client, file.gid, file.fid,
                                          file.metainfo.piece_count(), file.sharers, listing->ticket},
                           Ref<ShellRole>{context.self()}));
    return;
  }
  const auto* question = std::get_if<ShowLink>(&found->errand);
  if (question == nullptr) return;
  found->outcome.result = LinkReport{status, std::nullopt, {}};
  if (question->with_trackers && status.tracker_number != 0) {
    ask(AskStatus{}, context);
  } else {
    finish(found->outcome.result, context);
  }
}

void Shell::on(const PeersSurveyed& surveyed, Context& context) {
  Running* found = running(surveyed.command);
  if (found == nullptr) return;
  auto* listing = std::get_if<PeerListing>(&found->outcome.result);
  if (listing == nullptr) return;
  listing->peers = surveyed.peers;
  finish(Result(*listing), context);
}

void Shell::on(const HashProgress& progress, Context& context) {
  Running* found = running(progress.command);
  if (found == nullptr || !speaker_.draws_progress()) return;
  if (context.now() - found->progress_shown < progress_pause) return;
  found->progress_shown = context.now();
  tools_.console.progress(hash_progress_line(progress));
}

void Shell::on(const WaitExpired& expired, Context& context) {
  Running* found = running(expired.command);
  if (found == nullptr) return;
  found->limit = {};
  context.send(partners_.scheduler, ForgetCommand{expired.command});
  finish(Refused{Code::timeout, "downloads still run; see show_downloads"}, context);
}

void Shell::on(const SessionSettling& settling, Context& context) {
  Running* found = running(settling.command);
  if (found == nullptr) return;
  if (user_.empty()) {
    finish(found->outcome.result, context);  // it has ended again
  } else {
    context.send(partners_.scheduler, ListDownloads{found->id});
  }
}

/// Says what came of it and asks for the next line.
void Shell::finish(Result result, Context& context) {
  auto& running = std::get<Running>(state_);
  if (running.limit.value != 0) context.cancel(running.limit);
  Outcome outcome = std::move(running.outcome);
  outcome.result = std::move(result);
  const bool shared = std::holds_alternative<ShareLocalFile>(running.errand);
  const bool fetches = std::holds_alternative<Fetch>(running.errand) && outcome.refused() == nullptr;
  const auto* question = std::get_if<AskTrackers>(&running.errand);
  const bool logged_out =
      question != nullptr && question->request.get<Logout>() != nullptr && !outcome.refused();
  if (logged_out) set_user({}, context);
  const std::size_t pausing = logged_out ? running.pausing : 0;
  if (shared) tools_.console.progress({});
  report(outcome);
  if (pausing > 0)
    speaker_.hint(fmt::format("{} until the next login.", pausing == 1
                                                              ? "1 download pauses"
                                                              : fmt::format("{} downloads pause", pausing)));
  if (fetches) poll_progress(context);
  next_line(context);
}

void Shell::report(const Outcome& outcome) {
  const Refused* refused = outcome.refused();
  // A word that is no command may be a password, at the wrong moment.
  if (outcome.invocation.command != nullptr)
    log_info(refused == nullptr ? fmt::format("{}: done", outcome.invocation.word)
                                : fmt::format("{}: {}: {}", outcome.invocation.word, name_of(refused->code),
                                              refused->sentence));
  speaker_.tell(outcome);
}

void Shell::abandon(Afterwards afterwards, Context& context) {
  auto& running = std::get<Running>(state_);
  if (running.limit.value != 0) context.cancel(running.limit);
  context.send(partners_.tracker_link, ForgetCommand{running.id});
  context.send(partners_.librarian, ForgetCommand{running.id});
  context.send(partners_.scheduler, ForgetCommand{running.id});
  tools_.console.progress({});
  // A wait takes no effect; and what becomes of the downloads when the program ends, is said there.
  const std::string_view sentence =
      !std::holds_alternative<Wait>(running.errand) ? "no longer waited for; it may still take effect"
      : afterwards == Afterwards::next_line         ? "stopped waiting; the downloads go on"
                                            : "stopped waiting; the downloads go on at the next login";
  running.outcome.result = Refused{Code::unfinished, std::string(sentence)};
  report(running.outcome);
}

}  // namespace tutti
