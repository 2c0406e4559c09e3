#include "shell/shell.hpp"

#include <fmt/format.h>

#include <utility>

#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "messages/codec_impl.hpp"
#include "shell/exit_status.hpp"
#include "shell/words.hpp"

namespace tutti {

template struct Codec<ProgressDue>;
template struct Codec<WaitExpired>;
template struct Codec<SessionSettling>;

namespace {

bool is_running(const DownloadRow& row) {
  return row.phase != DownloadPhase::complete && row.phase != DownloadPhase::failed &&
         row.phase != DownloadPhase::paused;
}

}  // namespace

Shell::Shell(const ShellPartners& partners, const ShellTools& tools, ShellOptions options, int& exit_status)
    : partners_(partners),
      tools_(tools),
      options_(std::move(options)),
      exit_status_(exit_status),
      speaker_(tools.console, options_.form, options_.style) {}

void Shell::start(Context& context) {
  context.watch(tools_.signals.descriptor());
  next_line(context);
}

void Shell::check_invariants() const {
  if (const auto* running = std::get_if<Running>(&state_)) {
    ENSURE(running->id.value != 0 && running->id.value <= last_command_);
    ENSURE(running->outcome.invocation.command != nullptr);
  }
  ENSURE(!name_question_ || name_question_->first.value <= last_command_);
}

// --- input -----------------------------------------------------------------------------------------------------

void Shell::on(const InputReady& ready, Context& context) {
  if (ready.descriptor == tools_.signals.descriptor()) {
    while (const auto signal = tools_.signals.next()) handle(*signal, context);
    if (!std::holds_alternative<Ended>(state_)) context.watch(ready.descriptor);
    return;
  }
  if (!wants_input()) return;
  tools_.console.feed();
  read_lines(context);
}

/// While a command runs its successor stays where it is: in the terminal, the pipe or the file. Only an interruption
/// has to be heard.
bool Shell::wants_input() const {
  if (std::holds_alternative<Running>(state_)) return tools_.console.hears_interrupts();
  return !std::holds_alternative<Ended>(state_);
}

void Shell::next_line(Context& context) {
  state_ = AwaitingLine{};
  tools_.console.prompt(prompt_text());
  read_lines(context);
}

/// Not by recursion from next_line() alone: a script of many quick commands must not grow the stack.
void Shell::read_lines(Context& context) {
  if (reading_lines_) return;
  reading_lines_ = true;
  while (wants_input()) {
    const std::optional<ConsoleEvent> event = tools_.console.next();
    if (!event) break;
    std::visit([&](const auto& each) { handle(each, context); }, *event);
  }
  reading_lines_ = false;
  if (wants_input() && tools_.console.descriptor() >= 0) context.watch(tools_.console.descriptor());
}

void Shell::handle(const LineTyped& typed, Context& context) {
  Parsed parsed = parse_command(typed.line);
  if (parsed.nothing) {
    next_line(context);
    return;
  }
  if (const std::optional<std::string> kept = history_form(typed.line)) {
    log_info("command: " + *kept);
    tools_.console.remember(*kept);
  }
  if (!parsed.refused) parsed.refused = check(parsed.invocation);
  if (parsed.refused) {
    report({.invocation = std::move(parsed.invocation), .result = *parsed.refused});
    next_line(context);
  } else {
    ask_secret_or_run(std::move(parsed.invocation), context);
  }
}

void Shell::handle(const SecretTyped& typed, Context& context) {
  ENSURE(std::holds_alternative<AwaitingSecret>(state_));
  auto& [invocation, first] = std::get<AwaitingSecret>(state_);
  const bool again = !first.empty();
  const bool is_new = missing_password(invocation)->kind == ArgumentKind::new_password;
  if (!typed.secret.empty() && !again && (invocation.command->makes_password || is_new)) {
    first = typed.secret;
    tools_.console.ask_secret("again: ");
  } else if (again ? typed.secret != first : typed.secret.empty()) {
    const std::string_view fault = again ? "the two passwords differ" : "the password is empty";
    report({.invocation = std::move(invocation), .result = Refused{Code::usage, std::string(fault)}});
    next_line(context);
  } else {
    Invocation complete = std::move(invocation);
    complete.arguments.push_back(typed.secret);
    ask_secret_or_run(std::move(complete), context);
  }
}

void Shell::handle(const TabPressed& tab, Context& context) {
  const Completion completion = complete(tab.before, names_, tools_.files);
  tools_.console.complete(completion);
  tab_line_ = tab.before;
  ask_for_names(completion, context);
}

void Shell::handle(const Interrupted&, Context& context) { interrupt(context); }

void Shell::handle(const InputEnded&, Context& context) {
  end(tools_.console.is_interactive() ? 0 : speaker_.exit_status(), context);
}

void Shell::handle(Signal signal, Context& context) {
  if (std::holds_alternative<Ended>(state_)) return;
  switch (signal) {
    case Signal::resize:
    case Signal::resumed: tools_.console.redraw(); return;
    case Signal::interrupt: interrupt(context); return;
    case Signal::terminate:
    case Signal::hang_up: stopped_by_signal(context); return;
  }
}

/// Ctrl-C. A person goes on with the next line; a script is over.
void Shell::interrupt(Context& context) {
  auto* running = std::get_if<Running>(&state_);
  const bool serves = running != nullptr && std::holds_alternative<Serve>(running->errand);
  if (!tools_.console.is_interactive()) {
    if (serves) {
      report(Outcome{.invocation = running->outcome.invocation, .result = Done{}});
    } else if (running != nullptr) {
      abandon(Afterwards::end, context);
    }
    end(exit_interrupted, context);
    return;
  }
  if (serves) {
    finish(Done{}, context);
  } else if (running != nullptr) {
    abandon(Afterwards::next_line, context);
    next_line(context);
  } else {
    const bool something_typed =
        tools_.console.abandon_line() || std::holds_alternative<AwaitingSecret>(state_);
    if (!something_typed) speaker_.hint("Type quit or press Ctrl-D to leave.");
    next_line(context);
  }
}

/// To be stopped is how serve ends, so there it is no interruption.
void Shell::stopped_by_signal(Context& context) {
  auto* running = std::get_if<Running>(&state_);
  if (running != nullptr && std::holds_alternative<Serve>(running->errand)) {
    report(Outcome{.invocation = running->outcome.invocation, .result = Done{}});
    end(speaker_.exit_status(), context);
    return;
  }
  if (running != nullptr) abandon(Afterwards::end, context);
  end(exit_interrupted, context);
}

void Shell::end(int exit_status, Context& context) {
  if (downloads_running_ > 0)
    speaker_.hint("Downloads pause; they go on when you start the client and log in again.");
  tools_.console.progress({});
  state_ = Ended{};
  exit_status_ = exit_status;
  context.unwatch(tools_.signals.descriptor());
  if (tools_.console.descriptor() >= 0) context.unwatch(tools_.console.descriptor());
  context.stop(context.self());
}

// --- events ----------------------------------------------------------------------------------------------------

void Shell::on(const TrackerChanged& changed, Context&) {
  tracker_number_ = changed.tracker_number;
  tools_.console.change_prompt(prompt_text());
  // That the first tracker answers at once is no news; that there is none, or another one, is.
  const bool expected = changed.tracker_number != 0 && !tracker_was_known_;
  tracker_was_known_ = true;
  if (!expected || options_.form == Speaker::Form::json) speaker_.tell_event(changed);
}

void Shell::on(const TrackerKeySeen& seen, Context&) { speaker_.tell_event(seen); }

void Shell::on(const SessionChanged& changed, Context& context) {
  set_user(changed.user, context);
  speaker_.tell_event(changed);
}

void Shell::on(const DownloadChanged& changed, Context& context) {
  speaker_.tell_event(changed);
  poll_progress(context);
}

void Shell::on(const ShareChanged& changed, Context&) { speaker_.tell_event(changed); }

void Shell::on(const Notice& notice, Context&) { speaker_.tell_event(notice); }

void Shell::set_user(const std::string& user, Context& context) {
  if (user == user_) return;
  user_ = user;
  if (user_.empty()) end_progress(context);
  names_.forget();
  tools_.console.change_prompt(prompt_text());
}

std::string Shell::prompt_text() const {
  const std::string tracker = tracker_number_ == 0 ? "(no tracker)" : fmt::format("t{}", tracker_number_);
  return fmt::format("{}@{}> ", user_.empty() ? "tutti" : user_, tracker);
}

// --- progress --------------------------------------------------------------------------------------------------

void Shell::poll_progress(Context& context) {
  if (!speaker_.draws_progress() || progress_question_.value != 0 || user_.empty()) return;
  if (progress_timer_.value != 0) context.cancel(std::exchange(progress_timer_, {}));
  progress_question_ = {++last_command_};
  context.send(partners_.scheduler, ListDownloads{progress_question_});
}

void Shell::on(const ProgressDue&, Context& context) {
  progress_timer_ = {};
  poll_progress(context);
}

void Shell::on(const Downloads& downloads, Context& context) {
  if (downloads.command == downloads_question_) {
    downloads_question_ = {};
    const Completion before = complete(tab_line_, names_, tools_.files);
    names_.learn(downloads.downloads);
    return offer_again(before, context);
  }
  names_.learn(downloads.downloads);
  if (downloads.command == progress_question_) {
    progress_question_ = {};
    show_progress(downloads, context);
    return;
  }
  const Running* found = running(downloads.command);
  if (found == nullptr) return;
  if (std::holds_alternative<LoggedIn>(found->outcome.result)) {
    show_progress(downloads, context);
    finish(found->outcome.result, context);
  } else if (std::holds_alternative<ShowDownloads>(found->errand)) {
    finish(downloads, context);
  }
}

/// Without a session nothing runs, and nobody would say how the last number goes on.
void Shell::end_progress(Context& context) {
  downloads_running_ = 0;
  if (progress_timer_.value != 0) context.cancel(std::exchange(progress_timer_, {}));
  tools_.console.progress({});
}

void Shell::show_progress(const Downloads& downloads, Context& context) {
  if (!speaker_.draws_progress() || user_.empty()) return;
  downloads_running_ = 0;
  for (const DownloadRow& row : downloads.downloads)
    if (is_running(row)) ++downloads_running_;
  tools_.console.progress(progress_line(downloads.downloads));
  if (progress_timer_.value != 0) context.cancel(std::exchange(progress_timer_, {}));
  if (downloads_running_ > 0) progress_timer_ = context.after(options_.progress_interval, ProgressDue{});
}

// --- names for Tab ---------------------------------------------------------------------------------------------

void Shell::ask_for_names(const Completion& completion, Context& context) {
  if (user_.empty() || name_question_ || downloads_question_.value != 0) return;
  if (completion.missing == Completion::Missing::downloads) {
    downloads_question_ = {++last_command_};
    context.send(partners_.scheduler, ListDownloads{downloads_question_});
    return;
  }
  const GroupName group{completion.missing_group};
  std::optional<ClientRequest> question;
  switch (completion.missing) {
    case Completion::Missing::downloads:
    case Completion::Missing::nothing: return;
    case Completion::Missing::groups: question = ListGroups{}; break;
    case Completion::Missing::files: question = ListFiles{group, {}}; break;
    case Completion::Missing::members: question = ListMembers{group, {}}; break;
    case Completion::Missing::requests: question = ListRequests{group, {}}; break;
  }
  if (completion.missing != Completion::Missing::groups && !group.fault().empty()) return;
  name_question_.emplace(CommandId{++last_command_}, std::move(*question));
  context.send(partners_.tracker_link, Ask{name_question_->first, name_question_->second});
}

void Shell::names_arrived(const Told& told, Context& context) {
  const ClientRequest asked = std::move(name_question_->second);
  name_question_.reset();
  const Completion before = complete(tab_line_, names_, tools_.files);
  learn(asked, result_of(told.what));
  offer_again(before, context);
}

/// What has been learnt may be what Tab was pressed for.
void Shell::offer_again(const Completion& before, Context& context) {
  if (!std::holds_alternative<AwaitingLine>(state_) || !tools_.console.is_still_at_tab()) return;
  const Completion now = complete(tab_line_, names_, tools_.files);
  if (now.candidates == before.candidates) return;
  tools_.console.complete(now);
  read_lines(context);
}

void Shell::learn(const ClientRequest& asked, const Result& result) {
  if (const auto* groups = std::get_if<Groups>(&result)) names_.learn(*groups);
  const auto* files = std::get_if<Files>(&result);
  if (const auto* question = asked.get<ListFiles>(); question != nullptr && files != nullptr)
    names_.learn(question->group.text, *files);
  const auto* members = std::get_if<Members>(&result);
  if (const auto* question = asked.get<ListMembers>(); question != nullptr && members != nullptr)
    names_.learn(question->group.text, *members);
  const auto* requests = std::get_if<JoinRequests>(&result);
  if (const auto* question = asked.get<ListRequests>(); question != nullptr && requests != nullptr)
    names_.learn(question->group.text, *requests);
}

// --- history ---------------------------------------------------------------------------------------------------

std::optional<std::string> history_form(const std::string& line) {
  const std::vector<Word> words = split_words(line).words;
  const Command* command = words.empty() ? nullptr : find_command(words.front().text);
  if (command == nullptr) return std::nullopt;
  const std::optional<std::size_t> password = password_position(*command);
  if (!password || words.size() <= *password + 1) return line;
  std::string kept = words.front().text;
  for (std::size_t i = 1; i <= *password; ++i) kept += ' ' + quote_word(words[i].text);
  return kept;
}

}  // namespace tutti
