#pragma once

#include <string>

#include "actors/actor.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/orchestra/member.hpp"
#include "shell/key_console.hpp"
#include "shell/signals.hpp"

namespace tutti {

struct MemberDeskOptions {
  bool once = false;  ///< ends when the file is complete
  Duration drawn_every = std::chrono::milliseconds(250);
  Duration asked_every = std::chrono::milliseconds(1000);  ///< where nobody looks
};

/// Stands in the place of the shell: shows how far the file is, sees to it that what is on the disk is looked at before it
/// is shared, and ends the program.
///
/// Rules:
/// - What is there already is hashed first. If all of it is right it is shared from where it is; else what is right of it
///   becomes the beginning of a download.
/// - A file that changes while it is shared is looked at again in the same way.
/// - `q` ends it at once, as in the originals; elsewhere than on a terminal a line `q` or `quit` does. The end of input does
///   not.
/// - Fails only by what waiting does not heal: the disk, or a file that cannot be what its `.orch` file says.
class MemberDesk final : public ActorOf<MemberDesk, Messages<Told, Downloads, SessionChanged, DownloadChanged,
                                                             ShareChanged, Notice, FileChecked, ShowDue>> {
 public:
  struct Others {
    Ref<LibrarianRole> librarian;
    Ref<SchedulerRole> scheduler;
    Ref<StorageRole> storage;
  };
  /// `exit_status` is set when the desk has ended; it and the tools outlive the desk.
  MemberDesk(MemberDeskOptions options, MemberPlace place, Others others, KeyConsole& console,
             Signals& signals, int& exit_status);

  void start(Context& context) override;

  void on(const Told& told, Context& context);
  void on(const Downloads& downloads, Context& context);
  void on(const SessionChanged& changed, Context& context);
  void on(const DownloadChanged& changed, Context& context);
  void on(const ShareChanged& changed, Context& context);
  void on(const Notice& notice, Context& context);
  void on(const FileChecked& checked, Context& context);
  void on(const ShowDue& due, Context& context);
  void on(const InputReady& ready, Context& context);

 private:
  static constexpr CommandId list_command{1};
  static constexpr CommandId check_command{2};
  static constexpr CommandId checked_command{3};

  void check(Context& context);
  void take(const DownloadRow& row, Context& context);
  void complete(Context& context);
  void fail(Code code, const std::string& sentence, Context& context);
  void show();
  void end(int status, Context& context);

  const MemberDeskOptions options_;
  const MemberPlace place_;
  const Others others_;
  KeyConsole& console_;
  Signals& signals_;
  int& exit_status_;

  DownloadRow row_;
  bool check_asked_ = false;
  bool checks_file_;        ///< that was there at the start: the scheduler has not said yet what comes of it
  bool place_is_doubtful_;  ///< it is not known to be right
  bool complete_ = false;
  bool ended_ = false;
  std::string typed_;
  std::string said_;  ///< why it waits
};

}  // namespace tutti
