#include "shell/speaker.hpp"

#include "shell/exit_status.hpp"
#include "shell/json.hpp"

namespace tutti {

void Speaker::tell(const Outcome& outcome) {
  const Refused* refused = outcome.refused();
  if (refused != nullptr && exit_status_ == 0) exit_status_ = exit_status_of(refused->code);
  if (form_ == Form::json) {
    console_.out(json_line(outcome) + '\n');
    return;
  }
  Style style = style_;
  style.columns = console_.columns();
  const Printed printed = plain(outcome, style);
  if (!printed.out.empty()) console_.out(printed.out);
  if (!printed.err.empty()) console_.err(printed.err);
}

template <class Event>
void Speaker::say(const Event& event) {
  if (form_ == Form::json) {
    console_.out(json_event(event) + '\n');
    return;
  }
  const std::string sentence = event_sentence(event, style_);
  if (sentence.empty()) return;
  const std::string text = remark(sentence, style_);
  style_.terminal ? console_.out(text) : console_.err(text);
}

void Speaker::tell_event(const SessionChanged& changed) {
  if (form_ == Form::json) console_.out(json_event(changed) + '\n');
}

void Speaker::hint(std::string_view sentence) {
  if (form_ == Form::plain && style_.terminal) console_.out(remark(sentence, style_));
}

template void Speaker::say(const TrackerChanged&);
template void Speaker::say(const TrackerKeySeen&);
template void Speaker::say(const DownloadChanged&);
template void Speaker::say(const ShareChanged&);
template void Speaker::say(const Notice&);

}  // namespace tutti
