#pragma once

#include <string>
#include <string_view>

#include "shell/console.hpp"
#include "shell/plain.hpp"

namespace tutti {

/// Says outcomes and events in the form that was asked for, and keeps what the program will end with: the class of
/// the first failure. Nothing but JSON goes to standard output in JSON form.
class Speaker {
 public:
  enum class Form : std::uint8_t { plain, json };
  Speaker(Console& console, Form form, const Style& style) : console_(console), form_(form), style_(style) {}

  void tell(const Outcome& outcome);
  void tell_event(const TrackerChanged& changed) { say(changed); }
  void tell_event(const TrackerKeySeen& seen) { say(seen); }
  void tell_event(const SessionChanged& changed);
  void tell_event(const DownloadChanged& changed) { say(changed); }
  void tell_event(const ShareChanged& changed) { say(changed); }
  void tell_event(const Notice& notice) { say(notice); }
  /// For people only: nothing in JSON form or off a terminal.
  void hint(std::string_view sentence);

  /// 0 as long as every command succeeded.
  int exit_status() const { return exit_status_; }
  bool draws_progress() const { return form_ == Form::plain && style_.terminal; }

 private:
  template <class Event>
  void say(const Event& event);

  Console& console_;
  Form form_;
  Style style_;
  int exit_status_ = 0;
};

}  // namespace tutti
