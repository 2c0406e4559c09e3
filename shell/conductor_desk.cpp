#include "shell/conductor_desk.hpp"

#include <fmt/format.h>

#include "actors/context.hpp"
#include "shell/printable.hpp"

namespace tutti {

void ConductorDesk::start(Context& context) {
  context.watch(signals_.descriptor());
  if (console_.descriptor() >= 0) context.watch(console_.descriptor());
}

void ConductorDesk::on(const ConductorSays& says, Context&) {
  if (!ended_) console_.say(printable(says.sentence));
}

void ConductorDesk::on(const TableListed& listed, Context&) {
  if (ended_) return;
  if (listed.rows.empty()) console_.say("nobody shares anything");
  for (const TableRow& row : listed.rows)
    console_.say(printable(fmt::format("{} ({}): {}", row.name, row.sha1, fmt::join(row.members, ", "))));
}

void ConductorDesk::on(const InputReady& ready, Context& context) {
  if (ended_) return;
  if (ready.descriptor == signals_.descriptor()) {
    while (const auto signal = signals_.next()) {
      if (*signal == Signal::resize || *signal == Signal::resumed) continue;
      return obey("quit", context);
    }
    return context.watch(ready.descriptor);
  }
  typed_ += console_.read();
  for (std::size_t end = typed_.find('\n'); end != std::string::npos && !ended_; end = typed_.find('\n')) {
    const std::string line = typed_.substr(0, end);
    typed_.erase(0, end + 1);
    obey(line, context);
  }
  constexpr std::size_t line_max = 4096;
  if (typed_.size() > line_max) typed_.clear();
  if (!ended_ && console_.descriptor() >= 0) context.watch(console_.descriptor());
}

void ConductorDesk::obey(const std::string& line, Context& context) {
  if (line == "quit" || line == "q") {
    ended_ = true;
    context.goodbye();
  } else if (line == "table") {
    context.send(conductor_, TableWanted{});
  } else if (line == "help") {
    console_.say(
        "table: list who shares what\nquit (also q): end; members find each other no more, but those who "
        "have "
        "met go on\nhelp: this");
  } else if (!line.empty()) {
    console_.complain("error: unknown_command: help lists what there is");
  }
}

}  // namespace tutti
