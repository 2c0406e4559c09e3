#include "shell/member_desk.hpp"

#include <fmt/format.h>

#include <utility>

#include "actors/context.hpp"
#include "shell/exit_status.hpp"
#include "shell/member_bar.hpp"
#include "shell/printable.hpp"

namespace tutti {

MemberDesk::MemberDesk(MemberDeskOptions options, MemberPlace place, Others others, KeyConsole& console,
                       Signals& signals, int& exit_status)
    : options_(options),
      place_(std::move(place)),
      others_(others),
      console_(console),
      signals_(signals),
      exit_status_(exit_status),
      checks_file_(place_.is_there),
      place_is_doubtful_(place_.is_there) {}

void MemberDesk::start(Context& context) {
  context.watch(signals_.descriptor());
  if (console_.descriptor() >= 0) context.watch(console_.descriptor());
  context.after(console_.is_drawn() ? options_.drawn_every : options_.asked_every, ShowDue{});
}

// --- the file -------------------------------------------------------------------------------------------------

void MemberDesk::on(const SessionChanged& changed, Context& context) {
  if (!changed.uid.is_zero()) context.send(others_.scheduler, ListDownloads{list_command});
}

void MemberDesk::on(const Told& told, Context& context) {
  const bool about_check = told.command == check_command || told.command == checked_command;
  if (ended_ || !about_check || !checks_file_) return;
  if (const auto* refused = told.what.get<Refused>()) {
    fail(refused->code, refused->sentence, context);
  } else if (told.command == checked_command) {
    // All of it is right: it becomes a share, which a download does by itself.
    checks_file_ = false;
    context.send(others_.storage, CheckFile{1, place_.download.path});
  }
}

/// The first one says that the scheduler knows what there is.
void MemberDesk::on(const Downloads& downloads, Context& context) {
  const bool to_be_checked = place_.is_there || place_.is_begun;
  if (to_be_checked && !std::exchange(check_asked_, true)) return check(context);
  for (const DownloadRow& row : downloads.downloads) take(row, context);
}

void MemberDesk::check(Context& context) {
  const DownloadRecord& download = place_.download;
  context.send(others_.scheduler, ControlDownloads{check_command, DownloadOrder::recheck,
                                                   DownloadName{download.group, download.metainfo.name, {}},
                                                   DownloadPriority::normal});
  context.send(others_.scheduler, AwaitDownloads{checked_command});
}

void MemberDesk::on(const DownloadChanged& changed, Context& context) { take(changed.download, context); }

void MemberDesk::take(const DownloadRow& row, Context& context) {
  if (ended_) return;
  const DownloadPhase before = std::exchange(row_, row).phase;
  if (row.phase == DownloadPhase::failed) return fail(row.code, row.sentence, context);
  // It was not right, and is fetched.
  if (row.phase != DownloadPhase::complete && row.phase != DownloadPhase::checking)
    checks_file_ = place_is_doubtful_ = false;
  if (row.phase == DownloadPhase::waiting && before != DownloadPhase::waiting && !console_.is_drawn() &&
      row.sentence != said_) {
    said_ = row.sentence;
    console_.say(printable(row.sentence));
  }
  // What was there at the start is only said to be complete before it has been looked at.
  if (row.phase == DownloadPhase::complete && !complete_ && !place_is_doubtful_) return complete(context);
  show();
}

void MemberDesk::on(const FileChecked& checked, Context& context) {
  if (!checked.identity) return fail(checked.code, checked.sentence, context);
  const DownloadRecord& download = place_.download;
  context.send(others_.librarian,
               AdoptShare{ShareRecord{download.uid, download.gid, download.group, download.fid,
                                      download.metainfo, download.path, *checked.identity, false}});
  complete(context);
}

void MemberDesk::complete(Context& context) {
  complete_ = true;
  console_.say(fmt::format("complete: {}", printable(place_.download.path)));
  if (options_.once) return end(0, context);
  show();
}

void MemberDesk::fail(Code code, const std::string& sentence, Context& context) {
  if (ended_) return;
  console_.progress({});
  console_.complain(fmt::format("error: {}: {}", name_of(code), printable(sentence)));
  end(exit_status_of(code), context);
}

/// It is not the file that was looked at, and not served any more: perhaps it was only touched.
void MemberDesk::on(const ShareChanged&, Context& context) {
  if (ended_) return;
  console_.say(printable(fmt::format(
      "{} has changed since it was looked at: it is looked at again, and what is wrong of it is fetched",
      place_.download.path)));
  complete_ = false;
  checks_file_ = place_is_doubtful_ = true;
  check(context);
}

void MemberDesk::on(const Notice& notice, Context&) {
  if (!ended_) console_.say(printable(notice.sentence));
}

// --- the console ----------------------------------------------------------------------------------------------

void MemberDesk::show() {
  if (console_.is_drawn() && !ended_ && row_.id.value != 0)
    console_.progress(member_bar(row_, console_.columns()));
}

void MemberDesk::on(const ShowDue&, Context& context) {
  if (ended_) return;
  context.send(others_.scheduler, ListDownloads{list_command});
  context.after(console_.is_drawn() ? options_.drawn_every : options_.asked_every, ShowDue{});
}

void MemberDesk::on(const InputReady& ready, Context& context) {
  if (ended_) return;
  if (ready.descriptor == signals_.descriptor()) {
    while (const auto signal = signals_.next()) {
      if (*signal == Signal::resize || *signal == Signal::resumed) continue;
      return end(exit_interrupted, context);
    }
    return context.watch(ready.descriptor);
  }
  typed_ += console_.read();
  if (console_.hears_keys()) {
    if (typed_.find('q') != std::string::npos) return end(0, context);
    typed_.clear();
  }
  for (std::size_t end_of_line = typed_.find('\n'); end_of_line != std::string::npos;
       end_of_line = typed_.find('\n')) {
    const std::string line = typed_.substr(0, end_of_line);
    typed_.erase(0, end_of_line + 1);
    if (line == "q" || line == "quit") return end(0, context);
    if (!line.empty()) console_.complain("error: unknown_command: it shares by itself; q ends it");
  }
  constexpr std::size_t line_max = 4096;
  if (typed_.size() > line_max) typed_.clear();
  if (console_.descriptor() >= 0) context.watch(console_.descriptor());
}

void MemberDesk::end(int status, Context& context) {
  ended_ = true;
  exit_status_ = status;
  context.goodbye();
}

}  // namespace tutti
